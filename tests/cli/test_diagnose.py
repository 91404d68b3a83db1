"""How far spreads can be believed, of a campaign's first round and of the ensemble that decided it."""

from __future__ import annotations

import json

import numpy as np
import pytest

from aiida_mlhull import names
from tests.cli.conftest import Desk, run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("registered")]


@pytest.fixture(scope="module")
def finished(registered, tmp_path_factory):
    """A campaign of two rounds on a record, with calibrated models."""
    from aiida_mlhull.graph import campaigns

    desk = Desk(tmp_path_factory.mktemp("desk"))
    stage = {"name": "final", "engine": "recorded", "core_minutes": 605}
    gate = {"rule": "recall_target", "rule_settings": {"alpha": 0.02, "samples": 50}, "rounds": 1, "batch": 8}
    overrides = {
        "start": 24,
        "budget": 40,
        "stages": [stage | {"gate": gate}],
        "ensemble": {"members": 2, "blind_members": 0, "calibration": "variance"},
    }
    result = run("launch", desk.campaign(overrides=overrides), "--foreground")
    assert result.exit_code == 0, result.output
    return campaigns.newest()[0]


@pytest.fixture(scope="module")
def ensemble(finished):
    """The one that decided the first round."""
    from aiida import orm

    from aiida_mlhull.data import EnsembleData

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": finished.pk}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", filters=names.any_of(names.ROUND), tag="round")
    query.append(orm.WorkChainNode, with_incoming="round", tag="fit")
    query.append(EnsembleData, with_incoming="fit", project="*")
    return query.first(flat=True)


def test_a_campaign_is_held_against_its_record(finished):
    from aiida_mlhull.graph.models import deciding_step, record_of

    told = json.loads(run("diagnose", finished.pk, "--json").output)
    found = told["final, round 1"]
    said = deciding_step(finished.pk, number=1).inputs.predictions.shard_000.to_science()
    truth = record_of(finished).select(said.ids)
    errors = said.mean - truth.energies
    assert found["rows"] == len(said) == 59 - 24
    assert found["mae"] == pytest.approx(np.abs(errors).mean())
    assert found["z_std"] == pytest.approx(np.std(errors / said.sigma))
    near = told["near_hull"]["final, round 1"]
    assert near["rows"] == len(said)
    cut = 1.0 - near["false_positive_rate"]
    assert near["accuracy"] == pytest.approx(
        cut * (1 - near["prevalence"]) + (near["recall"] or 0) * near["prevalence"]
    )


def test_a_campaign_is_sorted_by_its_hull_and_drawn(finished, tmp_path):
    result = run("diagnose", finished.pk, "--hull", "-o", tmp_path)
    assert result.exit_code == 0, result.output
    assert "acceleration (DAF)" in result.output
    assert "The hull as its models saw it" in result.output
    gate = "final_round_1"
    expected = {"rolling_error", f"stability_{gate}", f"enrichment_{gate}", f"precision_recall_{gate}", "calibration"}
    assert expected <= {path.stem for path in tmp_path.iterdir()}


def test_an_ensemble_is_held_against_what_its_members_had_not_seen(ensemble, tmp_path):
    result = run("diagnose", ensemble.pk, "-o", tmp_path / "pictures")
    assert result.exit_code == 0, result.output
    facts = ensemble.base.attributes.get("calibration")
    assert (facts["method"], facts["stage"]) == ("variance", "unrelaxed")
    assert "as stated" in result.output
    assert "z: width" in result.output
    assert "calibrated by variance" in result.output
    pictures = {path.name for path in (tmp_path / "pictures").iterdir()}
    assert pictures == {"calibration.png", "z_scores.png", "quantiles.png", "confidence.png", "parts.png"}
    told = json.loads(run("diagnose", ensemble.pk, "--json").output)
    assert told["variance"]["z_std"] == pytest.approx(told["as stated"]["z_std"] / facts["variance"])
    assert told["variance"]["mae"] == told["as stated"]["mae"]


def test_predictions_are_those_of_the_calibrated_ensemble(finished, ensemble):
    """What the rule read has the factor in it."""
    from aiida_mlhull.graph.models import deciding_step
    from aiida_mlhull.science.ensembles import predict
    from aiida_mlhull.science.ensembles.rows import model_rows

    said = deciding_step(finished.pk, number=1).inputs.predictions.shard_000.to_science()
    candidates = finished.inputs.candidates.shard_000.to_science()
    rows = model_rows(candidates, finished.inputs.references.to_science(), baseline="references", ids=said.ids.tolist())
    whole = ensemble.to_science()
    assert whole.calibration["factor"] != 1.0
    np.testing.assert_allclose(predict(whole, rows).sigma, said.sigma)


def test_what_is_neither_is_refused():
    result = run("diagnose", "no-such-thing")
    assert result.exit_code == 1
    assert "no node no-such-thing" in result.output
