"""``aiida-mlhull fit``: an ensemble for any column of a table, with its data and its parent in the graph."""

from __future__ import annotations

from typing import Any

import click

from aiida_mlhull.cli import progress
from aiida_mlhull.cli.table_options import table_options
from aiida_mlhull.launching import profile, training


@click.command()
@table_options
@click.option("--parent", metavar="NODE", help="Ensemble whose members these begin with (pk, uuid or label).")
@click.option(
    "--transfer", type=click.Choice(["full", "head"]), help="What learns on: all weights, or the output network alone."
)
@click.pass_obj
def fit(
    profile_name: str | None, /, *, parent: str | None, transfer: str | None, seed: int, **training_set: Any
) -> None:
    """Fit an ensemble to column COLUMN of TABLE, a parquet or csv file.

    Every row has a formula and, for models that read structures, a cell. The ensemble becomes a node that
    'diagnose' tells about, that predicts, and that can be the parent of another one: for another target,
    another functional, another relaxation stage.
    """
    from aiida_mlhull.science.errors import SettingsError

    if (parent is None) != (transfer is None):
        raise SettingsError("--parent and --transfer belong together: who to begin with, and what learns on")
    mode = {"mode": transfer} if transfer else None
    properties, settings = training.read_training_set(**training_set, transfer=mode)
    click.echo(properties.summary())
    profile.load(profile_name)
    from aiida_mlhull.launching import stored

    begin = None if parent is None else stored.ensemble(parent)
    ensemble = training.fit_ensemble(properties, settings, seed=seed, parent=begin, progress=progress.show)
    click.echo(f"Ensemble {ensemble.pk}: {ensemble.description}")
    click.echo(f"  aiida-mlhull diagnose {ensemble.pk}")
