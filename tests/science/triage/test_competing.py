"""Worlds in which polymorphs compete, against closed forms and a slow copy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from aiida_mlhull.science.triage.competing import Competing, CompetingSettings, competing_chances
from aiida_mlhull.science.triage.discovery import Discovery, DiscoverySettings
from aiida_mlhull.science.types import Predictions, References

KNOWN = References.from_rows(ids=["Li", "O"], formulas=["Li", "O"], energies=np.array([0.0, 0.0]))


def predicted(formulas, means, *, sigma=0.1, members=1):
    n = len(formulas)
    return Predictions(
        ids=np.array([f"c{i:05d}" for i in range(n)]),
        formulas=np.array(formulas),
        members=np.repeat(np.array(means, dtype=float)[:, None], members, axis=1),
        member_aleatoric=np.full((n, members), sigma),
    )


def chances(predictions, hull, **changed):
    asked = {"window": 0.025, "worlds": 20_000, "shared": 0.0, "seed": 3} | changed
    return competing_chances(predictions, np.asarray(hull, dtype=float), **asked)


def test_equal_polymorphs_share_one_place():
    """Far below the hull one of four always lies on it, each as often as the others."""
    on_hull, near = chances(predicted(["LiO"] * 4, [-1.0] * 4), [0.0] * 4)
    assert on_hull.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(on_hull, 0.25, atol=0.015)
    assert near.sum() > 1.0


def test_two_polymorphs_as_by_hand():
    """P(a below b) = Φ(Δ / σ√2); with errors in common they are told apart better."""
    pair = predicted(["LiO", "LiO"], [-1.05, -1.0])
    apart = chances(pair, [0.0, 0.0])[0]
    assert apart[0] == pytest.approx(norm.cdf(0.05 / (0.1 * np.sqrt(2))), abs=0.015)
    common = chances(pair, [0.0, 0.0], shared=0.75)[0]
    assert common[0] == pytest.approx(norm.cdf(0.05 / (0.05 * np.sqrt(2))), abs=0.015)


def test_a_single_row_is_what_it_is_by_itself():
    on_hull, near = chances(predicted(["LiO"], [0.05]), [0.0])
    assert on_hull[0] == pytest.approx(norm.cdf(-0.5), abs=0.015)
    # Below the hull it is near itself; above, within the window of the known one.
    assert near[0] == pytest.approx(norm.cdf(-0.25), abs=0.015)


def test_formulas_don_t_compete_with_each_other():
    both = chances(predicted(["LiO", "Li2O", "LiO"], [-1.0, -1.0, -1.0]), [0.0] * 3)[0]
    assert both[1] == pytest.approx(1.0)
    assert both[[0, 2]].sum() == pytest.approx(1.0)


def test_a_member_is_drawn_whole():
    """Two members, each sure of another row: each wins in the worlds of its own member."""
    torn = Predictions(
        ids=np.array(["a", "b"]),
        formulas=np.array(["LiO", "LiO"]),
        members=np.array([[-1.0, -0.5], [-0.5, -1.0]]),
        member_aleatoric=np.full((2, 2), 1e-3),
    )
    np.testing.assert_allclose(chances(torn, [0.0, 0.0])[0], 0.5, atol=0.015)


def test_blend_leads_from_one_order_to_the_other():
    rng = np.random.default_rng(0)
    rows = predicted(np.array(["LiO", "Li2O", "LiO2"])[rng.integers(3, size=60)], rng.normal(0.05, 0.1, 60))
    alone = Competing(CompetingSettings(blend=0.0)).decide(rows, KNOWN, seed=1)
    discovery = Discovery(DiscoverySettings()).decide(rows, KNOWN)
    np.testing.assert_array_equal(alone.scores, discovery.scores)
    np.testing.assert_array_equal(alone.keep, discovery.keep)
    together = Competing(CompetingSettings(blend=1.0)).decide(rows, KNOWN, seed=1)
    half = Competing(CompetingSettings()).decide(rows, KNOWN, seed=1)
    np.testing.assert_allclose(half.scores, (alone.scores + together.scores) / 2)
    assert not np.array_equal(Competing(CompetingSettings()).decide(rows, KNOWN, seed=2).scores, half.scores)


def test_no_rows():
    assert len(Competing(CompetingSettings()).decide(predicted([], []), KNOWN)) == 0
