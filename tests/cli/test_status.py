"""What ``status`` says of campaigns that wait for a person."""

from __future__ import annotations

import pytest

from aiida_mlhull import names
from tests.cli.conftest import begun, run

REASON = "Pausing after failed transport task: upload_calculation failed 5 times"


@pytest.mark.usefixtures("empty_profile")
def test_what_is_paused_is_named_and_how_it_goes_on():
    """Of this campaign only, however deep below it, and not once it has ended."""
    from aiida.orm import CalcJobNode, WorkChainNode

    campaign, other = begun(WorkChainNode), begun(WorkChainNode)
    stage = begun(WorkChainNode, caller=campaign, process_type=names.POTENTIAL_ENGINE.process_type)
    job, strange = begun(CalcJobNode, caller=stage), begun(CalcJobNode, caller=other)
    for process in (job, strange):
        process.set_process_status(REASON)
        process.pause()
    told = run("status", campaign.pk).output
    assert "No daemon is running" in told
    assert f"RelaxCalculation<{job.pk}> is paused: {REASON}" in told
    assert f"verdi process play {job.pk}" in told
    assert f"<{strange.pk}>" not in told
    job.set_process_state("killed")
    assert "paused" not in run("status", campaign.pk).output


def finished(node, *, reports):
    """``node`` ended well after it had reported so many seconds after it was made."""
    from datetime import timedelta

    from aiida.orm import Log

    for seconds, step, message in reports:
        Log(
            time=node.ctime + timedelta(seconds=seconds),
            loggername="aiida.orm.nodes.process.workflow",
            levelname="REPORT",
            dbnode_id=node.pk,
            message=f"[{node.pk}|Screen|{step}]: {message}",
        )
    node.set_process_state("finished")
    node.set_exit_status(0)


@pytest.mark.usefixtures("empty_profile")
def test_what_is_followed_late_has_the_times_of_the_reports():
    from aiida.orm import WorkChainNode

    campaign = begun(WorkChainNode)
    finished(campaign, reports=[(8, "setup", "campaign tiny"), (131, "take_stock", "final, round 1: so many")])
    lines = run("status", campaign.pk, "--follow").output.splitlines()
    assert "    0:08  campaign tiny" in lines
    assert "    2:11  final, round 1: so many" in lines


@pytest.mark.usefixtures("empty_profile")
def test_only_the_newest_round_says_how_long_it_may_still_take():
    """Two rounds of the gate are left, and the last one took 50 seconds."""
    from aiida import orm
    from aiida.common.links import LinkType

    from aiida_mlhull.science.campaign import campaign_settings

    gate = {"rule": "two_sigma", "rounds": 4}
    stages = [{"name": "final", "engine": "recorded", "core_minutes": 1, "gate": gate}]
    settings = campaign_settings({"stages": stages}, protocol="laptop-plain")
    campaign = orm.WorkChainNode(process_type=names.SCREEN.process_type)
    settings_node = orm.Dict(settings.model_dump(mode="json")).store()
    campaign.base.links.add_incoming(settings_node, LinkType.INPUT_WORK, "settings")
    campaign.base.links.add_incoming(_shard(), LinkType.INPUT_WORK, "candidates__shard_000")
    campaign.store()
    for number in range(3):
        step = orm.CalcFunctionNode(process_type=names.ASSESS.process_type)
        step.base.links.add_incoming(campaign, LinkType.CALL_CALC, f"assess_{number}")
        stock = orm.Dict({"stage": "final", "round": number, "relaxed": 10, "waiting": 90, "stable": [], "stop": ""})
        stock.base.links.add_incoming(step.store(), LinkType.CREATE, "result")
        stock.store()
    finished(campaign, reports=[(10 + 50 * k, "take_stock", f"final, round {k}: so many") for k in range(3)])
    lines = run("status", campaign.pk, "--follow").output.splitlines()
    assert "    0:10  final, round 0: so many" in lines
    assert "    1:00  final, round 1: so many" in lines
    assert "    1:50  final, round 2: so many (at most 100 s more)" in lines


def _shard():
    import numpy as np

    from aiida_mlhull.data import CandidatesData
    from aiida_mlhull.science.types import Candidates

    ids, empty = np.array([f"{row:03d}" for row in range(100)]), np.full(100, "")
    table = Candidates(
        ids=ids, formulas=np.full(100, "BN"), crystals=None, protostructures=empty, origins=empty, source="drawn"
    )
    return CandidatesData.from_science(table).store()


@pytest.mark.usefixtures("empty_profile")
def test_a_label_that_several_campaigns_have():
    from aiida.orm import WorkChainNode

    one, two = begun(WorkChainNode), begun(WorkChainNode)
    one.label = two.label = "nitrides"
    refused = run("status", "nitrides")
    assert refused.exit_code != 0
    assert f"2 campaigns are called 'nitrides': name one by its pk ({two.pk}, {one.pk})" in refused.output
    two.label = "oxides"
    assert f"Campaign {one.pk} (nitrides)" in run("status", "nitrides").output


@pytest.mark.usefixtures("empty_profile")
def test_a_campaign_that_has_not_ended_well_has_no_files_to_write(tmp_path):
    from aiida.orm import WorkChainNode

    campaign = begun(WorkChainNode)
    campaign.set_process_state("finished")
    campaign.set_exit_status(520)
    campaign.set_exit_message("The engine of stage final refused or failed: no code")
    result = run("report", campaign.pk, "--output", tmp_path / "report")
    assert result.exit_code == 1
    assert "finished [520]" in result.output
    assert "The engine of stage final refused or failed: no code" in result.output
    assert f"verdi process report {campaign.pk}" in result.output
    assert "nothing was written" in result.output
    assert not (tmp_path / "report").exists()
    refused = run("diagnose", campaign.pk)
    assert refused.exit_code == 1
    assert "has no record" in refused.output
