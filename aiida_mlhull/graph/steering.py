"""Words to a campaign that runs, refused where they make no sense."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiida_mlhull.science.errors import NotReadyError

if TYPE_CHECKING:
    from aiida import orm


def pause(campaign: orm.ProcessNode, why: str = "") -> None:
    """Say that nothing more is to be submitted for now.

    Raises:
        NotReadyError: if the campaign has ended, or was told to stop or pause before.
    """
    from aiida_mlhull.job_pool.steering import PAUSE, tell, told

    _require_running(campaign)
    said = told(campaign.pk)
    if said.stops or said.pauses:
        raise NotReadyError(f"campaign {campaign.pk} was told to {said.word} before{_because(said.why)}")
    tell(campaign, PAUSE, why)


def resume(campaign: orm.ProcessNode, why: str = "") -> None:
    """Say that the campaign is to go on.

    Raises:
        NotReadyError: if the campaign has ended, or wasn't told to pause.
    """
    from aiida_mlhull.job_pool.steering import RESUME, tell, told

    _require_running(campaign)
    said = told(campaign.pk)
    if not said.pauses:
        raise NotReadyError(f"campaign {campaign.pk} was not told to pause{', but to stop' if said.stops else ''}")
    tell(campaign, RESUME, why)


def stop(campaign: orm.ProcessNode, why: str = "") -> None:
    """Say that the campaign is to conclude with what is there.

    Raises:
        NotReadyError: if the campaign has ended, or was told so before.
    """
    from aiida_mlhull.job_pool.steering import STOP, tell, told

    _require_running(campaign)
    if told(campaign.pk).stops:
        raise NotReadyError(f"campaign {campaign.pk} was told to stop before")
    tell(campaign, STOP, why)


def _require_running(campaign: orm.ProcessNode) -> None:
    from aiida_mlhull.graph.campaigns import process_state

    if campaign.is_terminated:
        raise NotReadyError(f"campaign {campaign.pk} has ended ({process_state(campaign)})")


def _because(why: str) -> str:
    return f": {why}" if why else ""
