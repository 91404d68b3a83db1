"""Run a process in this one, or follow a campaign that the daemon runs; reports are handed on as they come."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.graph import campaigns
from aiida_mlhull.launching.services.database import shared_database
from aiida_mlhull.science.errors import CampaignFailedError, StoppedError

if TYPE_CHECKING:
    from aiida import orm
    from aiida.engine import Process, ProcessBuilder
    from aiida.engine.runners import Runner

POLL_SECONDS: Final = 0.1
FOLLOW_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 2.0
ENDING_SECONDS: Final = 30.0
"""How long killed jobs may take to end."""
INTERRUPTED: Final = "runner received interrupt"
"""What AiiDA logs on Ctrl-C; which process it then kills depends on what runs at that moment."""
REPEATED: Final = "output parser returned exit code"
"""A job's failure is also reported by the workflow that tries it again, with more around it."""
ROUTINE: Final = "skipping task_monitor_job"
"""AiiDA warns of it whenever a job ends that was watched."""
REPORT: Final = re.compile(r"^\[(?P<pk>\d+)\|(?P<process>\w+)\|(?P<step>\w+)\]:\s*(?P<message>.*)$", re.DOTALL)


@dataclass(frozen=True)
class ProgressReport:
    """What a process has reported, or AiiDA has warned of.

    Attributes:
        process: class of the process, ``"Screen"`` for the campaign itself; empty for a warning of AiiDA's.
        step: of its outline.
        message: one line; of a traceback the last one, which names the error.
        level: of :mod:`logging`.
        elapsed: seconds since the first report, or since the campaign was created.
        remaining: seconds that the gate may still take, if all rounds are as long as the last one; None if unknown.
    """

    process: str
    step: str
    message: str
    level: int
    elapsed: float
    remaining: float | None = None

    def __str__(self) -> str:
        return self.message if self.process in {"", "Screen"} else f"{self.process}: {self.message}"


Progress = Callable[[ProgressReport], object]
"""Is called with every report while a process runs; ``print`` will do."""


def silent(report: ProgressReport) -> None:
    """Ignore a report."""


class Clock:
    """Turns what processes of a campaign have logged into reports, and says how long it may still take.

    Args:
        pk: of the campaign.
        begun: seconds since the epoch.
    """

    def __init__(self, pk: int | None, *, begun: float) -> None:
        self._pk = pk
        self._begun = begun
        self._last_stock: float | None = None

    def report(self, match: re.Match[str], *, at: float) -> ProgressReport:
        """The report behind a line of AiiDA's log, which was written ``at`` so many seconds since the epoch."""
        message = match["message"].strip().splitlines()[-1]
        return ProgressReport(
            process=match["process"],
            step=match["step"],
            message=message,
            level=logging.getLevelName("REPORT"),
            elapsed=at - self._begun,
            remaining=self._remaining(message, at=at) if match["step"] == "take_stock" else None,
        )

    def warning(self, record: logging.LogRecord) -> ProgressReport:
        """A line of AiiDA's log that no process has reported."""
        elapsed = record.created - self._begun
        return ProgressReport(process="", step="", message=record.getMessage(), level=record.levelno, elapsed=elapsed)

    def _remaining(self, message: str, *, at: float) -> float | None:
        """None where the round isn't the newest one, or is the first."""
        before, self._last_stock = self._last_stock, at
        stock = campaigns.stock(self._pk)
        if stock is None or stock["stop"] or stock["round"] == 0 or before is None:
            return None
        if not message.startswith(f"{stock['stage']}, round {stock['round']}:"):
            return None
        left = _rounds_left(self._pk, stock)
        return left * (at - before) if left else None


def _rounds_left(pk: int | None, stock: dict[str, Any]) -> int:
    from aiida import orm

    from aiida_mlhull.science.campaign.plan import rounds_left
    from aiida_mlhull.science.campaign.settings import CampaignSettings

    inputs = orm.load_node(pk).inputs
    return rounds_left(
        CampaignSettings.model_validate(inputs.settings.get_dict()),
        stage=stock["stage"],
        number=stock["round"],
        relaxed=stock["relaxed"],
        waiting=stock["waiting"],
        total=sum(shard.base.attributes.get("n_rows") for shard in inputs.candidates.values()),
    )


class ReportHandler(logging.Handler):
    """Hands on what WorkChains report, and what AiiDA warns of.

    Args:
        progress: is called with every report.
    """

    def __init__(self, progress: Progress) -> None:
        super().__init__(logging.getLevelName("REPORT"))
        self._progress = progress
        self._clock: Clock | None = None
        self.interrupted = False

    def say(self, message: str) -> None:
        """Hand on a line that isn't AiiDA's."""
        self.emit(logging.makeLogRecord({"msg": message, "levelno": logging.WARNING}))

    def emit(self, record: logging.LogRecord) -> None:
        """Hand on one record."""
        message = record.getMessage()
        self.interrupted |= message.startswith(INTERRUPTED)
        if self.interrupted:
            return
        match = REPORT.match(message)
        if self._clock is None:
            self._clock = Clock(None if match is None else int(match["pk"]), begun=record.created)
        if match is not None:
            self._progress(self._clock.report(match, at=record.created))
        elif record.levelno >= logging.WARNING and not message.startswith(REPEATED) and not message.endswith(ROUTINE):
            self._progress(self._clock.warning(record))


@contextmanager
def _reports_to(progress: Progress) -> Iterator[ReportHandler]:
    """Hand reports on instead of printing them in AiiDA's log format."""
    logger = logging.getLogger("aiida")
    before = logger.handlers[:]
    handler = ReportHandler(progress)
    # Handlers that write into the graph stay; those that write to this terminal make room.
    logger.handlers = [one for one in before if type(one) is not logging.StreamHandler] + [handler]
    try:
        yield handler
    finally:
        logger.handlers = before


Look = Callable[["orm.ProcessNode"], object]
"""Is called with the campaign's node every few seconds while it runs in this process."""


def run_here(builder: ProcessBuilder, *, progress: Progress = silent, look: Look | None = None) -> orm.ProcessNode:
    """Run a process in this one, without daemon and broker, until it ends.

    Args:
        builder: of the process.
        progress: is called with every report.
        look: is called between two steps, as soon as :data:`LOOK_SECONDS` have gone by.

    Raises:
        StoppedError: if it was interrupted.
        NotReadyError: if the database failed.
    """
    from aiida.engine.utils import loop_scope
    from aiida.manage import get_manager

    # A runner of our own: the profile's broker may be down, and is of no use to a single process.
    runner = get_manager().create_runner(communicator=None, poll_interval=POLL_SECONDS)
    with _reports_to(progress) as handler, loop_scope(runner.loop):
        started = _started_by(runner)
        process = runner.instantiate_process(builder)
        with (
            shared_database(runner.loop, handler.say),
            _Interruptible(runner.loop, started, handler),
            _looking(runner.loop, process.node, look),
        ):
            process.execute()
    if handler.interrupted or process.node.is_killed:
        raise StoppedError(
            "Interrupted: the campaign has ended here, what had finished stays in the graph. Started again, it "
            "begins from scratch; with AiiDA's caching (see 'aiida-mlhull doctor') finished jobs are not repeated."
        )
    node: orm.ProcessNode = process.node
    return node


def _started_by(runner: Runner) -> list[Process]:
    """Processes that a runner has started, the outermost first; AiiDA itself finds a process's children by the broker only."""
    started: list[Process] = []
    instantiate = runner.instantiate_process

    def kept(*process: Any, **inputs: Any) -> Process:
        started[:] = [one for one in started if not one.has_terminated()] + [instantiate(*process, **inputs)]
        return started[-1]

    runner.instantiate_process = kept  # type: ignore[method-assign]
    return started


@contextmanager
def _looking(loop: asyncio.AbstractEventLoop, node: orm.ProcessNode, look: Look | None) -> Iterator[None]:
    """Have the event loop look at a process now and then: between steps, so that both may use the same connection."""
    if look is None:
        yield
        return
    timer: list[asyncio.TimerHandle] = []

    def again() -> None:
        timer[:] = [loop.call_later(LOOK_SECONDS, again)]
        look(node)

    timer[:] = [loop.call_later(LOOK_SECONDS, again)]
    try:
        yield
    finally:
        timer[0].cancel()


class _Interruptible:
    """Lets the event loop kill all processes on Ctrl-C, jobs first, and ends quietly whatever that breaks.

    AiiDA's own handlers kill in the midst of whatever line the signal meets; where that is a query, the
    loop may wait for ever, or any exception come out. The second Ctrl-C doesn't wait for the loop.

    Args:
        loop: that runs the processes.
        started: what is to be killed, children after their parents.
        handler: remembers that it was.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, started: list[Process], handler: ReportHandler) -> None:
        self._loop = loop
        self._started = started
        self._handler = handler
        self._before = signal.getsignal(signal.SIGINT)

    def _interrupt(self) -> None:
        if self._handler.interrupted:
            raise KeyboardInterrupt
        self._handler.interrupted = True
        for process in reversed(self._started[:]):
            process.kill(msg_text="interrupted in the terminal")

    def __enter__(self) -> None:
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)

    async def _ended(self) -> None:
        """Wait until schedulers have been told of the jobs that were killed."""
        while not all(process.has_terminated() for process in self._started):  # noqa: ASYNC110  (they have no event)
            await asyncio.sleep(POLL_SECONDS)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> bool:
        impatient = kind is not None and issubclass(kind, KeyboardInterrupt)
        if self._handler.interrupted and not impatient:
            with suppress(KeyboardInterrupt, asyncio.TimeoutError):
                self._loop.run_until_complete(asyncio.wait_for(self._ended(), ENDING_SECONDS))
        self._loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, self._before)
        self._handler.interrupted |= impatient
        return self._handler.interrupted


def follow(node: orm.ProcessNode, *, progress: Progress) -> orm.ProcessNode:
    """Hand on what a campaign that the daemon runs reports, until it ends.

    Raises:
        StoppedError: if it was interrupted; the campaign goes on.
    """
    from aiida import orm

    clock, seen = Clock(node.pk, begun=node.ctime.timestamp()), 0
    try:
        while True:
            # Asked before the log is read: what is reported while it is read comes with the next turn.
            ended = node.is_terminated
            query = orm.QueryBuilder()
            query.append(orm.Log, filters={"dbnode_id": node.pk, "id": {">": seen}}, project=["id", "time", "message"])
            for identifier, reported, message in sorted(query.all()):
                seen = identifier
                match = REPORT.match(message)
                if match:
                    progress(clock.report(match, at=reported.timestamp()))
            if ended:
                return node
            time.sleep(FOLLOW_SECONDS)
    except KeyboardInterrupt:
        raise StoppedError(f"The daemon goes on with campaign {node.pk}: aiida-mlhull status {node.pk}") from None


def require_success(node: orm.ProcessNode) -> None:
    """Stop here if a campaign has failed.

    Raises:
        CampaignFailedError: with the reason and where to look.
    """
    if node.is_finished_ok:
        return
    why = node.exit_message or node.exception or f"it was {campaigns.process_state(node)}"
    raise CampaignFailedError(
        f"campaign {node.pk} failed: {why.strip().splitlines()[-1]}\nLook closer with 'verdi process report {node.pk}'"
    )
