"""What the processes of one calculation state of how they ended, collected from the graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, Protocol

from aiida import orm

from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.dft.cost import core_minutes

LAST_LINES: Final = 40


class JobReader(Protocol):
    """What only those know of a calculation who know its program."""

    def screen(self, job: orm.CalcJobNode) -> str:
        """Its screen output; empty if there is none."""

    def seconds(self, job: orm.CalcJobNode, screen: str) -> float | None:
        """Wall time by the program's own account; None if it left none."""

    def titles(self, job: orm.CalcJobNode) -> dict[str, str]:
        """Element to the title of its potential."""

    def program(self, job: orm.CalcJobNode, screen: str) -> str:
        """Name and version of what wrote the results; empty if unknown."""


def jobs_of(chain: orm.ProcessNode) -> list[orm.CalcJobNode]:
    """The calculations that a plug-in's WorkChain has run, first to last."""
    return sorted((node for node in chain.called if isinstance(node, orm.CalcJobNode)), key=lambda node: node.pk or 0)


def account_of(chain: orm.ProcessNode, reader: JobReader) -> Account:
    """How a calculation ended: statuses, words, time, cost, titles of the potentials."""
    jobs = jobs_of(chain)
    last = jobs[-1] if jobs else None
    screens = {job.pk: reader.screen(job) for job in jobs}
    seconds = {job.pk: _seconds(job, reader.seconds(job, screens[job.pk])) for job in jobs}
    return Account(
        chain_status=chain.exit_status,
        chain_message=_last_line(chain),
        job_statuses=tuple(job.exit_status for job in jobs),
        job_message="" if last is None else _last_line(last),
        log="" if last is None else _log(last, screens[last.pk]),
        seconds=None if last is None else seconds[last.pk],
        limit_seconds=None if last is None else last.get_option("max_wallclock_seconds"),
        core_minutes=sum(core_minutes(seconds[job.pk] or 0.0, job.get_option("resources") or {}) for job in jobs),
        titles={} if last is None else reader.titles(last),
        program="" if last is None else reader.program(last, screens[last.pk]),
    )


def outputs_of(chain: orm.ProcessNode, names: Iterable[str], *, inputs: Iterable[str] = ()) -> dict[str, Any]:
    """Outputs of the last calculation that has any, whatever became of the WorkChain, and what it ran with.

    Args:
        chain: the plug-in's WorkChain.
        names: of outputs.
        inputs: names of inputs that come along.
    """
    for job in reversed(jobs_of(chain)):
        outputs = {name: job.outputs[name] for name in names if name in job.outputs}
        if outputs:
            return {**outputs, **{name: job.inputs[name] for name in inputs}}
    return {}


def retrieved_text(job: orm.CalcJobNode, filename: str) -> str:
    """A file that came back from a calculation; empty if it didn't."""
    if "retrieved" not in job.outputs or filename not in job.outputs.retrieved.list_object_names():
        return ""
    content: bytes = job.outputs.retrieved.get_object_content(filename, mode="rb")
    return content.decode(errors="replace")


def _last_line(node: orm.ProcessNode) -> str:
    words = node.exit_message or node.exception or ""
    return words.strip().splitlines()[-1] if words.strip() else ""


def _log(job: orm.CalcJobNode, screen: str) -> str:
    """The last lines of the screen output, and the scheduler's errors."""
    errors = job.get_scheduler_stderr() or ""
    return "\n".join([*screen.splitlines()[-LAST_LINES:], *errors.splitlines()[-LAST_LINES:]])


def _seconds(job: orm.CalcJobNode, own: float | None) -> float | None:
    """Wall time: the program's own word, else the scheduler's."""
    if own is not None:
        return own
    info = job.get_last_job_info()
    seconds = None if info is None else info.wallclock_time_seconds
    return None if seconds is None else float(seconds)
