"""What a running process reports, one line each with the time since its start."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import click

from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.launching.running import Report


def show(report: Report) -> None:
    """Print a report; warnings go to standard error."""
    if not report.process:
        click.echo(f"{'':>8}  {logging.getLevelName(report.level).lower()}: {report.message}", err=True)
        return
    inner = "" if report.process == "Screen" else f"  {report.process}: "
    outlook = "" if report.remaining is None else f" (at most {text.about(report.remaining)} more)"
    click.echo(f"{text.duration(report.elapsed):>8}  {inner}{report.message}{outlook}")
