"""The chance to find something, by hand and against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from aiida_mlhull.science.triage.discovery import Discovery, DiscoverySettings
from aiida_mlhull.science.types import Predictions, References

KNOWN = References.from_rows(ids=["Li", "O"], formulas=["Li", "O"], energies=[-1.0, -2.0])
HULL = -1.5  # of LiO: half of each


def predictions(members: list[list[float]], spreads: list[list[float]]) -> Predictions:
    n = len(members)
    return Predictions.from_rows(
        ids=[f"c{i}" for i in range(n)],
        formulas=["LiO"] * n,
        members=np.array(members),
        member_aleatoric=np.array(spreads),
    )


def test_the_chance_is_the_mean_over_members_of_their_normal_distributions() -> None:
    asked = predictions([[-1.4, -1.6], [-1.45, -1.45]], [[0.1, 0.05], [0.02, 0.02]])
    decided = Discovery(DiscoverySettings()).decide(asked, KNOWN)
    border = HULL + 0.025
    expected = [
        np.mean([norm.cdf(border, -1.4, 0.1), norm.cdf(border, -1.6, 0.05)]),
        norm.cdf(border, -1.45, 0.02),
    ]
    assert decided.values == pytest.approx(expected, abs=1e-9)
    assert decided.unit == "probability"


def test_one_member_that_believes_is_heard() -> None:
    """A mean of means would lie 10 sigma above the hull; the mixture gives it a chance of a half."""
    asked = predictions([[-1.6, -0.4], [-1.0, -1.0]], [[0.01, 0.01], [0.01, 0.01]])
    decided = Discovery(DiscoverySettings()).decide(asked, KNOWN)
    assert decided.values[0] == pytest.approx(0.5)
    assert decided.keep.tolist() == [True, False]
    assert decided.reasons.tolist() == ["likely_enough", "too_unlikely"]
    assert (np.sign(decided.margins) == [1, -1]).all()


def test_the_order_weighs_shares_of_what_is_expected() -> None:
    # The first surely lies within the window but not on the hull; the second is on it as likely as not.
    asked = predictions([[-1.49], [-1.5]], [[1e-4], [0.1]])
    by_phase = Discovery(DiscoverySettings(on_hull_share=1.0)).decide(asked, KNOWN).scores
    by_window = Discovery(DiscoverySettings(on_hull_share=0.0)).decide(asked, KNOWN).scores
    assert by_phase[1] > by_phase[0]
    assert by_window[0] > by_window[1]
    assert by_phase.sum() == pytest.approx(1.0)
    both = Discovery(DiscoverySettings(on_hull_share=0.5)).decide(asked, KNOWN).scores
    assert both == pytest.approx((by_phase + by_window) / 2)


def test_a_chance_of_just_the_least_one_is_not_enough() -> None:
    """So that, with a least chance of zero, hopeless rows are still dropped."""
    asked = predictions([[-1.4, -1.4], [9.0, 9.0]], [[0.1, 0.1], [0.1, 0.1]])
    decided = Discovery(DiscoverySettings(least_chance=0.0)).decide(asked, KNOWN)
    assert decided.values[1] == 0.0
    assert decided.keep.tolist() == [True, False]
    limit = float(decided.values[0])
    assert Discovery(DiscoverySettings(least_chance=limit)).decide(asked, KNOWN).keep.tolist() == [False, False]
