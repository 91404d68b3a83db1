"""How far a campaign is: of one that has ended, and of one whose jobs run at this moment."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest
from aiida import orm

from aiida_mlhull import Campaign
from aiida_mlhull.data import CandidatesData, ReferencesData
from aiida_mlhull.graph.progress import progress
from aiida_mlhull.launching import running
from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import simplest
from tests.cli.conftest import run
from tests.programs import installed

pytestmark = pytest.mark.slow


def test_what_has_ended_adds_up_and_agrees_with_the_ledger(finished):
    seen = finished.progress()
    (stage,) = seen.stages
    assert (stage.sent, stage.done + stage.failed, stage.running, stage.queued, stage.waiting) == (32, 32, 0, 0, 0)
    costs = finished.costs().set_index("what")
    assert stage.failed == costs.failed["final"]
    assert stage.core_minutes == pytest.approx(32 * 605)
    assert seen.core_minutes == pytest.approx(costs.core_minutes.sum())
    assert seen.models.done == 4 + 2
    assert (seen.relaxed, seen.budget, seen.candidates, seen.alarm) == (32, 40, 59, "")
    assert stage.at_most == 16 + 2 * 8


def test_the_command_line_says_it_to_people_and_programs(finished):
    told = run("status", finished.pk).output
    assert "relaxed to the end  32 of 40 (80%)" in told
    assert "6 jobs done" in told
    (line,) = run("status", finished.pk, "--json").output.splitlines()
    seen = json.loads(line)
    assert seen["stages"][0]["name"] == "final"
    assert seen["relaxed"] == 32
    assert run("status", finished.pk, "--watch", "--json").output.count("\n") == 1  # it has ended: one look


def test_while_jobs_run_every_look_adds_up_and_they_only_grow(aiida_code_installed, monkeypatch):
    """Twelve crystals in two jobs, one at a time; looked at five times a second."""
    pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.2)
    code, excerpt = installed(aiida_code_installed), simplest(12)
    settings = {"relaxation": {"freedom": "full", "max_force": 0.1, "max_steps": 4}}
    stage = {"name": "cheap", "engine": "potential", "settings": settings}
    whole = campaign_settings({"stages": [stage], "ensemble": {"model": "trees_gp", "members": 2}})
    builder = Screen.get_builder()
    builder._update(
        {
            "code": code,
            "candidates": {"all": CandidatesData.from_science(excerpt.candidates)},
            "references": ReferencesData.from_science(replace(excerpt.references, scheme=MP2020_CORRECTED)),
            "engines": {"potential": {"code": code}},
            "settings": orm.Dict(whole.model_dump(mode="json")),
            "jobs": orm.Dict({"rows_per_job": 6, "max_in_flight": 1, "max_attempts": 1}),
        }
    )
    looks, behind = [], []

    def look(node):
        looks.append(Campaign(node).progress())
        behind.append(progress(node, now=node.ctime - timedelta(days=1)))

    node = running.run_here(builder, look=look)
    assert {(one.seconds, one.quiet_seconds, one.alarm) for one in behind if one.activity} == {(0.0, 0.0, "")}, (
        "a clock that is a day behind that of the machine which made the nodes"
    )
    seen = [look.stages[0] for look in looks if look.stages[0].sent]
    for one in seen:
        assert one.sent == one.done + one.failed + one.running + one.queued + one.waiting == 12
        assert one.at_most == 12
    ended = [one.ended for one in seen]
    assert ended == sorted(ended)
    assert {one.waiting for one in seen} >= {6, 0}  # the second job's rows waited, then they didn't
    assert any(one.queued or one.running for one in seen)
    assert any("RelaxCalculation" in look.activity or "PotentialEngine" in look.activity for look in looks)
    last = Campaign(node).progress()
    assert last.stages[0].ended == 12
    labels = Campaign(node).results()
    assert last.stages[0].failed == int((~labels.succeeded).sum())
    assert {one.id for one in last.last_failures} <= set(labels.ids[~labels.succeeded].tolist())
    assert len(last.last_failures) == min(5, last.stages[0].failed)
    assert orm.load_node(last.last_failures[0].pk).base.attributes.get("n_failed") if last.last_failures else True
