"""A campaign's models asked about its own candidates: no references named, and the record as truth."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm

from aiida_mlhull.graph.models import last_ensembles
from aiida_mlhull.launching.questions import asking
from tests.cli.conftest import run

pytestmark = pytest.mark.slow


def test_a_campaign_brings_rows_truth_and_references(campaign, binary):
    assert run("setup").exit_code == 0
    node = last_ensembles(campaign.pk)["final"][""]
    noun = node.to_science()
    rows = asking.rows_of(str(campaign.pk), noun)
    answer = asking.ask(node, rows)
    record = binary.record.take(binary.record.succeeded)
    assert sorted(answer.predictions.ids) == sorted(binary.candidates.ids)
    told, facts = asking.judged(answer)
    assert facts["rows"] == len(record)
    errors = answer.predictions.select(record.ids).mean - record.energies
    assert facts["mae"] == pytest.approx(np.abs(errors).mean())
    assert facts["mae"] < 0.5  # total energies: without their references errors were several eV
    assert "MAE, eV/atom" in told
    made = orm.load_node(next(iter(answer.nodes.values())).pk)
    assert made.creator.inputs.references.uuid == campaign.inputs.references.uuid

    formation = asking.ask(node, asking.rows_of(str(campaign.inputs.candidates.shard_000.pk), noun), formation=True)
    some = formation.predictions
    mixtures = answer.predictions.select(some.ids).mean - some.mean
    assert np.abs(mixtures).min() > 0.5
    assert "references" not in next(iter(formation.nodes.values())).creator.inputs


def test_results_of_a_stage_are_asked_about_where_they_succeeded(campaign):
    node = last_ensembles(campaign.pk)["final"][""]
    results = next(iter(campaign.outputs.results.values()))
    rows = asking.rows_of(str(results.pk), node.to_science(), truth=str(results.pk))
    answer = asking.ask(node, rows)
    labels = results.to_science()
    assert answer.predictions.ids.tolist() == labels.ids[labels.succeeded].tolist()
    assert any("asked about cells that are 'final'" in line for line in answer.warnings)
