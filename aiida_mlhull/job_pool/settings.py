"""How a campaign's jobs are cut and how many run at once; none of it changes a result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, TypeVar

from aiida.orm import ProcessNode
from pydantic import Field

from aiida_mlhull.science.types.strict import Strict
from aiida_mlhull.science.types.table import slices

T = TypeVar("T")


class JobSettings(Strict):
    """Sizes and limits.

    Attributes:
        members_per_job: ensemble members fitted by one job.
        rows_per_job: crystals that one potential job relaxes.
        processes: processes within a job, one thread each.
        max_in_flight: jobs that one step submits at once; ``core.direct`` starts all of them together.
        max_attempts: how often a job is tried that was stopped, killed or lost; one that refuses is not tried again.
        max_wallclock_seconds: of one job.
        same_failures: when the first so many relaxations that a stage is sent all fail with one and the same reason,
            the campaign pauses and says so; None lets it go on failing.
        device: ``cpu``, ``cuda``, or ``auto`` for whatever the node has.
        options: of the scheduler, as AiiDA knows them (``queue_name``, ``account``, ``max_memory_kb``,
            ``custom_scheduler_commands: "#SBATCH --gres=gpu:1"``, ``prepend_text``, ...); they win over what the keys
            above say.
    """

    members_per_job: int = Field(default=1, ge=1)
    rows_per_job: int = Field(default=1000, ge=1)
    processes: int = Field(default=1, ge=1)
    max_in_flight: int = Field(default=2, ge=1)
    max_attempts: int = Field(default=2, ge=1)
    max_wallclock_seconds: int = Field(default=86400, ge=60)
    same_failures: int | None = Field(default=10, ge=2)
    device: str = "cpu"
    options: dict[str, Any] = Field(default_factory=dict)

    def scheduler_options(self) -> dict[str, Any]:
        """All options of one job, as AiiDA takes them."""
        resources = {"num_machines": 1, "num_mpiprocs_per_machine": 1, "num_cores_per_mpiproc": self.processes}
        return {"max_wallclock_seconds": self.max_wallclock_seconds, "resources": resources, **self.options}


def portions_of(items: Sequence[T], size: int) -> list[list[T]]:
    """``items`` in order, ``size`` at a time."""
    return [list(items[part]) for part in slices(len(items), size=size)]


WRONG_INPUTS: Final = range(200, 300)
REFUSED: Final = range(310, 320)
FELL_SHORT: Final = range(500, 600)
"""Bands of exit statuses, see :mod:`aiida_mlhull.science.errors`."""


def has_refused(node: ProcessNode) -> bool:
    """Whether a job said that it can't be done like this, so that it would say so again."""
    return node.exit_status in WRONG_INPUTS or node.exit_status in REFUSED


def fell_short(node: ProcessNode) -> bool:
    """Whether a job ran to its end and gave nothing usable; by the same seed it would again."""
    return node.exit_status in FELL_SHORT


def how_it_ended(node: ProcessNode) -> str:
    """What is known of the end of a process that did not end well, e.g. ``killed``, or ``[303] the reason``."""
    reason = node.exit_message or node.exception or (node.process_state.value if node.process_state else "unknown")
    return reason if node.exit_status is None else f"[{node.exit_status}] {reason}"


def why_failed(node: ProcessNode) -> str:
    """One line on a process that did not end well."""
    return f"{node.process_label}<{node.pk}> {how_it_ended(node)}"
