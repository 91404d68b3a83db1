"""``aiida-mlhull tune``: a search for hyper-parameters, every trial a line in a file."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.cli.table_options import table_options
from aiida_mlhull.launching.questions import training

if TYPE_CHECKING:
    from aiida_mlhull.science.ensembles.tune import Trial


@click.command()
@table_options
@click.option("--trials", type=click.IntRange(min=1), default=20, show_default=True, help="Sets of values to try.")
@click.option("-o", "--output", required=True, type=paths.NEW, help="File for trials, one JSON object per line.")
def tune(trials: int, output: Path, seed: int, **training_set: Any) -> None:
    """Search learning rate, layers and weight decay (of forests: trees, columns, leaves) for TABLE.

    Trials are judged by the validation MAE of one member. The best values are printed as the YAML that
    'fit --settings' reads. Needs the extra 'tune'.
    """
    import yaml

    from aiida_mlhull.science.ensembles.tune import best
    from aiida_mlhull.science.ensembles.tune import tune as search

    known = training.read_known_phases(training_set.pop("references"), training_set.pop("elements"))
    properties, settings = training.read_training_set(**training_set, references=known)
    training.check_transfer(settings, None)
    click.echo(properties.summary(), err=True)
    with output.open("w") as lines:

        def keep(trial: Trial) -> None:
            lines.write(json.dumps({"model": settings.model, "target": settings.target, **asdict(trial)}) + "\n")
            lines.flush()

        done = search(
            properties.rows,
            settings,
            trials=trials,
            seed=seed,
            keep=keep,
            report=lambda line: click.echo(line, err=True),
        )
    chosen = best(done)
    click.echo(f"# trial {chosen.number}: validation MAE {chosen.validation_mae:.4g} {settings.unit}".rstrip())
    best_settings = {"model": settings.model, "model_settings": {**settings.model_settings, **chosen.settings}}
    click.echo(yaml.safe_dump(best_settings, sort_keys=False).rstrip())
