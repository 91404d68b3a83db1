"""Campaigns of several stages: a start set through all of them, merging between them, costs by stage."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull import Campaign
from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData
from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED
from aiida_mlhull.science.types import Decisions, Labels, concatenate
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import simplest
from tests.campaign_inputs import campaign_inputs

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
pytestmark = pytest.mark.slow

FEW, MANY = 24, 60


def tables(namespace: Any) -> Any:
    return concatenate([node.to_science() for node in namespace.values()])


def decided(campaign: orm.ProcessNode, step: str) -> list[Decisions]:
    """Tables of decisions that a step of the campaign made, the oldest first."""
    nodes = [node for node in campaign.called if node.process_label == step]
    return [table.to_science() for node in nodes for table in node.base.links.get_outgoing().all_nodes()]


def started(campaign: orm.ProcessNode) -> list[str]:
    return sorted(name for table in decided(campaign, "choose_start") for name in table.ids[table.keep].tolist())


def labels_of(campaign: orm.ProcessNode, stage: str) -> Labels:
    """What the engine of a stage gave, all shards and rounds."""
    engines = [node for node in campaign.called if node.process_label.endswith("Engine")]
    return concatenate([node.outputs.labels.to_science() for node in engines if node.inputs.stage["name"] == stage])


def check_account(campaign: orm.ProcessNode, total: int) -> None:
    """Everybody has a row, the funnel adds up, and so does the ledger, stage by stage."""
    assert campaign.is_finished_ok, campaign.exit_message
    summary = campaign.outputs.summary.get_dict()
    outcomes = tables(campaign.outputs.outcomes)
    assert len(outcomes) == total == summary["funnel"]["candidates"]
    assert total == sum(summary["funnel"][part] for part in ("relaxed", "failed", "merged", "dropped_by_rule"))
    stages = campaign.inputs.settings["stages"]
    assert list(Campaign(campaign).stages()) == [stage["name"] for stage in stages], "on any storage"
    for stage in stages:
        gave, told = labels_of(campaign, stage["name"]), summary["stages"][stage["name"]]
        assert told["rows"] == len(gave)
        assert told["failed"] == int((~gave.succeeded).sum())
        assert told["core_minutes"] == pytest.approx(float(gave.core_minutes.sum()))
        assert (told["engine"], told["cost_basis"], told["scheme"]) == (gave.engine, gave.cost_basis, gave.scheme)
    assert summary["core_minutes"] == pytest.approx(sum(told["core_minutes"] for told in summary["stages"].values()))


@pytest.fixture(scope="module")
def two_stages(code) -> int:
    """On two shards: a potential for all, merging, then a record in rounds."""
    excerpt, program = simplest(MANY), orm.load_code(code)
    cheap = {
        "name": "potential",
        "engine": "potential",
        "settings": {"relaxation": {"freedom": "full", "max_force": 0.1, "max_steps": 40}},
        "merge": {"audit_fraction": 0.1},
    }
    final = {
        "name": "final",
        "engine": "recorded",
        "core_minutes": 605,
        "gate": {"rule": "two_sigma", "baseline": "stage", "rounds": 2, "batch": 3},
    }
    settings = {"seed": 5, "start": 16, "stages": [cheap, final], "ensemble": {"members": 2}}
    engines = {"potential": {"code": program}, "recorded": {"record": LabelsData.from_science(excerpt.record)}}
    return run_get_node(Screen, **campaign_inputs(program, excerpt, settings, engines=engines))[1].pk


@pytest.fixture(scope="module")
def three_stages(code) -> int:
    """The protocol ekstrom-2022 with the smallest of networks, all by potential."""
    excerpt, program = simplest(FEW), orm.load_code(code)
    network = {"max_epochs": 3, "atom_width": 8, "layers": 1, "hidden_width": 8}
    builder = Screen.get_builder_from_protocol(
        program,
        {"shard_000": CandidatesData.from_science(excerpt.candidates)},
        ReferencesData.from_science(replace(excerpt.references, scheme=MP2020_CORRECTED)),
        engines={"potential": {"code": program}},
        protocol="ekstrom-2022",
        overrides={"start": 16, "ensemble": {"members": 2, "model_settings": network}},
        jobs={"members_per_job": 2},
    )
    return run_get_node(builder)[1].pk


def test_two_stages_add_up(two_stages) -> None:
    campaign = orm.load_node(two_stages)
    check_account(campaign, MANY)
    assert len(labels_of(campaign, "potential")) == MANY
    assert len(labels_of(campaign, "final")) <= 16 + 2 * 3
    assert campaign.outputs.summary["stages"]["potential"]["cost_basis"] == "measured"


def test_merged_crystals_say_whom_they_are_the_same_as(two_stages) -> None:
    campaign = orm.load_node(two_stages)
    outcomes, results = tables(campaign.outputs.outcomes), tables(campaign.outputs.results)
    merged = outcomes.take(np.char.startswith(outcomes.reasons, "same_as "))
    assert len(merged) == campaign.outputs.summary["funnel"]["merged"] > 0
    assert not results.has(merged.ids).any()
    others = [reason.removeprefix("same_as ") for reason in merged.reasons.tolist()]
    representatives = outcomes.select(sorted(set(others)))
    assert not np.char.startswith(representatives.reasons, "same_as ").any()
    assert [outcomes.formulas[outcomes.positions([name])[0]] for name in others] == merged.formulas.tolist()
    energies = labels_of(campaign, "potential")
    apart = [
        energies.select([name]).energies[0] - energies.select([other]).energies[0]
        for name, other in zip(merged.ids.tolist(), others, strict=True)
    ]
    assert merged.values == pytest.approx(apart, abs=1e-12)
    assert (merged.values <= merged.thresholds).all()


def test_a_sample_of_the_merged_goes_on_to_measure_how_often_merging_is_wrong(two_stages) -> None:
    campaign = orm.load_node(two_stages)
    told = campaign.outputs.summary["merging"]["potential"]
    decisions = concatenate(decided(campaign, "merge_same"))
    sample = decisions.take(np.char.startswith(decisions.reasons, "audit_of "))
    assert len(sample) == np.ceil(0.1 * (told["n_merged"] + len(sample))) > 0
    waited = concatenate(decided(campaign, "choose_start"))
    assert waited.has(sample.ids).all()
    results = tables(campaign.outputs.results)
    both = [
        name
        for name, reason in zip(sample.ids.tolist(), sample.reasons.tolist(), strict=True)
        if results.has([name, reason.split(" ")[1]]).all()
    ]
    assert told["n_audited"] == len(both)
    assert told["n_better"] <= told["n_wrong"] <= told["n_audited"]


def test_models_learned_the_difference_to_the_stage_before(two_stages) -> None:
    campaign = orm.load_node(two_stages)
    fits = [node for node in campaign.called_descendants if node.process_label == "FitCalculation"]
    assert fits
    for node in fits:
        assert node.inputs.baseline.value == "stage"
        assert {cells.base.attributes.get("stage") for cells in node.inputs.cells.values()} == {"potential"}


def test_three_stages_add_up(three_stages) -> None:
    check_account(orm.load_node(three_stages), FEW)


def test_the_start_set_went_through_all_three_stages(three_stages) -> None:
    campaign = orm.load_node(three_stages)
    start = started(campaign)
    assert len(start) >= 16
    for stage in ("preprerelax", "prerelax", "final"):
        assert labels_of(campaign, stage).has(start).all()
    assert tables(campaign.outputs.outcomes).select(start).reasons.tolist() != []


def test_every_gate_was_asked_by_models_that_saw_the_cells_before_it(three_stages) -> None:
    campaign = orm.load_node(three_stages)
    rounds = [node for node in campaign.called if node.process_label == "Round"]
    asked = {node.inputs.stage["name"] for node in rounds}
    assert asked <= {"prerelax", "final"}
    before = {"prerelax": "preprerelax", "final": "prerelax"}
    for node in rounds:
        cells = {one.base.attributes.get("stage") for one in node.inputs.cells.values()}
        assert cells == {before[node.inputs.stage["name"]]}
    assert "prerelax" in asked


def test_stages_go_on_from_the_cells_of_the_stage_before(three_stages) -> None:
    """Volume first, then everything: the energy can only go down, to the last of rounding."""
    campaign = orm.load_node(three_stages)
    first, second = labels_of(campaign, "preprerelax"), labels_of(campaign, "prerelax")
    second = second.take(second.succeeded)
    assert (second.energies <= first.select(second.ids).energies + 1e-4).all()
