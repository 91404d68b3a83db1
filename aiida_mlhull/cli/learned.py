"""What ``fit``, ``learning-curve`` and ``tune`` are given alike: a table, a target, an ensemble."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from aiida_mlhull.science.ensembles import EnsembleSettings
    from aiida_mlhull.science.reading.properties import Properties

MODEL = "magpie_forest"
"""What learns where nobody says what should: it needs compositions only, and seconds."""

OPTIONS = (
    click.argument("table", metavar="TABLE", type=click.Path(path_type=Path)),
    click.option("--target", required=True, metavar="COLUMN", help="The column to learn."),
    click.option("--unit", help="Its unit, for messages and pictures."),
    click.option("--model", help=f"Name of a model; {MODEL} if neither this nor the settings say so."),
    click.option("--members", type=click.IntRange(min=1), help="Members of an ensemble."),
    click.option("--loss", help="l1, l2, robust_l1 or robust_l2."),
    click.option(
        "--settings", "file", type=click.Path(path_type=Path), help="YAML with more of the ensemble's settings."
    ),
    click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True),
    click.option("--leave-out", is_flag=True, help="Leave rows out that can't be used, instead of refusing them."),
)


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of this module."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def read(
    table: Path, *, target: str, file: Path | None, leave_out: bool, **said: Any
) -> tuple[Properties, EnsembleSettings]:
    """The rows, and the ensemble that is to learn them.

    Args:
        table: parquet or csv file.
        target: column.
        file: YAML with settings of the ensemble.
        leave_out: whether bad rows are left out.
        said: settings that the command line says itself; None leaves them to the file.

    Raises:
        WireError: if a file can't be read.
        SettingsError: if the settings are wrong.
        CrystalError: if the model reads cells and the table has none.
    """
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.campaign.settings import validated
    from aiida_mlhull.science.ensembles import EnsembleSettings
    from aiida_mlhull.science.errors import SettingsError
    from aiida_mlhull.science.reading.properties import read_properties

    found = read_properties(table, target=target, bad_rows="leave_out" if leave_out else "refuse")
    # Cells of a table are what they are; there is no relaxed volume to scale them to.
    values: dict[str, Any] = {"model": MODEL, "target": target, "unit": "", "volume_scaling": False}
    values |= dict(read_mapping(file)) if file is not None else {}
    values |= {name: value for name, value in said.items() if value is not None}
    settings = validated(EnsembleSettings, values, what=file.name if file else "ensemble")
    if settings.ionic_steps:
        raise SettingsError(
            "ionic_steps: a table of properties has none; they are a campaign's, of stages that keep them"
        )
    check_readable(found, settings)
    return found, settings


def check_readable(found: Properties, settings: EnsembleSettings) -> None:
    """Refuse a model that reads cells where there are none.

    Raises:
        CrystalError: naming models that don't.
    """
    from aiida_mlhull.science.errors import CrystalError
    from aiida_mlhull.science.models import MODELS

    blind = {"composition", "nothing"}
    if not found.has_cells and settings.build().reads not in blind:
        fitting = ", ".join(name for name in MODELS if MODELS[name].reads in blind)
        raise CrystalError(f"{found.source} has no cells, which {settings.model} reads; compositions do for {fitting}")
