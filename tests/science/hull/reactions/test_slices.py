"""Slices against pymatgen's interfaces, hand-worked kinks and independent points of the hull."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.errors import InputError, MissingEndMembersError
from aiida_mlhull.science.hull import distances, simplex
from aiida_mlhull.science.hull.phase_space import phase_space
from aiida_mlhull.science.hull.reactions import walk
from aiida_mlhull.science.hull.reactions.open_system import equation
from aiida_mlhull.science.hull.reactions.slices import cut

SPACES = ["Li Fe P O", "Na Al Si Ca O", "Li Mn Fe O P F", "Mg Si O"]


@pytest.fixture(scope="module")
def known(ground_states):
    from aiida_mlhull.science.types import References

    elements = sorted({symbol for formula in ground_states.formulas for symbol in Composition(formula).as_dict()})
    return References.from_rows(
        ids=[*elements, *(f"row-{i:05d}" for i in range(len(ground_states.formulas)))],
        formulas=[*elements, *ground_states.formulas],
        energies=np.concatenate([np.zeros(len(elements)), ground_states.formation]),
    )


def test_the_solver_is_the_one_that_was_compiled_in():
    """Numba doesn't see changes of simplex.py when it caches walk.py: renew SOLVER with them."""
    assert sha256(Path(simplex.__file__).read_bytes()).hexdigest().startswith(walk.SOLVER)


def test_hand_worked_slice(references):
    """A at 0, B at 0: AB at -1, A3B at -0.6 on the line's lower side, AB3 at -0.4 above it."""
    space = phase_space(references({"Li": 0.0, "O": 0.0, "LiO": -1.0, "Li3O": -0.6, "LiO3": -0.4}), ["Li", "O"])
    line = cut(space, "Li", "O")
    np.testing.assert_allclose(line.x, [0.0, 0.25, 0.5, 1.0], atol=1e-12)
    np.testing.assert_allclose(line.reaction_energies, [0.0, -0.6, -1.0, 0.0], atol=1e-12)
    assert [{str(space.formulas[row]) for row in line.products(i)} for i in range(4)] == [
        {"Li"},
        {"Li3O"},
        {"LiO"},
        {"O"},
    ]
    assert cut(space, "Li", "O", without=space.row("LiO")).x == pytest.approx([0.0, 0.25, 0.75, 1.0])


def test_by_products_are_balanced(references):
    """2 NaCl come with every AB: the kink lies where both are used up, and nothing else is there."""
    energies = {"Ba": 0.0, "Cl": 0.0, "Na": 0.0, "O": 0.0, "BaCl2": -3.0, "Na2O": -1.3, "BaO": -2.9, "NaCl": -2.1}
    space = phase_space(references(energies), ["Ba", "Cl", "Na", "O"])
    line = cut(space, "BaCl2", "Na2O")
    assert line.x == pytest.approx([0.0, 0.5, 1.0])
    made = equation(space, line, 1, start=space.row("BaCl2"), end=space.row("Na2O")).times(6)
    assert made.reactants == pytest.approx({"BaCl2": 1.0, "Na2O": 1.0})
    assert made.products == pytest.approx({"BaO": 1.0, "NaCl": 2.0})
    assert made.residual(space) < 1e-12
    assert line.reaction_energies[1] == pytest.approx((2 * -2.9 + 4 * -2.1 + 3 * 3.0 + 3 * 1.3) / 6)


@pytest.mark.parametrize("name", SPACES)
def test_kinks_are_those_of_pymatgen(known, name):
    space = phase_space(known, name.split())
    diagram = PhaseDiagram(
        [
            PDEntry(Composition(f), (e + x @ space.plane) * Composition(f).num_atoms)
            for f, e, x in zip(space.formulas.tolist(), space.energies, space.fractions, strict=True)
        ]
    )
    rng = np.random.default_rng(len(space))
    compared = 0
    for a, b in rng.integers(len(space), size=(50, 2)).tolist():
        difference = space.fractions[b] - space.fractions[a]
        if np.abs(difference).max() < 1e-9:
            continue
        line = cut(space, a, b)
        column = int(np.abs(difference).argmax())
        kinks = diagram.get_critical_compositions(
            *(Composition(str(space.formulas[row])) for row in (a, b)),
        )
        shares = np.asarray([kink.get_atomic_fraction(space.elements[column]) for kink in kinks])
        expected = np.sort((shares - space.fractions[a, column]) / difference[column])
        np.testing.assert_allclose(line.x, expected, atol=1e-7)
        assert line.gap < 1e-11
        compared += 1
    assert compared > 40


@given(st.integers(0, 2**31 - 1))
@settings(max_examples=40, deadline=None)
def test_a_slice_is_convex_and_lies_on_the_hull(known, seed):
    rng = np.random.default_rng(seed)
    elements = SPACES[seed % len(SPACES)].split()
    space = phase_space(known, elements)
    a, b = rng.choice(len(space), size=2, replace=False).tolist()
    if np.abs(space.fractions[a] - space.fractions[b]).max() < 1e-9:
        return
    line = cut(space, a, b)
    slopes = np.diff(line.energies) / np.diff(line.x)
    assert (np.diff(slopes) > 0).all()
    assert (line.reaction_energies < 1e-9).all()
    for i in range(len(line)):  # what is there adds up to what was put in
        mixed = sum(share * space.fractions[row] for row, share in line.products(i).items())
        np.testing.assert_allclose(
            mixed, (1 - line.x[i]) * space.fractions[a] + line.x[i] * space.fractions[b], atol=1e-9
        )
    x = rng.uniform()
    counts = np.round(((1 - x) * space.fractions[a] + x * space.fractions[b]) * 400).astype(int)
    formula = "".join(f"{s}{n}" for s, n in zip(space.elements, counts, strict=True) if n)
    target = counts / counts.sum()
    if np.linalg.matrix_rank(np.vstack([space.fractions[a], space.fractions[b], target]), tol=1e-12) == 2:
        here = np.interp(
            ((target - space.fractions[a]) @ (space.fractions[b] - space.fractions[a]))
            / np.square(space.fractions[b] - space.fractions[a]).sum(),
            line.x,
            line.energies,
        )
        assert here == pytest.approx(distances([formula], np.zeros(1), known).hull_energy[0], abs=1e-9)


def test_turned_around_it_is_the_same_slice(known):
    space = phase_space(known, ["Li", "Mn", "Fe", "O", "P", "F"])
    rng = np.random.default_rng(7)
    for a, b in rng.integers(len(space), size=(40, 2)).tolist():
        if np.abs(space.fractions[a] - space.fractions[b]).max() > 1e-9:
            there, back = cut(space, a, b), cut(space, b, a)
            np.testing.assert_allclose(there.x, 1 - back.x[::-1], atol=1e-9)
            np.testing.assert_allclose(there.energies, back.energies[::-1], atol=1e-9)


def test_open_elements_are_paid_for_at_their_potential(references):
    """Fe2O3 + reservoir: at μ(O) = -2 eV, Fe (0) + 1.5 O make Fe2O3 at (5 x -1.7 + 3 x 2)/2 eV per Fe."""
    energies = {"Fe": 0.0, "O": 0.0, "Li": 0.0, "Fe2O3": -1.7, "FeO": -1.4, "Li2O": -2.0, "LiFeO2": -1.95}
    space = phase_space(references(energies), ["Fe", "Li", "O"], potentials={"O": -2.0})
    assert space.elements == ("Li", "Fe")
    row = space.row("Fe2O3")
    grand = space.energies[row] + space.fractions[row] @ space.plane
    assert grand == pytest.approx((5 * -1.7 + 3 * 2.0) / 2)
    line = cut(space, "FeO", "Li2O")
    middle = int(np.argmin(line.reaction_energies))
    made = equation(space, line, middle, start=space.row("FeO"), end=space.row("Li2O"))
    assert made.products == pytest.approx({"LiFeO2": 0.5})
    assert made.reactants == pytest.approx({"FeO": 0.5, "Li2O": 0.25})
    assert made.exchanged == pytest.approx({"O": 0.25})
    assert made.residual(space) < 1e-12
    worth = 0.5 * 4 * -1.95 - 0.5 * 2 * -1.4 - 0.25 * 3 * -2.0 + 0.25 * 2.0
    assert line.reaction_energies[middle] == pytest.approx(worth)


def test_a_formula_without_a_phase_stands_for_the_hull(references):
    space = phase_space(references({"Li": 0.0, "O": 0.0, "LiO": -1.0}), ["Li", "O"])
    line = cut(space, "Li3O", "O")
    assert line.mixture[0] == pytest.approx(-0.5)
    assert line.x == pytest.approx([0.0, 1 / 3, 1.0])


def test_what_cannot_be_cut_is_refused(references):
    known = references({"Li": 0.0, "O": 0.0, "LiO": -1.0})
    space = phase_space(known, ["Li", "O"])
    with pytest.raises(InputError, match="same conserved composition"):
        cut(space, "LiO", "Li2O2")
    with pytest.raises(InputError, match="neither an id nor a formula"):
        space.row("NaCl")
    with pytest.raises(InputError, match="at least one element has to be conserved"):
        phase_space(known, ["Li"], potentials={"Li": 0.0})
    with pytest.raises(MissingEndMembersError, match="Na"):
        phase_space(known, ["Li", "Na", "O"])
    with pytest.raises(InputError, match="not elements: Xx"):
        phase_space(known, ["Li", "Xx"])
