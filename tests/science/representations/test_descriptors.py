"""Descriptors: hand-worked crystals, any composition, any way to write a crystal down."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.representations.crystal_graph import crystal_graphs
from aiida_mlhull.science.representations.descriptors import describe, element_roles
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import disguised, mp_crystals, pnictides, supercells


def column(described, name):
    return described.values[:, described.names.index(name)]


def rock_salt(a=5.64, numbers=(11, 17)):
    lattice = a / 2 * np.asarray([[0, 1, 1], [1, 0, 1], [1, 1, 0]])
    return Crystals.from_lists([lattice], [list(numbers)], [[[0, 0, 0], [0.5, 0.5, 0.5]]])


def test_rock_salt_by_hand():
    described = describe(rock_salt())
    unit = np.cbrt(5.64**3 / 8)
    expected = {
        "cation_electronegativity": 0.93,
        "anion_electronegativity": 3.16,
        "middle_fraction": 0.0,
        "cation_fraction": 0.5,
        "electronegativity_mean": 2.045,
        "electronegativity_spread": 1.115,
        "volume_per_atom": unit**3,
        "cation_anion_nearest": 2.82 / unit,
        "cation_anion_mean_radial": 2.82 / (1.66 + 1.02),
        "cation_anion_count": 6.0,
        "cation_cation_nearest": 2.82 * np.sqrt(2) / unit,
        "cation_middle_nearest": 2.0,
        "nearest": 2.82 / unit,
        "cation_kinds": 1.0,
        "space_group": 225.0,
        "log_primitive_sites": np.log(2),
        "log_point_group_order": np.log(48),
        "log_site_symmetry": np.log(48),
    }
    for name, value in expected.items():
        assert column(described, name)[0] == pytest.approx(value, abs=2e-4), name


def test_compositional_columns_are_those_that_a_polymorph_shares():
    nickeline = Crystals.from_lists(
        [[[3.6, 0, 0], [-1.8, 3.6 * np.sqrt(0.75), 0], [0, 0, 5.0]]],
        [[11, 11, 17, 17]],
        [[[0, 0, 0], [0, 0, 0.5], [1 / 3, 2 / 3, 0.25], [2 / 3, 1 / 3, 0.75]]],
    )
    both = describe(Crystals.concatenate([rock_salt(), nickeline]).with_volumes_per_atom(np.full(2, 20.0)))
    equal = np.isclose(both.values[0], both.values[1])
    assert equal[both.compositional].all()
    assert (~equal[~both.compositional]).sum() > 20


@pytest.mark.parametrize("what", ["order", "origin", "cell", "turned"])
def test_invariant_to_how_it_is_written_down(what):
    ours = describe(mp_crystals())
    theirs = describe(
        disguised(mp_crystals(), 21, **{name: name == what for name in ("order", "origin", "cell", "turned")})
    )
    np.testing.assert_allclose(theirs.values, ours.values, atol=1e-6)


def test_invariant_to_supercells():
    small = mp_crystals().take(np.flatnonzero(mp_crystals().n_sites <= 12))
    np.testing.assert_allclose(describe(supercells(small)).values, describe(small).values, atol=1e-6)


def test_scaling_a_crystal_changes_only_what_has_a_length():
    ours, theirs = describe(rock_salt(5.64)), describe(rock_salt(6.0))
    changed = {
        name for name, a, b in zip(ours.names, ours.values[0], theirs.values[0], strict=True) if abs(a - b) > 1e-3
    }
    assert "volume_per_atom" in changed
    assert all(name == "volume_per_atom" or "radial" in name for name in changed)


def test_one_to_eight_elements():
    rng = np.random.default_rng(0)
    elements = [3, 9, 12, 17, 22, 26, 38, 82]
    for arity in range(1, 9):
        sites = [*elements[:arity], *rng.choice(elements[:arity], size=2).tolist()]
        crystal = Crystals.from_lists([7.0 * np.eye(3)], [sites], [rng.random((len(sites), 3))])
        described = describe(crystal)
        assert np.isfinite(described.values).all()
        assert described.values.shape == (1, len(described.names))
        assert sum(column(described, f"{role}_fraction")[0] for role in ("cation", "middle", "anion")) == pytest.approx(
            1
        )


def test_roles_follow_electronegativity():
    graphs = crystal_graphs(Crystals.from_lists([8 * np.eye(3)], [[8, 22, 38]], [np.eye(3) / 2]))
    assert dict(zip(graphs.numbers.tolist(), element_roles(graphs).tolist(), strict=True)) == {38: 0, 22: 1, 8: 2}
    alone = crystal_graphs(Crystals.from_lists([3 * np.eye(3)], [[84]], [[[0, 0, 0]]]))
    assert element_roles(alone).tolist() == [0]


def test_polymorphs_are_told_apart():
    rows = pnictides()
    described = describe(rows.crystals.with_volumes_per_atom(np.full(len(rows), 20.0)))
    structural = described.values[:, ~described.compositional]
    for formula in np.unique(rows.formulas):
        same = structural[rows.formulas == formula]
        assert len(np.unique(same.round(4), axis=0)) > 0.85 * len(same)
