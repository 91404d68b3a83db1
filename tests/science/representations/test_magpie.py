"""Magpie's features against stored outputs of matminer 0.10.1, and by hand."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from pymatgen.core import Composition

from aiida_mlhull.science.representations.magpie import NORMS, ORBITALS, STATISTICS, magpie, magpie_table

MATMINER = {
    "Fe2O3": {
        "minimum Number": 8.0, "maximum MendeleevNumber": 87.0, "range AtomicWeight": 39.8456, "mean MeltingT": 757.28,
        "avg_dev Column": 3.84, "mode Row": 2.0, "mean CovalentRadius": 92.4, "avg_dev Electronegativity": 0.7727999999999999,
        "mean NdValence": 2.4, "mean GSvolume_pa": 9.755, "maximum GSmagmom": 2.1106628, "mode SpaceGroupNumber": 12.0,
        "0-norm": 2.0, "2-norm": 0.7211102550927979, "10-norm": 0.6010324601930125,
        "share of d electrons": 0.35294117647058826,
    },
}  # fmt: skip


def features(formula):
    fractions = np.zeros((1, 118))
    for element, share in Composition(formula).fractional_composition.items():
        fractions[0, element.Z - 1] = share
    names = [f"{statistic} {name}" for name in magpie_table()[0] for statistic in STATISTICS]
    names += [
        "0-norm",
        *(f"{power}-norm" for power in NORMS),
        *(f"share of {orbital} electrons" for orbital in ORBITALS),
    ]
    return dict(zip(names, magpie(fractions)[0].tolist(), strict=True))


@pytest.mark.parametrize("formula", MATMINER)
def test_as_matminer_has_them(formula):
    ours = features(formula)
    assert len(ours) == 142
    for name, value in MATMINER[formula].items():
        assert ours[name] == pytest.approx(value, rel=1e-6), name


def test_equal_shares_have_the_lowest_mode():
    assert features("NaCl")["mode Number"] == 11.0
    assert features("NaCl2")["mode Number"] == 17.0


def test_an_element_is_itself():
    ours = features("W")
    assert ours["minimum Number"] == ours["maximum Number"] == ours["mean Number"] == ours["mode Number"] == 74.0
    assert ours["range Number"] == ours["avg_dev Number"] == 0.0


def test_what_magpie_does_not_know_is_a_mean():
    assert np.isfinite(list(features("OgTs").values())).all()


def test_equal_rows_are_computed_once_and_all_are_there():
    fractions = np.zeros((3, 118))
    fractions[[0, 2], 25], fractions[1, 7] = 1.0, 1.0
    table = magpie(fractions)
    assert table[0].tolist() == table[2].tolist() != table[1].tolist()


@pytest.mark.skipif(find_spec("matminer") is None, reason="matminer is not installed")
@pytest.mark.parametrize("formula", ["Cs2AgBiBr6", "HfZnN2", "PuCoGa5"])
def test_as_matminer_that_is_installed(formula):
    from matminer.featurizers.composition.composite import ElementProperty

    theirs = ElementProperty.from_preset("magpie", impute_nan=True).featurize(Composition(formula))
    np.testing.assert_allclose(list(features(formula).values())[:132], theirs, rtol=1e-8, atol=1e-8)
