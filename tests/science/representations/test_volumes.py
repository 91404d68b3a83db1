"""Volume estimates: exact where they should be, sensible where nothing is known, better with labels."""

from __future__ import annotations

import json

import numpy as np
import pytest
from pymatgen.analysis.structure_prediction.volume_predictor import DLSVolumePredictor

from aiida_mlhull.science.representations.volumes import (
    AtomicVolumes,
    dls_volumes,
    fit_atomic_volumes,
    tabulated_volumes,
    tightest_bond,
)
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import mp_crystals, pnictides

ARGON = 18
"""Of which pymatgen has a mined radius of -1.7e11 Å."""


def relative_error(volumes, true):
    return float(np.median(np.abs(volumes / true - 1)))


def test_volumes_add_up_over_atoms():
    crystals = mp_crystals()
    table = tabulated_volumes()
    for index in (0, 40, 93):
        _, numbers, _ = crystals.arrays(index)
        assert table.per_atom(crystals)[index] == pytest.approx(np.mean([table.volumes[z] for z in numbers]))


def test_additive_volumes_are_found_again():
    rng = np.random.default_rng(0)
    true = np.zeros(119)
    true[[11, 17, 26]] = [25.0, 30.0, 11.0]
    numbers = [rng.choice([11, 17, 26], size=rng.integers(1, 9)).tolist() for _ in range(300)]
    lattices = [np.eye(3) * np.cbrt(true[sites].sum()) for sites in numbers]
    crystals = Crystals.from_lists(lattices, numbers, [np.zeros((len(sites), 3)) for sites in numbers])
    fitted = fit_atomic_volumes(crystals)
    np.testing.assert_allclose(fitted.volumes[[11, 17, 26]], true[[11, 17, 26]], rtol=0.01)
    np.testing.assert_allclose(fitted.per_atom(crystals), crystals.volumes_per_atom, rtol=0.01)


def test_elements_without_labels_keep_their_relative_size():
    crystals = mp_crystals().take([0])
    swollen = crystals.with_volumes_per_atom(2 * tabulated_volumes().per_atom(crystals))
    fitted, table = fit_atomic_volumes(swollen), tabulated_volumes()
    absent = np.setdiff1d(np.arange(1, 119), crystals.numbers)
    factor = fitted.volumes[absent] / table.volumes[absent]
    np.testing.assert_allclose(factor, factor[0], rtol=1e-9)
    assert 1.5 < factor[0] <= 2.001


def test_a_fit_is_better_than_the_table_and_both_than_the_cells():
    rows = pnictides()
    true = rows.relaxed.volumes_per_atom
    order = np.random.default_rng(1).permutation(len(rows))
    learned, rest = order[:60], order[60:]
    fitted = fit_atomic_volumes(rows.relaxed.take(learned)).per_atom(rows.crystals)
    table = tabulated_volumes().per_atom(rows.crystals)
    errors = [relative_error(v[rest], true[rest]) for v in (fitted, table, rows.crystals.volumes_per_atom)]
    assert errors[0] < errors[1] < errors[2]
    assert errors[0] < 0.12


def test_the_prior_holds_elements_together():
    """Copper is found at twice its tabulated volume, silver at its own: how far they part depends on the weight."""
    table = tabulated_volumes().volumes[[29, 47]]
    sides = np.cbrt(table * [2.0, 1.0])
    found = Crystals.from_lists([side * np.eye(3) for side in sides], [[29], [47]], [[[0, 0, 0]]] * 2)
    loose, default, stiff = (
        fit_atomic_volumes(found, prior_weight=weight).volumes[[29, 47]] / table for weight in (1e-9, 0.2, 1e6)
    )
    np.testing.assert_allclose(loose, [2.0, 1.0], rtol=1e-6)
    np.testing.assert_allclose(stiff, stiff[0], rtol=1e-5)
    assert loose[0] > default[0] > stiff[0] > default[1] > loose[1]
    np.testing.assert_allclose(fit_atomic_volumes(found).volumes[[29, 47]] / table, default)


def test_json_round_trip_is_exact():
    fitted = fit_atomic_volumes(mp_crystals())
    again = AtomicVolumes.from_json(json.loads(json.dumps(fitted.to_json())))
    assert np.array_equal(fitted.volumes, again.volumes)


def test_scaling_keeps_the_shape():
    crystals = mp_crystals()
    scaled = crystals.with_volumes_per_atom(np.full(len(crystals), 17.0))
    np.testing.assert_allclose(scaled.volumes_per_atom, 17.0)
    ratio = scaled.lattices / np.where(crystals.lattices == 0, np.inf, crystals.lattices)
    for index in range(len(crystals)):
        factors = ratio[index][np.abs(crystals.lattices[index]) > 1e-3]
        np.testing.assert_allclose(factors, factors[0])


def test_dls_is_pymatgens_on_cells_of_sensible_size():
    argon = [index for index in range(len(mp_crystals())) if ARGON in mp_crystals().arrays(index)[1]]
    crystals = mp_crystals().take(np.setdiff1d(np.arange(len(mp_crystals())), argon))
    start = crystals.with_volumes_per_atom(tabulated_volumes().per_atom(crystals))
    predictor = DLSVolumePredictor()
    theirs = [predictor.predict(start.structure(i)) / crystals.n_sites[i] for i in range(len(crystals))]
    np.testing.assert_allclose(dls_volumes(crystals), theirs, rtol=1e-9)


def test_dls_does_not_depend_on_the_size_of_the_parent():
    crystals = pnictides().crystals.take(np.arange(5))
    swollen = crystals.with_volumes_per_atom(8 * crystals.volumes_per_atom)
    np.testing.assert_allclose(dls_volumes(swollen), dls_volumes(crystals), rtol=1e-6)


@pytest.mark.parametrize("element", [2, ARGON, 36])
def test_dls_falls_back_to_the_table(element):
    helium = Crystals.from_lists([4.0 * np.eye(3)], [[element]], [[[0, 0, 0]]])
    assert dls_volumes(helium)[0] == pytest.approx(tabulated_volumes().volumes[element])


def test_atoms_on_one_place_are_as_tight_as_can_be():
    twice = Crystals.from_lists([4.0 * np.eye(3)], [[11, 17]], [np.zeros((2, 3))])
    assert tightest_bond(*twice.arrays(0)) == 0.0
    np.testing.assert_allclose(dls_volumes(twice), 1.5 * tabulated_volumes().per_atom(twice))
