"""A campaign that is told to pause, to go on and to stop while it runs, and one that pauses by itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiida import orm

from aiida_mlhull import Campaign, extend
from aiida_mlhull.data import CandidatesData, ReferencesData
from aiida_mlhull.job_pool import steering
from aiida_mlhull.launching import running
from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.errors import NotReadyError
from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import simplest
from tests.programs import installed, scripted

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
pytestmark = pytest.mark.slow

N = 6


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "LOOK_SECONDS", 0.2)
    monkeypatch.setattr(steering, "LOOK_SECONDS", 0.2)


def screen(code: Any, look: Callable[[Campaign], object], **jobs: Any) -> Campaign:
    """Six crystals through one stage, two to a job, one job at a time."""
    excerpt = simplest(N)
    relaxation = {"relaxation": {"freedom": "full", "max_force": 0.1, "max_steps": 3}}
    stage = {"name": "cheap", "engine": "potential", "settings": relaxation}
    settings = campaign_settings({"stages": [stage], "ensemble": {"model": "trees_gp", "members": 2}})
    sizes = {"rows_per_job": 2, "max_in_flight": 1, "max_attempts": 1, "same_failures": None} | jobs
    builder = Screen.get_builder()
    builder._update(
        {
            "code": code,
            "candidates": {"all": CandidatesData.from_science(excerpt.candidates)},
            "references": ReferencesData.from_science(replace(excerpt.references, scheme=MP2020_CORRECTED)),
            "engines": {"potential": {"code": code}},
            "settings": orm.Dict(settings.model_dump(mode="json")),
            "jobs": orm.Dict(sizes),
        }
    )
    return Campaign(running.run_here(builder, look=lambda node: look(Campaign(node))))


def jobs_of(campaign: Campaign) -> int:
    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": campaign.pk}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", tag="engine")
    return query.append(orm.CalcJobNode, with_incoming="engine").count()


def test_after_a_pause_it_ends_as_if_there_had_been_none(aiida_code_installed) -> None:
    undisturbed = screen(installed(aiida_code_installed), lambda _: None)
    counts: list[int] = []

    def look(campaign: Campaign) -> None:
        seen = campaign.progress()
        if not seen.told and not counts and jobs_of(campaign) == 1:
            campaign.pause("the cluster is serviced")
            counts.append(1)
            with pytest.raises(NotReadyError, match="told to pause before: the cluster is serviced"):
                campaign.pause()
        elif seen.told:
            assert (seen.told, seen.why) == ("pause", "the cluster is serviced")
            (stage,) = seen.stages
            if campaign.paused() and stage.running + stage.queued == 0:
                counts.append(jobs_of(campaign))
                assert campaign.paused()[0].process_status == "campaign paused: the cluster is serviced"
            if len(counts) == 8:
                campaign.resume("it is back")

    paused = screen(installed(aiida_code_installed), look)
    assert paused.node.is_finished_ok, paused.node.exit_message
    assert counts == [1] * 8  # what ran was finished, nothing was submitted
    assert jobs_of(paused) == 3
    assert np.array_equal(paused.results().energies, undisturbed.results().energies)
    assert paused.outcomes().reasons.tolist() == undisturbed.outcomes().reasons.tolist()
    assert [said["word"] for said in paused.node.base.extras.get("mlhull_steering")] == ["pause", "resume"]
    logged = [entry.message for entry in orm.Log.collection.get_logs_for(paused.node)]
    assert any("told to pause: the cluster is serviced" in line for line in logged)
    for word in (paused.pause, paused.resume, paused.stop):
        with pytest.raises(NotReadyError, match="has ended"):
            word()


def test_told_to_stop_it_concludes_with_what_is_there(aiida_code_installed) -> None:
    def look(campaign: Campaign) -> None:
        seen = campaign.progress()
        if not seen.told and seen.stages[0].ended >= 2:
            campaign.stop("enough")

    stopped = screen(installed(aiida_code_installed), look)
    assert stopped.node.is_finished_ok, stopped.node.exit_message
    assert 2 <= len(stopped.results()) < N
    assert stopped.status().stop == "told_to_stop"
    outcomes = stopped.outcomes()
    assert outcomes.ids.tolist() == simplest(N).candidates.ids.tolist()
    assert stopped.funnel()["reason:not_asked"] == N - len(stopped.results())
    whole = extend(stopped, foreground=True)
    (stage,) = whole.progress().stages
    assert (stage.taken_over, stage.done) == (len(stopped.results()), N - len(stopped.results()))
    assert whole.results().ids.tolist() == simplest(N).candidates.ids.tolist()
    assert jobs_of(stopped) + jobs_of(whole) == 3


def test_a_paused_campaign_can_be_stopped(aiida_code_installed, tmp_path: Path) -> None:
    """Its jobs are all lost, which takes no time."""

    def look(campaign: Campaign) -> None:
        seen = campaign.progress()
        if not seen.told and seen.stages[0].ended >= 2:
            campaign.pause()
        elif seen.told == "pause" and campaign.paused():
            campaign.stop()

    stopped = screen(scripted(aiida_code_installed, tmp_path, "exit 3"), look)
    assert stopped.node.exit_status == 522
    assert 2 <= len(stopped.results()) < N


def test_a_stage_that_only_fails_pauses_the_campaign(aiida_code_installed, tmp_path: Path) -> None:
    """Two jobs of two crystals are lost; the others are not sent after them."""
    whys: list[str] = []

    def look(campaign: Campaign) -> None:
        seen = campaign.progress()
        if seen.told == "pause" and campaign.paused():
            whys.append(seen.why)
            assert seen.stages[0].failed == 4
            assert [one.reason[:12] for one in seen.last_failures] == ["engine_error"] * 4
            campaign.stop()

    node = screen(scripted(aiida_code_installed, tmp_path, "exit 3"), look, same_failures=3).node
    assert whys == ["the first 3 relaxations of stage cheap have all failed with one and the same reason, engine_error"]
    assert node.exit_status == 522
    outcomes = Campaign(node).outcomes()
    assert sum(reason == "not_asked" for reason in outcomes.reasons.tolist()) == N - 4
