"""What a running process reports, one line each with the time since its start, and a bar below them on a terminal."""

from __future__ import annotations

import logging
import shutil
import sys
from typing import TYPE_CHECKING, Final

import click

from aiida_mlhull.graph.watching import stages
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.launching.running import Look, ProgressReport

CLEAR: Final = "\r\033[K"
"""Back to the beginning of the line, and away with what it holds."""


def bar() -> Look | None:
    """What draws the stage at work as a bar in the last line of a terminal; None where a terminal is missing."""
    return _draw if sys.stderr.isatty() else None


def _draw(node: orm.ProcessNode) -> None:
    from aiida_mlhull.graph.campaign import Campaign

    line = stages.bar(Campaign(node).progress())[: shutil.get_terminal_size().columns - 1]
    click.echo(f"{CLEAR}{line}", nl=False, err=True)


def show(report: ProgressReport) -> None:
    """Print a report; warnings go to standard error."""
    if sys.stderr.isatty():
        click.echo(CLEAR, nl=False, err=True)
    if not report.process:
        click.echo(f"{'':>8}  {logging.getLevelName(report.level).lower()}: {report.message}", err=True)
        return
    inner = "" if report.process == "Screen" else f"  {report.process}: "
    outlook = "" if report.remaining is None else f" (at most {text.about(report.remaining)} more)"
    click.echo(f"{text.duration(report.elapsed):>8}  {inner}{report.message}{outlook}")
