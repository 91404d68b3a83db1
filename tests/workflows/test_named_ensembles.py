"""A campaign of two named ensembles: both are fitted and asked in every round, and a committee decides by their names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import run_get_node

from aiida_mlhull import names
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import EnsembleData
from aiida_mlhull.graph import history
from aiida_mlhull.graph.campaign import Campaign
from aiida_mlhull.graph.models import deciding_step, last_ensembles, said_before
from aiida_mlhull.graph.models import predictions as all_predictions
from aiida_mlhull.graph.stated.calibration import stated_by_campaign
from aiida_mlhull.launching.earlier.parents import find_parents
from aiida_mlhull.science.campaign import CampaignSettings, StageSettings, campaign_settings
from aiida_mlhull.science.ensembles import fit_member, gather
from aiida_mlhull.science.ensembles.rows import training_rows
from aiida_mlhull.science.errors import SettingsError, UnknownNameError
from aiida_mlhull.science.hull import with_results
from aiida_mlhull.science.triage.top_n import TopN, TopNSettings
from aiida_mlhull.science.types import concatenate
from aiida_mlhull.workflows.inputs import check_inputs
from aiida_mlhull.workflows.screen import Screen
from tests.campaign_inputs import campaign_inputs

pytestmark = pytest.mark.slow

NETWORK = {"max_epochs": 2, "atom_width": 8, "layers": 1, "hidden_width": 8}
ENSEMBLES = {
    "trees": {"model": "trees_gp", "members": 3},
    "corrected": {"model": "element_correction", "members": 2, "cells": "both"},
}
N = 30


def settings(**gate: Any) -> dict[str, Any]:
    committee = {
        "rule": "committee",
        "rule_settings": {"combine": "intersection", "rule": "top_n", "settings": {"n": N}},
    }
    stage = {"name": "final", "engine": "recorded", "core_minutes": 605, "gate": {**committee, "rounds": 2, **gate}}
    return {"name": "two minds", "seed": 3, "start": 20, "stages": [stage], "ensembles": ENSEMBLES}


@pytest.fixture(scope="module")
def node(code, binary) -> orm.ProcessNode:
    inputs = campaign_inputs(orm.load_code(code), binary, settings(batch=6))
    found = run_get_node(Screen, **inputs)[1]
    assert found.is_finished_ok, found.exit_message
    return found


def test_every_round_asks_both_and_links_name_them(node):
    steps = [one for one in node.called if names.ROUND.matches(one.process_type)]
    assert len(steps) == 2
    for step in steps:
        calls = [
            (link.link_label, link.node.process_label)
            for link in step.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
        ]
        both = [(f"ensembles__{name}", kind) for name in sorted(ENSEMBLES) for kind in ("FitEnsemble", "PredictShards")]
        assert sorted(calls) == sorted(both)
        assert {name: node["model"] for name, node in step.inputs.ensembles.items()} == {
            "trees": "trees_gp",
            "corrected": "element_correction",
        }
    found = last_ensembles(node.pk)["final"]
    assert {name: one.base.attributes.get("n_members") for name, one in found.items()} == {"trees": 3, "corrected": 2}


def test_decisions_are_those_of_both_by_hand_and_say_who_dropped(node):
    """The best of each ensemble by what it predicted, and the intersection made by hand; n is more than half of the rows."""
    step = deciding_step(node.pk, number=1)
    said = said_before(step)
    assert sorted(said) == ["corrected", "trees"]
    results = concatenate([table.to_science() for shard in step.inputs.results.values() for table in shard.values()])
    known = with_results(node.inputs.references.to_science(), results)
    votes = {name: TopN(TopNSettings(n=N)).decide(one, known) for name, one in said.items()}
    (decided,) = Campaign(node).decisions(1)
    rows = decided.decisions
    kept_by_all = votes["trees"].keep & votes["corrected"].keep
    assert 0 < kept_by_all.sum() < min(votes["trees"].keep.sum(), votes["corrected"].keep.sum())
    let_in = rows.keep | (rows.reasons == "batch_full")
    np.testing.assert_array_equal(let_in, kept_by_all)
    for row in range(len(rows)):
        dropping = sorted(name for name, vote in votes.items() if not vote.keep[row])
        code, _, who = str(rows.reasons[row]).partition(": ")
        if dropping:
            assert (code, sorted(who.split(", "))) == ("rank_above_n", dropping)
            first = who.split(", ")[0]
            assert first == min(dropping, key=lambda name: votes[name].margins[row])
            assert rows.values[row] == votes[first].values[row]
            assert rows.thresholds[row] == votes[first].thresholds[row]
    assert sorted(decided.ensembles.values()) == ["corrected: 2 x element_correction", "trees: 3 x trees_gp"]


def test_history_tells_the_ensemble_that_dropped(node):
    (decided,) = Campaign(node).decisions(2)
    rejected = decided.rejected
    chosen = rejected.ids[0]
    told = Campaign(node).history(str(chosen))
    last = told[told.what.str.contains("round 2, committee")].iloc[0]
    assert last.outcome == "dropped"
    first = last.reason.removeprefix("rank_above_n: ").split(", ")[0]
    assert last.models == {"trees": "trees: 3 x trees_gp", "corrected": "corrected: 2 x element_correction"}[first]
    by_name = next(ensembles for table, ensembles in history.rounds(node.pk, number=2))
    assert last.ensemble == by_name[first].pk
    outcome = told[told.what == "outcome"].iloc[0]
    assert outcome.reason == last.reason


def test_what_reads_predictions_reads_both(node):
    (decided,) = Campaign(node).decisions(1)
    first = next(iter(all_predictions(node.pk)))
    said = said_before(deciding_step(node.pk, number=1))
    np.testing.assert_allclose(first.mean, (said["trees"].mean + said["corrected"].mean) / 2)
    assert first.members.shape == (len(decided.decisions), 2)
    stated = stated_by_campaign(node, number=1)
    assert sorted(stated.stated) == ["final, round 1, corrected", "final, round 1, trees"]
    rules = {one.rule for one in Campaign(node).compare_rules().comparison.outcomes}
    assert {"committee, union", "committee, intersection", "committee, mean", "two_sigma"} <= rules
    ledger = Campaign(node).costs()
    assert set(ledger.by[ledger.what.str.startswith("models")]) == {"element_correction+trees_gp"}
    report = Campaign(node).report()
    assert report.sections["head"]["ensemble"] == "corrected: 2 x element_correction, trees: 3 x trees_gp"
    assert report.sections["rounds_said"][0]["models"] == "corrected: 2 x element_correction, trees: 3 x trees_gp"


def test_settings_are_split_by_name(node):
    whole = settings_of(node.inputs.settings, CampaignSettings)
    assert whole.ensemble is None
    assert list(whole.by_name) == ["corrected", "trees"]
    gate = settings_of(deciding_step(node.pk, number=1).inputs.stage, StageSettings).gate
    assert gate is not None
    assert gate.rule == "committee"


def network(**more: Any) -> dict[str, Any]:
    """The same campaign, of one round, in which a network takes the place of the corrections."""
    after = settings(rounds=1, batch=6)
    cgcnn = {"model": "cgcnn", "model_settings": NETWORK, "members": 1, "cells": "both", **more}
    return after | {"ensembles": {"trees": ENSEMBLES["trees"], "cgcnn_d": cgcnn}}


def find(said: Any, binary: Any, **more: Any) -> Any:
    whole = campaign_settings(network(**more))
    return find_parents(said, whole, scheme=binary.references.scheme, elements=["As", "Be", "Cd"])


def test_parents_are_found_by_name(node, binary):
    ours = last_ensembles(node.pk)["final"]
    parents, remarks = find({"final": {"trees": f"campaign:{node.pk}"}}, binary)
    assert {name: one.pk for name, one in parents["final"].items()} == {"trees": ours["trees"].pk}
    assert remarks == [f"before final members of trees begin with ensemble {ours['trees'].pk} (campaign:{node.pk})"]
    with pytest.raises(UnknownNameError, match="no ensemble cgcnn_d before stage final, and not a single one of cgcnn"):
        find(f"campaign:{node.pk}", binary, transfer={"mode": "full"})
    with pytest.raises(SettingsError, match="is 'scratch' for all of cgcnn_d, trees"):
        find("auto", binary)
    with pytest.raises(SettingsError, match="stage final doesn't ask: forest; it asks cgcnn_d, trees"):
        find({"final": {"forest": "auto"}}, binary)
    with pytest.raises(SettingsError, match="is of element_correction, not cgcnn"):
        find({"final": {"cgcnn_d": str(ours["corrected"].pk)}}, binary)


def test_one_of_two_begins_with_a_parent(code, binary):
    """CGCNN begins with an ensemble that was fitted elsewhere, the trees with nothing."""
    alone = campaign_settings(network()).by_name["cgcnn_d"]
    rows = training_rows(binary.candidates, binary.record, binary.references, baseline="references").rows
    fitted = gather([fit_member(rows, alone, member=0, seed=1)], settings=alone)
    parent = EnsembleData.from_science(fitted).store()
    after = network(transfer={"mode": "full"})
    inputs = campaign_inputs(orm.load_code(code), binary, after, n_shards=1) | {
        "parents": {"final": {"cgcnn_d": parent}}
    }
    assert check_inputs(inputs, None) is None
    without = {key: value for key, value in inputs.items() if key != "parents"}
    assert "no parent" in str(check_inputs(without, None))
    assert "transfer.mode is" in str(check_inputs(inputs | {"parents": {"final": {"trees": parent}}}, None))
    assert "for a single ensemble" in str(check_inputs(without | {"parent": parent}, None))
    unasked = inputs | {"parents": {"final": {"forest": parent}}}
    assert "doesn't ask: forest; it asks cgcnn_d, trees" in str(check_inputs(unasked, None))
    found = run_get_node(Screen, **inputs)[1]
    assert found.is_finished_ok, found.exit_message
    (step,) = [one for one in found.called if names.ROUND.matches(one.process_type)]
    fits = {
        link.link_label: link.node
        for link in step.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
        if names.FIT_ENSEMBLE.matches(link.node.process_type)
    }
    assert fits["ensembles__cgcnn_d"].inputs.parent.pk == parent.pk
    assert "parent" not in fits["ensembles__trees"].inputs
