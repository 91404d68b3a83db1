"""``aiida-mlhull replay``: a whole campaign on published results, through the production path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_mlhull.cli import paths, progress
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.launching.replay import Replay


@click.command()
@click.argument("data", metavar="DATA...", nargs=-1, required=True)
@click.option("--levels", is_flag=True, help="DATA are levels of a staged record, cheapest first: one for each stage.")
@click.option("--candidates", type=paths.KNOWN_OR_FOLDER, metavar="PATH", help="Cells before the first level.")
@click.option("--stages", default="", metavar="NAME,...", help="Names of the levels, in their order.")
@click.option("--prices", default="", metavar="MINUTES,...", help="Core-minutes of one relaxation at every level.")
@click.option("--references", type=paths.KNOWN, required=True, metavar="FILE", help="Known phases and their energies.")
@click.option("--elements", type=paths.KNOWN, metavar="FILE", help="Elemental references: JSON, element to eV/atom.")
@click.option("--protocol", default="laptop", show_default=True, metavar="NAME", help="How to screen.")
@click.option(
    "--overrides", type=paths.KNOWN, metavar="YAML", help="Campaign settings that differ from the protocol's."
)
@click.option("--parents", metavar="NODE|campaign:PK|auto", help="Whom the gates' members begin with.")
@click.option("--warm", multiple=True, metavar="campaign:PK", help="Campaigns whose labels are learned from as well.")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The only source of chance.")
@click.option(
    "--scores", "target", type=paths.NEW, required=True, metavar="FILE", help="Scores as JSON are written here."
)
@click.option(
    "--engine",
    type=click.Choice(["recorded", "potential"]),
    default="recorded",
    show_default=True,
    help="What answers the last stage: the record, or a universal potential that really relaxes.",
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for a full report and pictures."
)
@click.option(
    "--continue-from",
    metavar="STAGE",
    help="Give every candidate the published result that its cell after this stage by potential is; the rest is left out.",
)
@click.option("--jobs", type=click.IntRange(min=1), help="Jobs at the same time; as many as cores if left out.")
@click.pass_obj
def replay(
    profile_name: str | None,
    /,
    *,
    data: tuple[str, ...],
    levels: bool,
    protocol: str,
    seed: int,
    target: Path,
    output: Path | None,
    jobs: int | None,
    parents: str | None,
    warm: tuple[str, ...],
    **files: Any,
) -> None:
    """Replay a campaign on published results, and say how it did.

    DATA is one table with cells before and after relaxation and energies. With --levels it is a record of several
    stages: a file or folder for each (table, extxyz, JSON, VASP runs), one table with a column 'stage', campaign:PK or
    group:LABEL. Only clean rows are used; how many were left out, and why, is printed. The scores go to the file of
    --scores; the recall curve lies beside it as csv and picture.
    """
    from aiida_mlhull.launching import replay as replaying
    from aiida_mlhull.launching.materials.levels import is_stored
    from aiida_mlhull.science.wire import write_json

    shared: dict[str, Any] = {"protocol": protocol, "seed": seed, **files}
    names, prices = (_words(shared.pop(key)) for key in ("stages", "prices"))
    if levels:
        if shared.pop("continue_from"):
            raise click.UsageError(
                "--continue-from is for a record of one stage: a staged one says itself what comes of a stage"
            )
        if any(map(is_stored, data)):
            profile.load(profile_name)
        prepared = replaying.prepare_levels(data, names=names, prices=prices, **shared)
    elif shared.pop("candidates") or len(data) > 1 or names or prices:
        raise click.UsageError("several files, --candidates, --stages and --prices belong to --levels: say so")
    else:
        path = paths.KNOWN.convert(data[0], None, None)
        prepared = replaying.prepare(Path(str(path)), **shared)
    click.echo("\n".join(prepared.remarks))
    # What follows imports AiiDA, which makes its folder where it looks then.
    place = profile.choose(profile_name, folder=output)
    ready = prepared.of_one_scheme()
    for remark in ready.remarks[len(prepared.remarks) :]:
        click.echo(remark)
    profile.load_or_make(profile_name, place)
    if place is not None:
        click.echo(f"There is no AiiDA profile, so this campaign gets its own: AIIDA_PATH={place}")
    click.echo(f"\nReplaying {len(ready.inputs.candidates):,} candidates with protocol {protocol}, seed {seed}")
    how = {"parents": parents, "warm": warm, "processes": jobs, "progress": progress.show}
    outcome = replaying.replay(ready.inputs, protocol=protocol, overrides=ready.overrides, **how)  # type: ignore[arg-type]
    write_json(target, outcome.to_json(protocol=protocol, seed=seed, engine=ready.engine))
    report_outcome(outcome, output, [target, *outcome.write_curve(target.with_suffix(""), name=protocol)])


def _words(option: str) -> list[str]:
    return [word.strip() for word in option.split(",") if word.strip()]


def report_outcome(outcome: Replay, output: Path | None, written: list[Path]) -> None:
    """Print report and scores of a replay, write the report's files to ``output``, and list what was written."""
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.graph.written.files import write_report
    from aiida_mlhull.graph.written.summary import summary
    from aiida_mlhull.launching.replayed import describe

    campaign = Campaign(outcome.node)
    click.echo(f"\n{summary(campaign)}\n\n{describe(outcome)}\n\nwritten:")
    if output is not None:
        written = [*written, *write_report(campaign, output)]
    for path in written:
        click.echo(f"  {path}")
