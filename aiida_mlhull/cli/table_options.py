"""Options that ``fit``, ``learning-curve`` and ``tune`` share: a table, a target, an ensemble."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.launching.questions.training import MODEL

OPTIONS: Final = (
    click.argument("table", metavar="TABLE", type=click.Path(path_type=Path)),
    click.option("--unit", help="Its unit, for messages and pictures."),
    click.option("--model", help=f"Name of a model; {MODEL} if neither this nor the settings say so."),
    click.option("--members", type=click.IntRange(min=1), help="Members of an ensemble."),
    click.option("--loss", help="l1, l2, robust_l1 or robust_l2."),
    click.option(
        "--settings",
        "settings_file",
        type=click.Path(path_type=Path),
        help="YAML with more of the ensemble's settings.",
    ),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of all that is drawn."),
    click.option(
        "--references", type=paths.KNOWN, metavar="FILE", help="Known phases: the column holds total energies."
    ),
    click.option("--elements", type=paths.KNOWN, metavar="FILE", help="Elemental references, if they stand apart."),
    click.option("--leave-out", is_flag=True, help="Leave rows out that can't be used, instead of refusing them."),
)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of this module, and a column of numbers to learn."""
    return _with(command, click.option("--target", required=True, metavar="COLUMN", help="The column to learn."))


def table_options_or_classes(command: Callable[..., Any]) -> Callable[..., Any]:
    """The same, but the column may be one of classes instead."""
    return _with(
        command,
        click.option("--target", metavar="COLUMN", help="The column to learn, of numbers."),
        click.option("--classes", metavar="COLUMN", help="The column to learn, of classes: metal or not, say."),
    )


def _with(command: Callable[..., Any], *targets: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed((OPTIONS[0], *targets, *OPTIONS[1:])):
        command = option(command)
    return command
