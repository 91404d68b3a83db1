"""Distances against hand-worked hulls, pymatgen, scipy and the published decomposition energies."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition
from scipy.optimize import linprog

from aiida_mlhull.science.errors import MissingEndMembersError, TableError
from aiida_mlhull.science.hull import distances, hull_energies
from aiida_mlhull.science.representations.composition import elements_of, fraction_matrix
from aiida_mlhull.science.types import References

SPACES = ["Li Fe", "Mg Si O", "Li Fe P O", "Na Al Si Ca O", "Li Mn Fe O P F", "Al Ni Ti Co Fe V"]


@pytest.fixture
def binary(references):
    """A is at -1, B at -2 eV/atom; AB lies 0.5 and A3B 0.1 eV/atom below the line between them."""
    return references({"Li": -1.0, "O": -2.0, "LiO": -2.0, "Li3O": -1.35, "LiO3": -1.5})


def test_hand_worked_binary(binary):
    found = distances(["LiO", "Li3O", "LiO3", "Li2O", "Li"], np.asarray([-2.1, -1.5, -1.9, -1.6, -0.9]), binary)
    np.testing.assert_allclose(found.hull_energy, [-2.0, -1.5, -2.0, -5 / 3, -1.0], atol=1e-14)
    np.testing.assert_allclose(found.e_above_hull, [-0.1, 0.0, 0.1, 0.2 / 3, 0.1], atol=1e-14)
    assert found.decomposition(3) == pytest.approx({"Li": 1 / 3, "LiO": 2 / 3})
    assert found.chemical_potentials(3) == pytest.approx({"Li": -1.0, "O": -3.0})
    assert found.decomposition(0) == pytest.approx({"LiO": 1.0})
    assert found.gap.max() < 1e-14
    assert (found.reasons == "").all()


def test_total_and_formation_energies_give_the_same_distances(ground_states):
    rows = ground_states.within(["Li", "Fe", "P", "O"])
    formulas, formation = ground_states.formulas[rows], ground_states.formation[rows]
    elements = ["O", "P", "Fe", "Li"]
    shift = np.asarray([-4.9, -5.4, -8.5, -1.9])
    totals = formation + fraction_matrix(formulas.tolist(), elements) @ shift
    on_formation = distances(formulas, formation, _known(formulas[::2], formation[::2], elements, np.zeros(4)))
    on_totals = distances(formulas, totals, _known(formulas[::2], totals[::2], elements, shift))
    np.testing.assert_allclose(on_totals.e_above_hull, on_formation.e_above_hull, atol=1e-12)


def _known(formulas, energies, elements, element_energies):
    return References.from_rows(
        ids=[*elements, *(f"row-{i:05d}" for i in range(len(formulas)))],
        formulas=[*elements, *formulas],
        energies=np.concatenate([element_energies, energies]),
    )


@pytest.mark.parametrize("space", SPACES)
def test_agrees_with_pymatgen_on_random_halves(ground_states, space):
    elements = space.split()
    rows = ground_states.within(elements)
    rng = np.random.default_rng(len(rows))
    half = rng.permutation(rows)[: len(rows) // 2]
    formulas, energies = ground_states.formulas, ground_states.formation
    known = _known(formulas[half], energies[half], elements, np.zeros(len(elements)))
    diagram = PhaseDiagram(
        [
            PDEntry(Composition(f), e * Composition(f).num_atoms)
            for f, e in zip(known.formulas, known.energies, strict=True)
        ]
    )
    found = distances(formulas[rows], energies[rows], known)
    peer = [diagram.get_hull_energy_per_atom(Composition(formula)) for formula in formulas[rows]]
    np.testing.assert_allclose(found.hull_energy, peer, atol=1e-7)
    assert found.gap.max() < 1e-12
    stable = {entry.composition.reduced_formula for entry in diagram.stable_entries}
    ours = {Composition(f).reduced_formula for f in _on_hull(known)}
    assert ours == stable


def _on_hull(known):
    """Formulas of the references that lie on the hull of all of them."""
    return known.formulas[known.energies - hull_energies(known.formulas, known) < 1e-10]


def test_decompositions_and_potentials_add_up(ground_states):
    elements = ["Li", "Mn", "Fe", "O", "P", "F"]
    rows = ground_states.within(elements)
    formulas, energies = ground_states.formulas[rows], ground_states.formation[rows]
    known = _known(formulas[::3], energies[::3], elements, np.zeros(6))
    found = distances(formulas, energies, known)
    fractions = fraction_matrix(formulas.tolist(), elements)
    competing = fraction_matrix(known.formulas.tolist(), elements)
    for row in range(0, len(rows), 7):
        phases = found.decomposition(row)
        at = known.positions(list(phases))
        amounts = np.asarray(list(phases.values()))
        np.testing.assert_allclose(amounts @ competing[at], fractions[row], atol=1e-12)
        assert amounts @ known.energies[at] == pytest.approx(found.hull_energy[row], abs=1e-12)
        potentials = found.chemical_potentials(row)
        inside = [elements.index(symbol) for symbol in potentials]
        mu = np.asarray(list(potentials.values()))
        assert mu @ fractions[row, inside] == pytest.approx(found.hull_energy[row], abs=1e-12)
        subset = np.delete(competing, inside, axis=1).sum(axis=1) == 0
        assert (known.energies[subset] - competing[subset][:, inside] @ mu > -1e-9).all()


@st.composite
def hulls(draw):
    """A random hull of two to five elements, rounded so that ties and coplanar phases are frequent."""
    k = draw(st.integers(2, 5))
    elements = ["Li", "O", "Ti", "Zn", "Ba"][:k]
    counts = draw(st.lists(st.lists(st.integers(0, 4), min_size=k, max_size=k).filter(any), min_size=1, max_size=25))
    energies = draw(st.lists(st.integers(-8, 4), min_size=len(counts), max_size=len(counts)))
    formulas = ["".join(f"{e}{n}" for e, n in zip(elements, row, strict=True) if n) for row in counts]
    split = draw(st.integers(0, len(counts)))
    values = np.asarray(energies) / 8
    return elements, formulas[:split], values[:split], formulas[split:], values[split:]


@settings(max_examples=150)
@given(hulls())
def test_is_the_linear_program(hull):
    elements, known_formulas, known_energies, formulas, energies = hull
    known = _known(known_formulas, known_energies, elements, np.zeros(len(elements)))
    found = distances(formulas, energies, known)
    columns = fraction_matrix(known.formulas.tolist(), elements).T
    targets = fraction_matrix(formulas, elements)
    for row, target in enumerate(targets):
        peer = linprog(known.energies, A_eq=columns, b_eq=target, bounds=(0, None), method="highs")
        assert found.hull_energy[row] == pytest.approx(peer.fun, abs=1e-9)


@settings(max_examples=100)
@given(hulls(), st.randoms(use_true_random=False), st.integers(2, 9))
def test_order_scaling_and_points_above_change_nothing(hull, random, factor):
    elements, known_formulas, known_energies, formulas, energies = hull
    known = _known(known_formulas, known_energies, elements, np.zeros(len(elements)))
    found = distances(formulas, energies, known)
    order = list(range(len(formulas)))
    random.shuffle(order)
    scaled = [re.sub(r"\d+", lambda count: str(int(count[0]) * factor), formula) for formula in formulas]
    above = _known(
        [*known_formulas, *formulas],
        np.append(known_energies, found.hull_energy + 0.25),
        elements,
        np.zeros(len(elements)),
    )
    again = distances([scaled[i] for i in order], energies[order], above)
    np.testing.assert_allclose(again.e_above_hull, found.e_above_hull[order], atol=1e-12)
    for new, old in enumerate(order):
        assert again.decomposition(new) == pytest.approx(found.decomposition(old), abs=1e-9)


@settings(max_examples=100)
@given(hulls(), st.integers(1, 9))
def test_hull_is_convex(hull, share):
    elements, known_formulas, known_energies, formulas, _ = hull
    known = _known(known_formulas, known_energies, elements, np.zeros(len(elements)))
    names = [*known.formulas.tolist(), *formulas]
    pairs = list(zip(names, reversed(names), strict=True))
    middles = [f"({one}){share * _atoms(other)}({other}){(10 - share) * _atoms(one)}" for one, other in pairs]
    ends, others, between = (hull_energies(column, known) for column in (names, names[::-1], middles))
    assert (between <= share / 10 * ends + (1 - share / 10) * others + 1e-12).all()


def _atoms(formula):
    return round(Composition(formula).num_atoms)


def test_ten_elements(ground_states):
    rows = np.arange(len(ground_states.formulas))
    elements = list(elements_of(ground_states.formulas[rows].tolist()))
    known = _known(ground_states.formulas[rows], ground_states.formation[rows], elements, np.zeros(len(elements)))
    formula = "LiMnFeO8PFNaMgAlSi"
    found = distances([formula], np.zeros(1), known)
    inside = list(elements_of([formula]))
    allowed = np.asarray([set(elements_of([f])).issubset(inside) for f in known.formulas.tolist()])
    columns = fraction_matrix(known.formulas[allowed].tolist(), inside).T
    peer = linprog(known.energies[allowed], A_eq=columns, b_eq=fraction_matrix([formula], inside)[0], method="highs")
    assert found.hull_energy[0] == pytest.approx(peer.fun, abs=1e-9)
    assert found.gap[0] < 1e-12


def test_order_changes_no_bit(ground_states):
    elements = list(elements_of(ground_states.formulas.tolist()))
    formulas, energies = ground_states.formulas, ground_states.formation
    known = _known(formulas[::2], energies[::2], elements, np.zeros(len(elements)))
    forth, back = distances(formulas, energies, known), distances(formulas[::-1], energies[::-1], known)
    assert forth.e_above_hull.tobytes() == back.e_above_hull[::-1].tobytes()


def test_equal_decompositions_are_settled_alike(references):
    """Two tie lines that cross at one energy: Li2O + BaTi against Li2Ti + BaO and the like."""
    known = {"Li": 0.0, "O": 0.0, "Ti": 0.0, "LiO": -1.0, "LiTi": -1.0, "OTi": -1.0, "Li2OTi": -1.0}
    first = distances(["Li5O4Ti3", "LiOTi"], np.zeros(2), references(known))
    backwards = distances(["LiOTi", "Li5O4Ti3"], np.zeros(2), references(dict(reversed(known.items()))))
    assert first.decomposition(0) == pytest.approx(backwards.decomposition(1))
    assert first.decomposition(1) == pytest.approx(backwards.decomposition(0))
    assert first.hull_energy.tolist() == backwards.hull_energy[::-1].tolist()


def test_of_equal_decompositions_the_nearest_in_composition_is_told(references):
    """On one straight line any two phases around a composition mix to it."""
    known = references({"Li": 0.0, "Li2O": -1 / 3, "LiO": -0.5, "LiO2": -2 / 3, "O": -1.0})
    found = distances(["Li3O2", "Li3O", "LiO3"], np.zeros(3), known)
    assert found.decomposition(0) == pytest.approx({"Li2O": 0.6, "LiO": 0.4})
    assert found.decomposition(1) == pytest.approx({"Li": 0.25, "Li2O": 0.75})
    assert found.decomposition(2) == pytest.approx({"LiO2": 0.75, "O": 0.25})


def test_polymorphs_and_several_elemental_phases(references):
    known = References.from_rows(
        ids=["b-1", "b-2", "hcp", "bcc", "n2"],
        formulas=["TiN", "TiN", "Ti", "Ti", "N"],
        energies=np.asarray([-9.0, -9.3, -7.8, -7.7, -8.3]),
    )
    found = distances(["TiN", "Ti"], np.asarray([-9.2, -7.75]), known)
    np.testing.assert_allclose(found.e_above_hull, [0.1, 0.05], atol=1e-14)
    assert found.decomposition(0) == {"b-2": 1.0}
    assert found.decomposition(1) == {"hcp": 1.0}


def test_polymorphs_of_equal_energy_are_named_by_the_first_id(references):
    known = References.from_rows(
        ids=["z", "a", "Ti", "N"], formulas=["TiN", "TiN", "Ti", "N"], energies=np.asarray([-9.0, -9.0, -7.8, -8.3])
    )
    assert distances(["TiN"], np.zeros(1), known).decomposition(0) == {"a": 1.0}


def test_missing_elements_are_listed_before_anything_is_solved(binary):
    with pytest.raises(MissingEndMembersError, match="N, Ti") as caught:
        distances(["LiO", "LiTiN"], np.zeros(2), binary)
    assert caught.value.label() == "ERROR_MISSING_END_MEMBERS"


def test_refuses_energies_that_are_not_finite(binary):
    with pytest.raises(TableError, match=r"row 1 \(Li2O\)"):
        distances(["LiO", "Li2O"], np.asarray([0.0, np.nan]), binary)
    with pytest.raises(TableError, match="belong together"):
        distances(["LiO"], np.zeros(2), binary)


def test_no_candidates_no_distances(binary):
    assert len(distances([], np.empty(0), binary)) == 0
