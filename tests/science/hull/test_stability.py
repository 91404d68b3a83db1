"""The self-consistent hull, with candidates competing."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.errors import MissingEndMembersError
from aiida_mlhull.science.hull import stability


def test_hand_worked(references):
    known = references({"Li": 0.0, "O": 0.0})
    formulas = ["LiO", "LiO", "Li3O", "LiO3", "Li", "O"]
    energies = np.asarray([-1.0, -0.9, -0.2, -0.8, 0.1, -0.05])
    found = stability(formulas, energies, known)
    np.testing.assert_allclose(found.hull_energy, [-1.0, -1.0, -0.5, -0.8, 0.0, -0.05], atol=1e-14)
    np.testing.assert_allclose(found.e_above_hull, [0.0, 0.1, 0.3, 0.0, 0.1, 0.0], atol=1e-14)
    # LiO without its own composition: two thirds of LiO3 and one third of Li
    separated = -0.8 * 2 / 3
    # LiO3 without itself: half LiO, half O
    np.testing.assert_allclose(
        found.phase_separation, [-1.0 - separated, -0.9 - separated, 0.3, -0.8 + 0.525, 0.1, 0.0]
    )
    np.testing.assert_allclose(found.signed, [-0.1, 0.1, 0.3, -0.275, 0.1, -0.05], atol=1e-14)


def test_equal_polymorphs_on_the_hull_have_no_lead(references):
    found = stability(["TiO", "Ti2O2"], np.asarray([-8.0, -8.0]), references({"O": -4.9, "Ti": -7.8}))
    assert found.signed.tolist() == [0.0, 0.0]
    assert (found.phase_separation < -1.6).all()


@pytest.mark.parametrize("space", ["Mg Si O", "Li Fe P O", "Al Ni Ti Co Fe V"])
def test_agrees_with_pymatgen(ground_states, references, space):
    elements = space.split()
    rows = ground_states.within(elements)
    formulas, energies = ground_states.formulas[rows], ground_states.formation[rows]
    found = stability(formulas, energies, references(dict.fromkeys(elements, 0.0)))
    entries = [PDEntry(Composition(f), e * Composition(f).num_atoms) for f, e in zip(formulas, energies, strict=True)]
    diagram = PhaseDiagram([*entries, *(PDEntry(Composition(element), 0.0) for element in elements)])
    np.testing.assert_allclose(found.e_above_hull, [diagram.get_e_above_hull(e) for e in entries], atol=1e-7)
    separation = [diagram.get_phase_separation_energy(e, stable_only=False) for e in entries]
    np.testing.assert_allclose(found.phase_separation, separation, atol=1e-7)
    assert {e.name for e, d in zip(entries, found.signed, strict=True) if d < 0} == {
        e.name for e in diagram.stable_entries if not e.is_element
    }


def test_agrees_with_the_published_decomposition_energies(ground_states, references):
    systems = sorted(set(ground_states.complete_system) - {""})
    assert len(systems) >= 5
    for system in systems:
        elements = system.split("-")
        rows = ground_states.within(elements)
        known = references(dict.fromkeys(elements, 0.0))
        found = stability(ground_states.formulas[rows], ground_states.formation[rows], known)
        np.testing.assert_allclose(found.phase_separation, ground_states.decomposition[rows], atol=1e-6)


def test_signed_distance_is_the_distance_from_all_others(ground_states, references):
    elements = ["Mg", "Si", "O"]
    rows = ground_states.within(elements)
    formulas = np.repeat(ground_states.formulas[rows], 2)
    energies = np.repeat(ground_states.formation[rows], 2)
    energies[1::2] += np.random.default_rng(1).uniform(-0.02, 0.02, len(rows))
    known = references(dict.fromkeys(elements, 0.0))
    found = stability(formulas, energies, known)
    for row in range(len(formulas)):
        others = np.delete(np.arange(len(formulas)), row)
        names = [*formulas[others], *known.formulas]
        diagram = PhaseDiagram(
            [
                PDEntry(Composition(f), e * Composition(f).num_atoms)
                for f, e in zip(names, [*energies[others], *known.energies], strict=True)
            ]
        )
        hull = diagram.get_hull_energy_per_atom(Composition(formulas[row]))
        assert found.signed[row] == pytest.approx(energies[row] - hull, abs=1e-9)


def test_candidates_may_not_bring_the_end_members(references):
    with pytest.raises(MissingEndMembersError, match="Ti"):
        stability(["Ti", "TiO"], np.zeros(2), references({"O": 0.0}))
