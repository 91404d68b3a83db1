"""What the processes of one calculation tell of how they ended, collected from the graph."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from aiida import orm

from aiida_mlhull.science.not_vasp import FUNCTIONAL, NOT_VASP, PROGRAM, other_functional
from aiida_mlhull.science.vasp.cost import core_minutes
from aiida_mlhull.science.vasp.outcome import Account

SCREEN_FILE: Final = "vasp_output"
LAST_LINES: Final = 40


def is_standin(code: orm.AbstractCode) -> bool:
    """Whether a code is the stand-in, by the name of its program."""
    return PROGRAM in str(getattr(code, "filepath_executable", ""))


def jobs_of(chain: orm.ProcessNode) -> list[orm.CalcJobNode]:
    """The calculations that aiida-vasp's WorkChain has run, first to last."""
    return sorted((node for node in chain.called if isinstance(node, orm.CalcJobNode)), key=lambda node: node.pk or 0)


def account_of(chain: orm.ProcessNode) -> Account:
    """How a calculation ended: statuses, words, time, cost, titles of the potentials."""
    jobs = jobs_of(chain)
    last = jobs[-1] if jobs else None
    return Account(
        chain_status=chain.exit_status,
        chain_message=_words(chain),
        job_statuses=tuple(job.exit_status for job in jobs),
        job_message="" if last is None else _words(last),
        log="" if last is None else _log(last),
        seconds=None if last is None else _seconds(last),
        limit_seconds=None if last is None else last.get_option("max_wallclock_seconds"),
        core_minutes=sum(core_minutes(_seconds(job) or 0.0, job.get_option("resources") or {}) for job in jobs),
        titles={} if last is None else _titles(last),
        program="" if last is None else _program(last, _screen(last)),
    )


def results_of(chain: orm.ProcessNode, names: Iterable[str]) -> dict[str, Any]:
    """Outputs of the last calculation that has any, whatever became of the WorkChain, and what it ran with."""
    for job in reversed(jobs_of(chain)):
        found = {name: job.outputs[name] for name in names if name in job.outputs}
        if found:
            return {**found, "parameters": job.inputs.parameters}
    return {}


def _words(node: orm.ProcessNode) -> str:
    words = node.exit_message or node.exception or ""
    return words.strip().splitlines()[-1] if words.strip() else ""


def _log(job: orm.CalcJobNode) -> str:
    """The last lines of the screen output, and the scheduler's errors."""
    errors = job.get_scheduler_stderr() or ""
    return "\n".join([*_screen(job).splitlines()[-LAST_LINES:], *errors.splitlines()[-LAST_LINES:]])


def _screen(job: orm.CalcJobNode) -> str:
    if "retrieved" not in job.outputs or SCREEN_FILE not in job.outputs.retrieved.list_object_names():
        return ""
    content: bytes = job.outputs.retrieved.get_object_content(SCREEN_FILE, mode="rb")
    return content.decode(errors="replace")


def _seconds(job: orm.CalcJobNode) -> float | None:
    """Wall time: VASP's own word, else the scheduler's."""
    if "misc" in job.outputs:
        stats = job.outputs.misc.get_dict().get("run_stats") or {}
        if stats.get("elapsed_time") is not None:
            return float(stats["elapsed_time"])
    told = job.get_last_job_info()
    seconds = None if told is None else told.wallclock_time_seconds
    return None if seconds is None else float(seconds)


def _titles(job: orm.CalcJobNode) -> dict[str, str]:
    """Element to title, in the order of POTCAR."""
    kinds = [site.kind_name for site in job.inputs.structure.sites]
    potentials = {kind: job.inputs.potential[kind] for kind in dict.fromkeys(kinds)}
    return {potential.element: potential.title for potential in potentials.values()}


def _program(job: orm.CalcJobNode, screen: str) -> str:
    """Name and version of what wrote the results; the stand-in says of itself that it is no VASP."""
    if NOT_VASP in screen or is_standin(job.inputs.code):
        incar = job.inputs.parameters.get_dict()
        other = other_functional(gga=str(incar.get("gga") or ""), metagga=str(incar.get("metagga") or ""))
        return f"{PROGRAM}, {NOT_VASP}" + (f": {FUNCTIONAL} instead of {other}" if other else "")
    version = job.outputs.misc.get_dict().get("version") if "misc" in job.outputs else None
    return f"vasp {version}" if version else ""
