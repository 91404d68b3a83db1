"""What ``status`` says of campaigns that wait for a person."""

from __future__ import annotations

import pytest

from tests.cli.conftest import run

REASON = "Pausing after failed transport task: upload_calculation failed 5 times"


def begun(kind, *, caller=None, process_type="aiida.workflows:mlhull.screen"):
    """A stored process that hasn't ended."""
    from aiida.common.links import LinkType

    node = kind(process_type=process_type)
    node.set_process_label("RelaxCalculation")
    node.set_process_state("waiting")
    if caller is not None:
        link = LinkType.CALL_CALC if "calculation" in node.node_type else LinkType.CALL_WORK
        node.base.links.add_incoming(caller, link, "called")
    return node.store()


@pytest.mark.usefixtures("empty_profile")
def test_what_is_paused_is_named_and_how_it_goes_on():
    """Of this campaign only, however deep below it, and not once it has ended."""
    from aiida.orm import CalcJobNode, WorkChainNode

    campaign, other = begun(WorkChainNode), begun(WorkChainNode)
    stage = begun(WorkChainNode, caller=campaign, process_type="aiida.workflows:mlhull.potential")
    job, strange = begun(CalcJobNode, caller=stage), begun(CalcJobNode, caller=other)
    for process in (job, strange):
        process.set_process_status(REASON)
        process.pause()
    told = run("status", campaign.pk).output
    assert f"RelaxCalculation<{job.pk}> is paused: {REASON}" in told
    assert f"verdi process play {job.pk}" in told
    assert f"<{strange.pk}>" not in told
    job.set_process_state("killed")
    assert "paused" not in run("status", campaign.pk).output
