"""What a gate may require of properties: the grammar, and decisions worked out by hand with scipy's normal distribution."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.triage.requirements import Bounds, check_requirements, read_requirement
from aiida_mlhull.science.types import Predictions
from aiida_mlhull.science.types.properties import Property, columns_of, said_of

GAP = Property("gap", "band_gap_ev", "eV")
METAL = Property("metal", "metal", classes=("False", "True"))
KIND = Property("semiconductor", "kind", classes=("metal", "semiconductor"))


def said(*means: float, spread: float = 0.3) -> Predictions:
    """Two members that disagree by 0.2, with a spread of their own; mean and σ follow."""
    mean = np.asarray(means)
    return Predictions(
        ids=np.asarray([f"c{row}" for row in range(len(mean))]),
        formulas=np.full(len(mean), "GaAs"),
        members=np.stack([mean - 0.1, mean + 0.1], axis=1),
        member_aleatoric=np.full((len(mean), 2), spread),
    )


@pytest.mark.parametrize(
    ("written", "spelled", "bounds", "chance"),
    [
        ("> 1.0", "gap > 1", Bounds(low=1.0), None),
        ("gap>=1.0 eV", "gap >= 1 eV", Bounds(low=1.0, closed=(True, False)), None),
        ("≤ -.5e-1", "gap <= -0.05", Bounds(high=-0.05, closed=(False, True)), None),
        ("1.1 < gap <= 1.7 eV", "1.1 < gap <= 1.7 eV", Bounds(1.1, 1.7, (False, True)), None),
        ("1.7 >= gap > 1.1", "1.1 < gap <= 1.7", Bounds(1.1, 1.7, (False, True)), None),
        ("P(gap > 1.0) > 0.5", "P(gap > 1) > 0.5", Bounds(low=1.0), Bounds(low=0.5)),
        ("P(> 1 eV) >= 5 %", "P(gap > 1 eV) >= 0.05", Bounds(low=1.0), Bounds(low=0.05, closed=(True, False))),
        ("P( 1.1 < gap < 1.7 ) > .3", "P(1.1 < gap < 1.7) > 0.3", Bounds(1.1, 1.7), Bounds(low=0.3)),
        ("P(metal) < 0.5", "P(metal) < 0.5", None, Bounds(high=0.5)),
    ],
)
def test_what_people_write(written, spelled, bounds, chance):
    read = read_requirement("gap", written)
    assert (read.text, read.bounds, read.chance) == (spelled, bounds, chance)
    assert read_requirement("gap", read.text) == read


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("semiconductor", "is not a requirement: write '> 1.0'"),
        ("> one", "is not a requirement"),
        ("mass > 1.0", "is about mass, and stands under gap"),
        ("1.7 < gap < 1.1", "nothing lies between"),
        ("1.1 < gap > 1.7", "has no inside"),
        ("P(gap > 1) > 50", "between 0 and 1"),
        ("P(gap > 1) > 1", "between 0 and 1"),
    ],
)
def test_what_is_refused(written, why):
    with pytest.raises(SettingsError, match=why):
        read_requirement("gap", written)
    stage = {"name": "final", "engine": "recorded", "gate": {"require": {"gap": written}}}
    with pytest.raises(SettingsError, match=r"campaign: .*final.gate: require: .*" + why):
        campaign_settings({"stages": [stage]})


def test_means_are_compared_with_the_nearest_bound():
    decided = read_requirement("gap", "1.1 < gap < 1.7 eV").decide(said(0.9, 1.2, 1.6, 2.7), GAP, stage="final")
    assert decided.keep.tolist() == [False, True, True, False]
    np.testing.assert_allclose(decided.values, [0.9, 1.2, 1.6, 2.7])
    np.testing.assert_allclose(decided.thresholds, [1.1, 1.1, 1.7, 1.7])
    np.testing.assert_allclose(decided.margins, [-0.2, 0.1, 0.1, -1.0])
    assert (decided.unit, decided.rule, decided.stage) == ("eV", "requirement", "final")
    assert decided.reasons.tolist()[:2] == [
        "requirement_unmet: 1.1 < gap < 1.7 eV",
        "requirement_met: 1.1 < gap < 1.7 eV",
    ]


def test_bounds_count_only_where_they_are_closed():
    at = np.asarray([1.0])
    assert not Bounds(low=1.0).hold(at)
    assert Bounds(low=1.0, closed=(True, False)).hold(at)
    assert not Bounds(high=1.0).hold(at)
    assert Bounds(high=1.0, closed=(False, True)).hold(at)


@pytest.mark.parametrize(
    ("written", "low", "high"),
    [("P(gap > 1) > 0.3", 1.0, np.inf), ("P(gap < 1) > 0.3", -np.inf, 1.0), ("P(1.1 < gap < 1.7) > 0.3", 1.1, 1.7)],
)
def test_chances_of_numbers_are_those_of_a_normal_distribution(written, low, high):
    means, sigma = np.asarray([0.2, 0.9, 1.0, 1.4, 3.0]), np.hypot(0.3, 0.1)
    decided = read_requirement("gap", written).decide(said(*means), GAP, stage="final")
    expected = norm.cdf(high, means, sigma) - norm.cdf(low, means, sigma)
    np.testing.assert_allclose(decided.values, expected, atol=1e-12)
    assert decided.keep.tolist() == (expected > 0.3).tolist()
    assert 0 < decided.keep.sum() < 5
    assert decided.unit == "probability"


def test_chances_of_classes_are_the_second_ones_or_one_less_them():
    p = said(0.2, 0.4, 0.9)
    for written, known, expected in (
        ("P(semiconductor) > 0.5", KIND, [0.2, 0.4, 0.9]),
        ("P(metal) > 0.5", KIND, [0.8, 0.6, 0.1]),
        ("P(metal) > 0.5", METAL, [0.2, 0.4, 0.9]),
        ("P(True) > 0.5", METAL, [0.2, 0.4, 0.9]),
        ("P(False) > 0.5", METAL, [0.8, 0.6, 0.1]),
    ):
        requirement = read_requirement(known.name, written)
        requirement.check(known)
        decided = requirement.decide(p, known, stage="final")
        np.testing.assert_allclose(decided.values, expected)
        assert decided.keep.tolist() == [one > 0.5 for one in expected]


@pytest.mark.parametrize(
    ("name", "written", "why"),
    [
        ("gap", "P(metal) < 0.5", "is a number, which has no class 'metal'"),
        ("metal", "> 0.5", "tells classes apart"),
        ("metal", "P(insulator) > 0.5", "no class 'insulator'; it tells False, True apart"),
        ("gap", "> 1000 meV", "predicts band_gap_ev in eV, not in meV"),
        ("mass", "> 1", r"requires properties that no ensemble predicts: mass; .* \(gap, metal\)"),
    ],
)
def test_requirements_that_an_ensemble_cannot_tell_of(name, written, why):
    known = {"gap": GAP, "metal": METAL}
    with pytest.raises(SettingsError, match=why):
        check_requirements({"final": {name: written}}, known)
    check_requirements({"final": {"gap": "> 1 eV", "metal": "P(metal) < 0.5"}}, known)


def test_what_tables_and_people_are_told():
    assert said_of(said(1.4), GAP, 0) == "1.4 ± 0.32 eV"
    assert said_of(said(0.82), METAL, 0) == "P(True) = 0.82"
    assert list(columns_of(said(1.4), GAP)) == ["predicted_gap", "predicted_gap_sigma"]
    np.testing.assert_allclose(columns_of(said(1.4), GAP)["predicted_gap_sigma"], np.hypot(0.3, 0.1))
    assert list(columns_of(said(0.82), METAL)) == ["predicted_metal_p_True"]
