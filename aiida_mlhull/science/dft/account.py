"""How the processes of one calculation ended, whatever the program, and what that says of the reason."""

from __future__ import annotations

import re
from typing import Final

from pydantic import Field

from aiida_mlhull.science.types.reasons import Reason, Stated, is_stated, with_detail
from aiida_mlhull.science.types.strict import Strict

# Exit statuses of AiiDA's schedulers and monitors.
SCHEDULER_MEMORY: Final = 110
SCHEDULER_TIME: Final = 120
JOB_STOPPED: Final = 150
"""By a monitor; ours give a reason of the list."""

_MEMORY: Final = re.compile(
    r"out of memory|oom[- _]?kill|cannot allocate memory|exceeded (?:job )?memory|insufficient virtual memory|bad_alloc",
    re.IGNORECASE,
)
_TIME: Final = re.compile(r"due to time limit|wall ?time.{0,20}(?:exceeded|limit)|time limit reached", re.IGNORECASE)
_NEARLY: Final = 0.95
LAST_WORDS: Final = 100
"""Characters of a log's last line that a reason quotes."""


class Account(Strict):
    """What the processes of one candidate and stage left behind, besides their results.

    Attributes:
        chain_status: exit status of the WorkChain; None if it was killed or raised.
        chain_message: what it said.
        job_statuses: exit statuses of its jobs, in their order.
        job_message: what the last job said.
        log: last lines of the last job's screen output and of the scheduler's errors.
        seconds: wall time of the last job; None if it is not known.
        limit_seconds: wall time that the scheduler was asked for.
        core_minutes: cost of all jobs together.
        titles: element to the title of its potential: ``PAW_PBE Ti_pv 07Sep2000``.
        program: name and version of what wrote the results.
    """

    chain_status: int | None
    chain_message: str = ""
    job_statuses: tuple[int | None, ...] = ()
    job_message: str = ""
    log: str = ""
    seconds: float | None = None
    limit_seconds: float | None = None
    core_minutes: float = Field(default=0.0, ge=0)
    titles: dict[str, str] = Field(default_factory=dict)
    program: str = ""


def in_words(words: str) -> str:
    """Words that are a reason already (a monitor's, a lane's), else an engine's error that they describe."""
    return words if is_stated(words, Stated.RELAXATION) else with_detail(Reason.ENGINE_ERROR, words)


def why_stopped(account: Account) -> str:
    """Whether memory or time ran out; by the scheduler's word, else by its status, else by the clock."""
    last = account.job_statuses[-1]
    if last == SCHEDULER_MEMORY or _MEMORY.search(account.log):
        return Reason.OUT_OF_MEMORY
    if last == SCHEDULER_TIME or _TIME.search(account.log):
        return Reason.OUT_OF_TIME
    known = account.seconds is not None and account.limit_seconds is not None
    if known and account.seconds >= _NEARLY * account.limit_seconds:  # type: ignore[operator]
        return Reason.OUT_OF_TIME
    said = [line.strip() for line in account.log.splitlines() if re.search("[a-z]", line, re.IGNORECASE)]
    last_words = f"; last words: {said[-1][:LAST_WORDS]}" if said else ""
    return with_detail(Reason.ENGINE_ERROR, f"{(account.job_message or account.chain_message).rstrip('.')}{last_words}")
