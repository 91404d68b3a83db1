"""``aiida-mlhull study``: list, show, run and report the studies that others have published."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from aiida_mlhull.launching import profile
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.launching.running import ProgressReport
    from aiida_mlhull.science.studies import Study, StudyRun

REPORT: Final = click.Path(path_type=Path, dir_okay=False, writable=True)
DATA: Final = click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder of the public data.  [default: that of MLHULL_DATA]",
)
SIZE: Final = click.option(
    "--size",
    type=click.Choice(["quick", "full"]),
    default="quick",
    show_default=True,
    help="In minutes, or as published.",
)


@click.group()
def study() -> None:
    """Run what others have published, and see it beside their figures."""


@study.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List the studies that can be run."""
    from aiida_mlhull.science.studies import load_study, study_names

    found = [load_study(name) for name in study_names()]
    if as_json:
        told = [{"name": one.name, "title": one.title, "rows": [row.name for row in one.rows]} for one in found]
        click.echo(json.dumps(told, indent=2))
        return
    rows = [(one.name, len(one.rows), len(one.out_of_reach), one.title) for one in found]
    click.echo(text.table(("study", "rows", "out of reach", "what it is"), rows))


@study.command()
@click.argument("name", metavar="NAME")
@SIZE
@click.option("--json", "as_json", is_flag=True, help="Print the whole of its file as JSON.")
def show(name: str, size: str, as_json: bool) -> None:
    """Print what NAME, a study or the file of one, would run, by which data, and what can't be had."""
    from aiida_mlhull.science.studies import load_study, runs_of

    found = load_study(name)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
        return
    click.echo(f"{found.title}\n{found.source.citation}\n\n{click.wrap_text(found.about, width=100)}\n")
    click.echo(
        text.table(("table", "file", "what it holds"), [(one.name, one.file, one.about) for one in found.tables])
    )
    rows = [
        (row.name, row.where, row.quantity, "not at hand" if row.figure is None else f"{row.figure:g}", row.about)
        for row in found.rows
    ]
    click.echo(f"\n{text.table(('row', 'where', 'quantity', 'source', 'what it is'), rows)}\n")
    click.echo(_plan(runs_of(found, size=size)))  # type: ignore[arg-type]
    if found.out_of_reach:
        out = [(one.what, one.where, one.why) for one in found.out_of_reach]
        click.echo(f"\n{text.table(('out of reach', 'where', 'why'), out)}")


def _plan(runs: list[StudyRun], states: list[str] | None = None) -> str:
    """A line for every run."""
    rows = []
    for place, run in enumerate(runs):
        settings = run.settings
        shown: tuple[Any, ...] = (
            run.name,
            "published weights" if settings is None else settings.model,
            "" if settings is None else settings.members,
            "" if settings is None else _epochs(settings.build().settings),
            "all" if run.learn is None else run.learn,
            "all" if run.asked is None else run.asked,
            "" if run.parent is None else run.parent.name,
        )
        rows.append(shown if states is None else (*shown, states[place]))
    head = ("run", "model", "members", "epochs", "learn", "test", "parent")
    return text.table(head if states is None else (*head, "state"), rows)


def _report(report: ProgressReport) -> None:
    click.echo(f"{text.duration(report.elapsed):>8}  {report}", err=not report.process)


def _epochs(settings: Any) -> Any:
    return getattr(settings, "max_epochs", "")


@study.command()
@click.argument("name", metavar="NAME")
@DATA
@click.option("--only", multiple=True, metavar="ROW", help="Only this row and its parents; may be given again.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Of splits and ensembles.")
@SIZE
@click.option("--jobs", type=click.IntRange(min=1), help="Jobs at the same time.")
@click.option("--dry-run", is_flag=True, help="Say what would be run, and run nothing.")
@click.pass_obj
def run(
    profile_name: str | None,
    /,
    *,
    name: str,
    data: Path | None,
    only: tuple[str, ...],
    seed: int,
    size: str,
    jobs: int | None,
    dry_run: bool,
) -> None:
    """Run what is missing of NAME: what has been run stays, what was interrupted goes on.

    Every row is a fit and a prediction in AiiDA's graph, in the group mlhull/studies/NAME.
    """
    from aiida_mlhull.science.studies import load_study, runs_of

    found = load_study(name)
    runs = runs_of(found, size=size, seed=seed, only=only)  # type: ignore[arg-type]
    profile.load(profile_name)
    from aiida_mlhull.launching.studies import running

    if dry_run:
        click.echo(_plan(runs, [one.state for one in running.look(runs, data)]))
        return
    ended = running.run_study(runs, folder=data, jobs=jobs, progress=_report, say=click.echo)
    finished = sum(one.nodes.is_finished for one in ended)
    click.echo(f"\n{finished} of {len(ended)} runs are finished")
    for one in ended:
        if not one.nodes.is_finished:
            click.echo(f"  {one.run.name}: {one.state}")
    click.echo(f"  aiida-mlhull study report {name}{'' if size == 'quick' else f' --size {size}'}")


@study.command()
@click.argument("name", metavar="NAME")
@click.option("--seed", "seeds", type=click.IntRange(min=0), multiple=True, help="Of the runs; 0 if left out.")
@SIZE
@click.option("-o", "--output", type=REPORT, metavar="FILE", help="Write it as .md or .html.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def report(
    profile_name: str | None,
    /,
    *,
    name: str,
    seeds: tuple[int, ...],
    size: str,
    output: Path | None,
    as_json: bool,
) -> None:
    """Print what came out of NAME beside what was published; with several seeds their mean."""
    from aiida_mlhull.science.studies import load_study
    from aiida_mlhull.science.studies.written import check_place, write

    if output is not None:
        check_place(output)
    found = load_study(name)
    profile.load(profile_name)
    from aiida_mlhull.launching.studies.telling import told

    facts = told(found, size=size, seeds=seeds or (0,))  # type: ignore[arg-type]
    if output is not None:
        write(facts, output)
    click.echo(json.dumps(facts, indent=1) if as_json else _shown(found, facts))
    if output is not None:
        click.echo(f"written: {output}", err=as_json)


def _shown(found: Study, facts: dict[str, Any]) -> str:
    from aiida_mlhull.science.studies.written import Grid, blocks

    grids = [block for block in blocks(facts) if isinstance(block, Grid)]
    table = text.table(grids[0].head, grids[0].rows)
    return f"{found.title}, size {facts['size']}\n\n{table}"
