"""Campaigns that go on from others: nothing is relaxed twice, and they end as if there had been one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull import Campaign, extend
from aiida_mlhull.data import LabelsData
from aiida_mlhull.launching.extension import prepare_extension
from aiida_mlhull.science.errors import InputError, NotReadyError, SettingsError
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import DEMO, every_sixth
from tests.campaign_inputs import campaign_inputs

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

GATE = {"rule": "top_n", "rule_settings": {"n": 12}, "rounds": 4, "batch": 6}


def screen(code: Any, **changes: Any) -> Campaign:
    """59 arsenides in rounds of six on a record, in two shards."""
    final = {"name": "final", "engine": "recorded", "core_minutes": 605.0, "gate": GATE}
    settings = {
        "name": "arsenides",
        "seed": 3,
        "start": 16,
        "stages": [final],
        "ensemble": {"model": "trees_gp", "members": 2},
    } | changes
    return Campaign(run_get_node(Screen, **campaign_inputs(code, every_sixth(), settings))[1])


@pytest.fixture(scope="module")
def code(aiida_profile, tmp_path_factory) -> orm.AbstractCode:
    from tests.forks import quick_program
    from tests.programs import on_this_machine

    return on_this_machine(tmp_path_factory.mktemp("jobs"), program=quick_program())


@pytest.fixture(scope="module")
def whole(code) -> Campaign:
    """One uninterrupted campaign."""
    return screen(code, budget=28)


@pytest.fixture(scope="module")
def small(code) -> Campaign:
    """The same with a smaller budget."""
    return screen(code, budget=22)


@pytest.fixture(scope="module")
def extended(small) -> Campaign:
    """The small one with the budget of the whole."""
    return extend(small, {"budget": 28}, foreground=True)


def looked_up(campaign: Campaign) -> list[str]:
    """Ids that the campaign's own engines have worked on."""
    engines = [one for one in campaign.node.called if one.process_label == "RecordedEngine"]
    return [name for one in engines for name in one.outputs.labels.to_science().ids.tolist()]


def test_the_end_is_that_of_one_campaign(whole: Campaign, small: Campaign, extended: Campaign) -> None:
    assert len(small.results()) == 22
    assert extended.results().ids.tolist() == whole.results().ids.tolist()
    assert np.array_equal(extended.results().energies, whole.results().energies)
    assert extended.phases().ids.tolist() == whole.phases().ids.tolist()
    ours, theirs = extended.outcomes(), whole.outcomes()
    assert ours.reasons.tolist() == theirs.reasons.tolist()
    assert np.array_equal(ours.values, theirs.values)
    assert extended.funnel() == whole.funnel()


def test_nothing_is_relaxed_twice(small: Campaign, extended: Campaign) -> None:
    chain = extended.story()
    assert [one.label for one in chain] == ["arsenides", "arsenides-2"]
    assert chain[0].pk == small.pk
    ids = [name for one in chain for name in looked_up(one)]
    assert len(ids) == len(set(ids)) == 28


def test_history_rounds_and_costs_tell_one_story(whole: Campaign, extended: Campaign) -> None:
    assert extended.rounds().drop(columns=["stable", "new"]).equals(whole.rounds().drop(columns=["stable", "new"]))
    assert extended.started() == whole.started()
    assert extended.stages() == whole.stages()
    assert extended.costs().drop(columns="core_minutes").equals(whole.costs().drop(columns="core_minutes"))
    name = str(extended.results().ids[0])
    events = extended.history(name)
    assert set(events.campaign) == {one.pk for one in extended.story()}
    assert "taken over" in set(events.outcome)
    assert events.what.iloc[-1] == "outcome"
    own = [what for what in whole.history(name).what if "round" in what]
    assert [what for what in events.what if "round" in what] == own


def test_reports_tell_of_rounds_that_the_earlier_campaign_decided(small: Campaign, extended: Campaign) -> None:
    kept = [[(rule.rule, rule.kept) for rule in one.compare_rules(1).comparison.outcomes] for one in (extended, small)]
    assert kept[0] == kept[1]
    assert "final, round 1" in extended.report().to_json()


def test_status_counts_what_was_taken_over(extended: Campaign) -> None:
    (stage,) = extended.progress().stages
    assert (stage.taken_over, stage.done + stage.failed, stage.sent) == (22, 6, 28)


def test_another_rule_new_candidates_and_references(code, small: Campaign) -> None:
    more = extend(small, {"rule": "two_sigma", "budget": 30, "name": "other"}, foreground=True)
    assert more.label == "other"
    assert len(more.results()) > 22
    assert set(small.results().ids) < set(more.results().ids)


def test_of_a_table_that_has_grown_the_new_rows_are_taken(small: Campaign, tmp_path: Path) -> None:
    excerpt = every_sixth()
    whole = pq.read_table(DEMO / "hypothetical_pnictides.parquet")
    others = [
        row for row, name in enumerate(whole["structure_id"].to_pylist()) if not excerpt.candidates.has([name])[0]
    ]
    known = [row for row, name in enumerate(whole["structure_id"].to_pylist()) if excerpt.candidates.has([name])[0]]
    pq.write_table(whole.take([*known, *others[:7]]), tmp_path / "grown.parquet")
    prepared = prepare_extension(small, {"candidates": str(tmp_path / "grown.parquet"), "bad_rows": "leave_out"})
    assert any(f"{len(known)} of these the campaign has already" in line for line in prepared.inputs.remarks)
    ids = [name for shard in prepared.nodes["candidates"].values() for name in shard.to_science().ids.tolist()]
    assert len(ids) == len(set(ids)) > len(known)
    assert set(excerpt.candidates.ids.tolist()) < set(ids)
    shard = next(iter(small.node.inputs.candidates.values()))
    again = prepare_extension(small, {"candidates": {"node": str(shard.pk)}})
    assert f"node {shard.pk}: the campaign has it already" in again.inputs.remarks
    assert len(again.nodes["candidates"]) == len(small.node.inputs.candidates)


def test_results_from_elsewhere_are_taken_over_beside_its_own(small: Campaign) -> None:
    record = every_sixth().record
    own = small.results()
    others = [name for name in record.ids.tolist() if name not in own.ids]
    table = LabelsData.from_science(record.select(np.array([*own.ids[:3].tolist(), *others[:5]]))).store()
    group = orm.Group(label="from-elsewhere").store()
    group.add_nodes([table])
    prepared = prepare_extension(small, {"results": {"final": {"group": "from-elsewhere"}}})
    given = prepared.nodes["results"]["final"].to_science()
    assert sorted(given.ids.tolist()) == sorted(others[:5])
    assert any("3 of these the campaign has itself" in line for line in prepared.inputs.remarks)
    more = extend(small, {"results": {"final": {"group": "from-elsewhere"}}, "budget": 28}, foreground=True)
    assert set(own.ids) | set(others[:5]) <= set(more.results().ids)
    assert len(more.results()) == 28
    assert set(looked_up(more)).isdisjoint([*own.ids, *others[:5]])
    assert more.progress().stages[0].taken_over == 22 + 5


def test_what_makes_no_sense_is_refused(small: Campaign) -> None:
    stages = small.node.inputs.settings["stages"]
    other = [{**stages[0], "settings": {}, "engine": "potential"}]
    with pytest.raises(InputError, match="none of its results could be taken over"):
        extend(small, {"overrides": {"stages": other}})
    with pytest.raises(SettingsError, match="rule_settings without a rule"):
        extend(small, {"rule_settings": {"n": 3}})
    with pytest.raises(SettingsError, match="no reason of that code: tired"):
        extend(small, {"retry": ["tired"]})


def test_a_campaign_that_runs_is_not_extended(small: Campaign) -> None:
    node = orm.WorkChainNode(process_type=small.node.process_type)
    node.set_process_state("waiting")
    with pytest.raises(NotReadyError, match="still runs: end it with"):
        extend(Campaign(node.store()))
