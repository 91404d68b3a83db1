"""Labels of earlier campaigns: learned from, never validated on, and worth less where settings say so."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member
from aiida_mlhull.science.ensembles.preparation import Preparation
from aiida_mlhull.science.ensembles.rows import training_rows, with_earlier
from aiida_mlhull.science.ensembles.training_set import training_set
from aiida_mlhull.science.errors import TooFewLabelsError
from aiida_mlhull.science.types import TrainingRows
from tests.arsenides import every_sixth


def settings(**changes) -> EnsembleSettings:
    return EnsembleSettings(**{"model": "mean", "members": 1, "volume_scaling": False, "loss": "l2", **changes})


@pytest.fixture(scope="module")
def own_and_earlier() -> tuple[TrainingRows, TrainingRows]:
    """Forty rows of an earlier campaign, and thirty of another one's, eleven of them the same."""
    excerpt = every_sixth()
    rows = training_rows(excerpt.candidates, excerpt.record, excerpt.references, baseline="references").rows
    return rows.take(range(30)), rows.take(range(19, 59))


def test_rows_that_both_have_are_the_campaigns_own(own_and_earlier):
    own, earlier = own_and_earlier
    both = with_earlier(own, earlier)
    assert len(both) == 59
    assert both.ids[both.own].tolist() == own.ids.tolist()
    np.testing.assert_array_equal(both.select(earlier.ids).energies, earlier.energies)


@pytest.mark.parametrize("cells", ["unrelaxed", "both"])
def test_members_validate_on_the_campaigns_own_rows_alone(own_and_earlier, cells):
    own, earlier = own_and_earlier
    both, how = with_earlier(own, earlier), settings(cells=cells, own_weight=3)
    taught = training_set(both, how, Preparation.fit(both, how), seed=5)
    alone = training_set(own, how, Preparation.fit(own, how), seed=5)
    assert taught.held_out.tolist() == alone.held_out.tolist()
    shown, counts = np.unique(taught.train, return_counts=True)
    names = np.asarray([name.split(" ")[0] for name in taught.rows.ids[shown].tolist()])
    per_row = 2 if cells == "both" else 1
    assert len(shown) == per_row * (59 - len(taught.held_out))
    np.testing.assert_array_equal(counts, np.where(own.has(names), 3, 1))


def test_the_mean_is_the_weighted_one(own_and_earlier):
    own, earlier = own_and_earlier
    both, how = with_earlier(own, earlier), settings(own_weight=4)
    member = fit_member(both, how, member=0, seed=0)
    learned = ~np.isin(both.ids, member.scores["held_out"]["ids"])
    targets = (both.energies - both.baselines)[learned]
    weighted = np.average(targets, weights=np.where(both.own[learned], 4.0, 1.0))
    assert member.scores["held_out"]["means"][0] == pytest.approx(weighted)
    assert weighted != pytest.approx(targets.mean(), abs=1e-3)


def test_earlier_labels_dont_stand_in_for_a_start_set(own_and_earlier):
    own, earlier = own_and_earlier
    with pytest.raises(TooFewLabelsError, match="10 labels are too few"):
        fit_member(with_earlier(own.take(range(10)), earlier), settings(), member=0, seed=0)
