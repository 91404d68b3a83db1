"""``aiida-mlhull fit``: an ensemble for any column of a table, with its data and its parent in the graph."""

from __future__ import annotations

from typing import Any

import click

from aiida_mlhull.cli import progress
from aiida_mlhull.cli.table_options import table_options_or_classes
from aiida_mlhull.launching import profile
from aiida_mlhull.launching.questions import training


@click.command()
@table_options_or_classes
@click.option("--parent", metavar="NODE", help="Ensemble whose members these begin with (pk, uuid or label).")
@click.option(
    "--transfer", type=click.Choice(["full", "head"]), help="What learns on: all weights, or the output network alone."
)
@click.pass_obj
def fit(
    profile_name: str | None,
    /,
    *,
    target: str | None,
    classes: str | None,
    parent: str | None,
    transfer: str | None,
    seed: int,
    **training_set: Any,
) -> None:
    """Fit an ensemble to column COLUMN of TABLE, a parquet or csv file.

    Every row has a formula and, for models that read structures, a cell. The ensemble becomes a node that
    'diagnose' tells about, that predicts, and that can be the parent of another one: for another target,
    another functional, another relaxation stage. With --classes the column holds names instead of numbers, which
    networks distinguish by their probabilities. With --references the column holds total energies (eV/atom), and
    formation energies are learned, as campaigns do.
    """
    from aiida_mlhull.science.errors import SettingsError

    if target is not None and classes is not None:
        raise SettingsError("--target learns numbers and --classes learns names: give one of them")
    column = target or classes
    if column is None:
        raise SettingsError("what is to be learned? Name a column of numbers with --target, or of names with --classes")
    known = training.read_known_phases(training_set.pop("references"), training_set.pop("elements"))
    properties, settings = training.read_training_set(
        target=column, as_classes=classes is not None, **training_set, transfer=transfer, references=known
    )
    training.check_transfer(settings, parent)
    click.echo(properties.summary())
    profile.load(profile_name)
    from aiida_mlhull.launching import stored

    begin = None if parent is None else stored.ensemble(parent)
    ensemble = training.fit_ensemble(
        properties, settings, seed=seed, parent=begin, references=known, progress=progress.show
    )
    click.echo(f"Ensemble {ensemble.pk}: {ensemble.description}")
    click.echo(f"  aiida-mlhull diagnose {ensemble.pk}")
