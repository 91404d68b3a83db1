"""Sampled hulls against hulls computed one by one, and against what can be said in closed form."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from aiida_mlhull.science.errors import MissingEndMembersError
from aiida_mlhull.science.hull import distances, hull_spread, stability, stable_chances
from aiida_mlhull.science.hull.sampling import pair_vectors, sample_energies
from aiida_mlhull.science.types import Predictions, References


def made(formulas, means, *, aleatoric=0.05, epistemic=0.05, members=4, seed=1):
    rng = np.random.default_rng(seed)
    n = len(formulas)
    return Predictions(
        ids=np.asarray([f"c-{i:03d}" for i in range(n)]),
        formulas=np.asarray(formulas, dtype=np.str_),
        members=np.asarray(means)[:, None] + epistemic * rng.standard_normal((n, members)),
        member_aleatoric=np.full((n, members), aleatoric),
    )


@pytest.fixture
def ternary(references):
    """A crowded ternary with polymorphs, sub-systems, an element among the candidates, and total energies."""
    known = references(
        {"Ti": -7.8, "Zn": -1.3, "N": -8.3, "TiN": -9.6, "Ti2N": -9.1, "Zn3N2": -4.0, "TiZn": -4.8, "TiZn3": -3.1}
    )
    formulas = ["TiN", "TiN2", "TiZnN2", "TiZnN2", "Ti2ZnN2", "Zn3N2", "Ti4ZnN5", "TiZn2N2", "ZnN2", "Ti", "TiZnN"] * 2
    rng = np.random.default_rng(5)
    at_hull = distances(formulas, np.zeros(len(formulas)), known).hull_energy
    return made(formulas, at_hull + rng.normal(0.02, 0.08, len(formulas))), known


def test_every_sample_is_a_hull(ternary):
    predictions, known = ternary
    energies = sample_energies(predictions, samples=60, seed=3)
    on_hull = np.asarray([stability(predictions.formulas, row, known).e_above_hull < 1e-9 for row in energies])
    chances = stable_chances(predictions, known, samples=60, seed=3)
    np.testing.assert_allclose(chances.p_stable, on_hull.mean(axis=0), atol=1e-12)
    per_hull = [len(set(predictions.formulas[row])) for row in on_hull]
    assert chances.new_phases == pytest.approx(np.mean(per_hull))
    assert chances.new_phases_std == pytest.approx(np.std(per_hull))
    assert 0.05 < chances.p_stable.mean() < 0.6


def test_spread_of_the_hull(ternary):
    predictions, known = ternary
    energies = sample_energies(predictions, samples=40, seed=2)
    asked = ["TiZnN", "Ti3ZnN2", "TiN", "ZnN", "Ti"]
    hulls = []
    for row in energies:
        everything = References.from_rows(
            ids=[*known.ids, *predictions.ids],
            formulas=[*known.formulas, *predictions.formulas],
            energies=np.concatenate([known.energies, row]),
        )
        hulls.append(distances(asked, np.zeros(len(asked)), everything).hull_energy)
    spread = hull_spread(asked, predictions, known, samples=40, seed=2)
    np.testing.assert_allclose(spread.mean, np.mean(hulls, axis=0), atol=1e-12)
    np.testing.assert_allclose(spread.std, np.std(hulls, axis=0), atol=1e-12)
    assert ((spread.certainty >= 0) & (spread.certainty <= 1)).all()
    assert spread.certainty[4] == 1.0


def test_certainty_of_a_stable_phase_is_its_chance_to_stay(references):
    known = references({"Ti": 0.0, "N": 0.0, "TiN": -1.0})
    rival = made(["Ti2N"], [-0.7], aleatoric=0.1, epistemic=0.0)
    spread = hull_spread(["TiN", "Ti2N", "Ti3N"], rival, known, samples=4000, seed=1)
    stays_off = norm.cdf((-2 / 3 + 0.7) / 0.1)
    assert spread.certainty[0] == 1.0
    assert spread.certainty[1] == pytest.approx(stays_off, abs=0.02)
    assert spread.certainty[2] == pytest.approx(stays_off, abs=0.02)


def test_alone_it_is_the_normal_distribution(references):
    known = references({"Ti": 0.0, "N": 0.0, "TiN": -1.0})
    for shared in (0.0, 0.7, 1.0):
        lone = made(["TiN"], [-0.93], aleatoric=0.1, epistemic=0.0)
        chances = stable_chances(lone, known, samples=20_000, seed=1, shared=shared)
        assert chances.p_stable[0] == pytest.approx(norm.cdf(-0.7), abs=0.01)


def test_polymorphs_share_one_place(references):
    known = references({"Ti": 0.0, "N": 0.0})
    rivals = made(["TiN"] * 5, [-1.0] * 5, aleatoric=0.1, epistemic=0.0)
    chances = stable_chances(rivals, known, samples=5000, seed=4, shared=0.0)
    assert chances.p_stable.sum() == pytest.approx(1.0)
    assert chances.new_phases == pytest.approx(1.0)
    np.testing.assert_allclose(chances.p_stable, 0.2, atol=0.02)


def test_seed_settles_everything(ternary):
    predictions, known = ternary
    first, again, other = (stable_chances(predictions, known, samples=50, seed=s).p_stable for s in (1, 1, 2))
    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_samples_have_the_predicted_moments():
    formulas = ["TiN", "TiN", "Ti2N", "ZnO", "TiZnN", "Ti"]
    predictions = made(formulas, [-1.0, -0.9, -0.8, -2.0, -0.5, 0.0], aleatoric=0.08, epistemic=0.05)
    drawn = sample_energies(predictions, samples=40_000, seed=8, shared=0.4)
    np.testing.assert_allclose(drawn.mean(axis=0), predictions.mean, atol=0.002)
    np.testing.assert_allclose(drawn.std(axis=0), predictions.sigma, rtol=0.02)
    deviations = predictions.members - predictions.mean[:, None]
    vectors = pair_vectors(formulas).toarray()
    expected = deviations @ deviations.T / 4 + 0.4 * 0.08**2 * vectors @ vectors.T
    off = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(np.cov(drawn.T, ddof=0)[off], expected[off], atol=2e-4)


def test_pair_vectors_by_hand():
    vectors = pair_vectors(["TiN", "TiN3", "Ti", "TiZnN"]).toarray()
    np.testing.assert_allclose((vectors @ vectors.T)[0], [1.0, 1.0, 0.0, 1 / np.sqrt(3)], atol=1e-15)
    assert pair_vectors(["Ti", "N"]).toarray().tolist() == [[0.0], [0.0]]


def test_missing_end_members_are_refused(ternary):
    predictions, known = ternary
    with pytest.raises(MissingEndMembersError, match="Zn"):
        stable_chances(predictions, known.without(["Zn"]), samples=5)
    with pytest.raises(MissingEndMembersError, match="O"):
        hull_spread(["TiO"], predictions, known, samples=5)
