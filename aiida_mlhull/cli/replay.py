"""``aiida-mlhull replay``: a whole campaign on published results, through the production path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import paths, profile

if TYPE_CHECKING:
    from aiida_mlhull.launching.inputs import Given
    from aiida_mlhull.science.campaign import CampaignSettings


@click.command()
@click.argument("data", metavar="DATA.parquet", type=paths.KNOWN)
@click.option("--references", type=paths.KNOWN, required=True, metavar="FILE", help="Known phases and their energies.")
@click.option("--elements", type=paths.KNOWN, metavar="FILE", help="Elemental references: JSON, element to eV/atom.")
@click.option("--protocol", default="laptop", show_default=True, metavar="NAME", help="How to screen.")
@click.option(
    "--overrides", type=paths.KNOWN, metavar="YAML", help="Campaign settings that differ from the protocol's."
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="The only source of chance.")
@click.option("--json", "target", type=paths.NEW, required=True, metavar="OUT", help="The scores are written here.")
@click.option(
    "--engine",
    type=click.Choice(["recorded", "potential"]),
    default="recorded",
    show_default=True,
    help="What answers the last stage: the record, or a universal potential that really relaxes.",
)
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for a full report and pictures."
)
@click.option("--jobs", type=click.IntRange(min=1), help="Jobs at the same time; as many as cores if left out.")
@click.pass_obj
def replay(  # noqa: PLR0917  (click calls it by name)
    profile_name: str | None,
    data: Path,
    references: Path,
    elements: Path | None,
    protocol: str,
    overrides: Path | None,
    seed: int,
    target: Path,
    engine: str,
    output: Path | None,
    jobs: int | None,
) -> None:
    """Replay a campaign on the published results in DATA.parquet, and say how it did.

    Only clean rows are used; how many were left out, and why, is said. The scores go to the file of
    --json; the recall curve lies beside it as csv and picture.
    """
    from aiida_mlhull.cli import retrospect
    from aiida_mlhull.launching import inputs
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.campaign.replay import enough_to_start, on_record

    changes = {"name": data.resolve().stem, **(read_mapping(overrides) if overrides else {})}
    different, remarks = on_record(protocol, engine=engine, seed=seed, changes=changes)
    found = inputs.read(data, references, elements=elements, bad_rows="leave_out")
    if found.record is None:
        raise click.ClickException(f"{data.name} holds no results to replay: relaxed cells and energies are missing")
    different, more = enough_to_start(different, protocol=protocol, total=len(found.candidates))
    settings = campaign_settings(different, protocol=protocol)
    retrospect.say([*found.remarks, *remarks, *more])
    # What follows imports AiiDA, which makes its folder where it looks then.
    place = profile.choose(profile_name, folder=output)
    found = _same_scheme(found, settings, engine=engine)
    from aiida_mlhull.workflows.inputs import check_stages

    check_stages(settings)
    profile.load_or_make(profile_name, place)
    if place is not None:
        click.echo(f"There is no AiiDA profile, so this campaign gets its own: AIIDA_PATH={place}")
    click.echo(f"\nReplaying {len(found.candidates):,} candidates with protocol {protocol}, seed {seed}")
    outcome = retrospect.look_back(found, protocol=protocol, overrides=different, processes=jobs)
    _write(outcome, target, output, details={"protocol": protocol, "seed": seed, "engine": engine})


def _same_scheme(found: Given, settings: CampaignSettings, *, engine: str) -> Given:
    """Let a potential's energies meet the references, and say that this is an assumption."""
    from aiida_mlhull.cli import retrospect
    from aiida_mlhull.engines import ENGINES
    from aiida_mlhull.science.relaxation import POTENTIALS

    if engine != "potential":
        return found
    scheme = POTENTIALS[ENGINES[engine].read_settings(settings.stages[-1]).potential].scheme
    click.echo(
        f"Note: the potential's energies are {scheme}; the file doesn't say what the published ones are. They are "
        f"taken to be comparable, and the scores compare with the published hull"
    )
    return retrospect.with_scheme(found, scheme)


def _write(outcome: object, target: Path, output: Path | None, *, details: dict[str, object]) -> None:
    from aiida_mlhull.cli import files, retrospect
    from aiida_mlhull.cli.report import summary
    from aiida_mlhull.science.wire import write_json

    assert isinstance(outcome, retrospect.Retrospect)
    write_json(target, outcome.to_json(**details))
    written = [target, *files.write_curve(outcome.curve, target.with_suffix(""), name=str(details["protocol"]))]
    click.echo(f"\n{summary(outcome.node)}\n\n{retrospect.tell(outcome)}\n\nwritten:")
    if output is not None:
        written += files.write_report(outcome.node, output)
    for path in written:
        click.echo(f"  {path}")
