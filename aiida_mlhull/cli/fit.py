"""``aiida-mlhull fit``: an ensemble for any column of a table, with its data and its parent in the graph."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_mlhull.cli import learned, profile

if TYPE_CHECKING:
    from aiida_mlhull.science.reading.properties import Properties
    from aiida_mlhull.science.types import Candidates, Labels


@click.command()
@learned.table_options
@click.option("--parent", metavar="NODE", help="Ensemble whose members these begin with (pk, uuid or label).")
@click.option(
    "--transfer", type=click.Choice(["full", "head"]), help="What learns on: all weights, or the output network alone."
)
@click.pass_obj
def fit(
    profile_name: str | None,
    /,
    table: Path,
    parent: str | None,
    transfer: str | None,
    seed: int,
    **given: Any,
) -> None:
    """Fit an ensemble to column COLUMN of TABLE, a parquet or csv file.

    Every row has a formula and, for models that read structures, a cell. The ensemble becomes a node that
    'diagnose' tells about, that predicts, and that can be the parent of another one: for another target,
    another functional, another relaxation stage.
    """
    from aiida_mlhull.science.errors import SettingsError

    if (parent is None) != (transfer is None):
        raise SettingsError("--parent and --transfer belong together: who to begin with, and what learns on")
    found, settings = learned.read(table, **given, transfer={"mode": transfer} if transfer else None)
    click.echo(found.summary())
    profile.load(profile_name)
    from aiida import orm

    from aiida_mlhull.cli import run
    from aiida_mlhull.launching import stored
    from aiida_mlhull.launching.codes import ready_program
    from aiida_mlhull.workflows.fit import FitEnsemble

    builder = FitEnsemble.get_builder()
    builder.code = ready_program()
    builder.settings = orm.Dict(settings.model_dump(mode="json"))
    builder.baseline = orm.Str("none")
    builder.seed = orm.Int(seed)
    if parent is not None:
        builder.parent = stored.ensemble(parent)
    builder.cells, builder.results = nodes(found, unit=settings.unit)
    builder["metadata"]["label"] = f"{settings.model} for {found.target}"
    node = run.run_here(builder)
    if not node.is_finished_ok:
        raise click.ClickException(f"the fit failed: {node.exit_message}; see 'verdi process report {node.pk}'")
    ensemble = node.outputs.ensemble
    click.echo(f"Ensemble {ensemble.pk}: {ensemble.description}")
    click.echo(f"  aiida-mlhull diagnose {ensemble.pk}")


def nodes(found: Properties, *, unit: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cells and values as unstored nodes by shard."""
    from aiida_mlhull.data import CandidatesData, LabelsData
    from aiida_mlhull.launching.inputs import shard_rows

    cells, labels = tables(found, unit=unit)
    shards = {f"shard_{number:03d}": rows for number, rows in enumerate(shard_rows(len(cells)))}
    return (
        {key: CandidatesData.from_science(cells.take(rows)) for key, rows in shards.items()},
        {key: LabelsData.from_science(labels.take(rows)) for key, rows in shards.items()},
    )


def tables(found: Properties, *, unit: str) -> tuple[Candidates, Labels]:
    """Cells and values as the nouns that a fit takes."""
    import numpy as np

    from aiida_mlhull.science.reading.properties import PLACEHOLDERS
    from aiida_mlhull.science.types import Candidates, Labels

    rows, empty = found.rows, np.full(len(found.rows), "")
    named = f"{found.target} ({unit})" if unit else found.target
    cells = Candidates(
        ids=rows.ids,
        formulas=rows.formulas,
        crystals=rows.crystals,
        protostructures=empty,
        origins=empty,
        source=found.source if found.has_cells else f"{found.source}: {PLACEHOLDERS}",
    )
    labels = Labels(
        ids=rows.ids,
        formulas=rows.formulas,
        energies=rows.energies,
        crystals=rows.relaxed,
        failures=empty,
        core_minutes=np.zeros(len(rows)),
        stage="table",
        engine=found.source,
        scheme=named,
        cost_basis="nominal",
    )
    return cells, labels
