"""Run a campaign in this terminal, or follow one that the daemon runs, with one line a step."""

from __future__ import annotations

import asyncio
import logging
import re
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import click

from aiida_mlhull.cli import text
from aiida_mlhull.graph import campaigns

if TYPE_CHECKING:
    from aiida import orm
    from aiida.engine import ProcessBuilder

POLL_SECONDS: Final = 0.1
FOLLOW_SECONDS: Final = 2.0
INTERRUPTED: Final = "runner received interrupt"
"""What AiiDA logs on Ctrl-C; which process it then kills depends on what runs at that moment."""
SAID_AGAIN: Final = "output parser returned exit code"
"""A job's failure is also reported by the workflow that tries it again, with more around it."""
REPORT: Final = re.compile(r"^\[(?P<pk>\d+)\|(?P<process>\w+)\|(?P<step>\w+)\]:\s*(?P<message>.*)$", re.DOTALL)


class Clock:
    """Prints lines with the time since the start, and says how long it may still take.

    Args:
        pk: of the campaign.
        begun: seconds since the epoch.
    """

    def __init__(self, pk: int | None, *, begun: float) -> None:
        self._pk = pk
        self._begun = begun
        self._stock_taken: float | None = None

    def say(self, process: str, step: str, message: str, *, at: float) -> None:
        """Print what a process of the campaign has reported, ``at`` so many seconds since the epoch."""
        inner = "" if process == "Screen" else f"  {process}: "
        last = message.strip().splitlines()[-1]  # of a traceback that is what happened
        outlook = self._outlook(last, at=at) if step == "take_stock" else ""
        click.echo(f"{text.duration(at - self._begun):>8}  {inner}{last}{outlook}")

    def _outlook(self, message: str, *, at: float) -> str:
        """At most so much longer, if all rounds are as long as this one; nothing where it isn't the newest."""
        before, self._stock_taken = self._stock_taken, at
        found = campaigns.stock(self._pk)
        if found is None or found["stop"] or found["round"] == 0 or before is None:
            return ""
        if not message.startswith(f"{found['stage']}, round {found['round']}:"):
            return ""
        left = rounds_left(self._pk, found)
        return f" (at most {text.about(left * (at - before))} more)" if left else ""


def rounds_left(pk: int | None, stock: dict[str, Any]) -> int:
    """Rounds that a gate may still ask for: until its number is up, or nobody is left."""
    from aiida import orm

    from aiida_mlhull.science.campaign.settings import CampaignSettings, amount

    inputs = orm.load_node(pk).inputs
    settings = CampaignSettings.model_validate(inputs.settings.get_dict())
    total = sum(shard.base.attributes.get("n_rows") for shard in inputs.candidates.values())
    gate = next((stage.gate for stage in settings.stages if stage.name == stock["stage"]), None)
    if gate is None:
        return 0
    by_number: int = gate.rounds - stock["round"]
    if gate.batch is None:
        return by_number
    waiting: int = stock["waiting"]
    if settings.budget is not None:
        waiting = min(waiting, amount(settings.budget, total) - stock["relaxed"])
    return max(min(by_number, -(-waiting // amount(gate.batch, total))), 0)


class ReportHandler(logging.Handler):
    """Turns what WorkChains report into lines of a clock, and lets warnings through.

    Args:
        level: of logging.
    """

    def __init__(self, level: int) -> None:
        super().__init__(level)
        self.clock: Clock | None = None
        self.interrupted = False

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record."""
        message = record.getMessage()
        self.interrupted |= message.startswith(INTERRUPTED)
        if self.interrupted:
            return
        match = REPORT.match(message)
        if match is None:
            if record.levelno >= logging.WARNING and not message.startswith(SAID_AGAIN):
                click.echo(f"          {record.levelname.lower()}: {message}", err=True)
            return
        if self.clock is None:
            self.clock = Clock(int(match["pk"]), begun=record.created)
        self.clock.say(match["process"], match["step"], match["message"], at=record.created)


@contextmanager
def reports() -> Iterator[ReportHandler]:
    """Print reports as lines of ours instead of AiiDA's log format."""
    logger = logging.getLogger("aiida")
    before = logger.handlers[:]
    handler = ReportHandler(logging.getLevelName("REPORT"))
    # Handlers that write into the graph stay; those that write to this terminal make room.
    logger.handlers = [known for known in before if type(known) is not logging.StreamHandler] + [handler]
    try:
        yield handler
    finally:
        logger.handlers = before


def run_here(builder: ProcessBuilder) -> orm.ProcessNode:
    """Run a campaign in this process, without daemon and broker.

    Raises:
        click.Abort: if it was interrupted.
    """
    from aiida.engine.utils import loop_scope
    from aiida.manage import get_manager

    # A runner of our own: the profile's broker may be down, and is of no use to a single process.
    runner = get_manager().create_runner(communicator=None, poll_interval=POLL_SECONDS)
    with reports() as heard, loop_scope(runner.loop):
        process = runner.instantiate_process(builder)
        with _Interruptible(runner.loop, process, heard):
            process.execute()
    if heard.interrupted or process.node.is_killed:
        click.echo(
            "\nInterrupted: the campaign has ended here, what had finished stays in the graph. Started again, it "
            "begins anew; with AiiDA's caching (see 'aiida-mlhull doctor') finished jobs are not repeated.",
            err=True,
        )
        raise click.Abort
    node: orm.ProcessNode = process.node
    return node


class _Interruptible:
    """Lets the event loop kill a process on Ctrl-C, and ends quietly whatever that breaks.

    AiiDA's own handlers kill in the midst of whatever line the signal meets; where that is a query, the
    loop may wait for ever, or any exception come out. The second Ctrl-C doesn't wait for the loop.

    Args:
        loop: that runs the process.
        process: to be killed.
        heard: remembers that it was.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, process: Any, heard: ReportHandler) -> None:
        self._loop = loop
        self._process = process
        self._heard = heard
        self._before = signal.getsignal(signal.SIGINT)

    def _interrupt(self) -> None:
        if self._heard.interrupted:
            raise KeyboardInterrupt
        self._heard.interrupted = True
        self._process.kill(msg_text="interrupted in the terminal")

    def __enter__(self) -> None:
        self._loop.add_signal_handler(signal.SIGINT, self._interrupt)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: object) -> bool:
        self._loop.remove_signal_handler(signal.SIGINT)
        signal.signal(signal.SIGINT, self._before)
        self._heard.interrupted |= kind is not None and issubclass(kind, KeyboardInterrupt)
        return self._heard.interrupted


def follow(node: orm.ProcessNode) -> orm.ProcessNode:
    """Print what a campaign that the daemon runs reports, until it ends.

    Raises:
        click.Abort: if it was interrupted; the campaign goes on.
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
                    clock.say(match["process"], match["step"], match["message"], at=reported.timestamp())
            if ended:
                return node
            time.sleep(FOLLOW_SECONDS)
    except KeyboardInterrupt:
        click.echo(f"\nThe daemon goes on with campaign {node.pk}: aiida-mlhull status {node.pk}", err=True)
        raise click.Abort from None


def require_success(node: orm.ProcessNode) -> None:
    """Stop here if a campaign has failed.

    Raises:
        click.ClickException: with the reason and where to look.
    """
    if node.is_finished_ok:
        return
    why = node.exit_message or node.exception or f"it was {campaigns.process_state(node)}"
    raise click.ClickException(
        f"campaign {node.pk} failed: {why.strip().splitlines()[-1]}\nLook closer with 'verdi process report {node.pk}'"
    )
