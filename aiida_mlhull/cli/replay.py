"""``aiida-mlhull replay``: a whole campaign on published results, through the production path."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import files, paths, progress, text
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.launching.inputs import CampaignInputs
    from aiida_mlhull.launching.replay import Replay
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

    Only clean rows are used; how many were left out, and why, is printed. The scores go to the file of
    --json; the recall curve lies beside it as csv and picture.
    """
    from aiida_mlhull.launching import inputs
    from aiida_mlhull.launching import replay as replaying
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.campaign.replay import enough_to_start, on_record
    from aiida_mlhull.science.wire import write_json

    changes = {"name": data.resolve().stem, **(read_mapping(overrides) if overrides else {})}
    changes, remarks = on_record(protocol, engine=engine, seed=seed, changes=changes)
    campaign_inputs = inputs.read_files(data, references, elements=elements, bad_rows="leave_out")
    if campaign_inputs.record is None:
        raise click.ClickException(f"{data.name} holds no results to replay: relaxed cells and energies are missing")
    changes, more = enough_to_start(changes, protocol=protocol, total=len(campaign_inputs.candidates))
    settings = campaign_settings(changes, protocol=protocol)
    click.echo("\n".join([*campaign_inputs.remarks, *remarks, *more]))
    # What follows imports AiiDA, which makes its folder where it looks then.
    place = profile.choose(profile_name, folder=output)
    campaign_inputs = _same_scheme(campaign_inputs, settings, engine=engine)
    from aiida_mlhull.workflows.inputs import check_stages

    check_stages(settings)
    profile.load_or_make(profile_name, place)
    if place is not None:
        click.echo(f"There is no AiiDA profile, so this campaign gets its own: AIIDA_PATH={place}")
    click.echo(f"\nReplaying {len(campaign_inputs.candidates):,} candidates with protocol {protocol}, seed {seed}")
    outcome = replaying.replay(
        campaign_inputs, protocol=protocol, overrides=changes, processes=jobs, progress=progress.show
    )
    write_json(target, outcome.to_json(protocol=protocol, seed=seed, engine=engine))
    written = [target, *files.write_curve(outcome.curve, target.with_suffix(""), name=protocol)]
    report_outcome(outcome, output, written)


def _same_scheme(campaign_inputs: CampaignInputs, settings: CampaignSettings, *, engine: str) -> CampaignInputs:
    """Let a potential's energies meet the references, and print that this is an assumption."""
    from aiida_mlhull.engines import ENGINES
    from aiida_mlhull.launching.replay import with_scheme
    from aiida_mlhull.science.relaxation import POTENTIALS

    if engine != "potential":
        return campaign_inputs
    scheme = POTENTIALS[ENGINES[engine].read_settings(settings.stages[-1]).potential].scheme
    click.echo(
        f"Note: the potential's energies are {scheme}; the file doesn't say what the published ones are. They are "
        f"taken to be comparable, and the scores compare with the published hull"
    )
    return with_scheme(campaign_inputs, scheme)


def report_outcome(outcome: Replay, output: Path | None, written: list[Path]) -> None:
    """Print report and scores of a replay, write the report's files to ``output``, and list what was written."""
    from aiida_mlhull.cli.report import summary
    from aiida_mlhull.graph.campaign import Campaign

    campaign = Campaign(outcome.node)
    click.echo(f"\n{summary(campaign)}\n\n{describe(outcome)}\n\nwritten:")
    if output is not None:
        written = [*written, *files.write_report(campaign, output)]
    for path in written:
        click.echo(f"  {path}")


def describe(outcome: Replay) -> str:
    """The scores of a replay, for people."""
    s = outcome.scores
    same = "is the full one" if s.hull_matches else "differs from the full one"
    return "Against the truth\n" + text.pairs(
        [
            (
                "relaxed",
                f"{s.n_relaxed:,} of {s.n_candidates:,}, {s.n_trained_on:,} of them before any model was asked",
            ),
            ("relaxations saved", f"{s.relaxations_saved_fraction:.1%}"),
            ("found on the hull", f"{s.recall_on_hull:.1%} of {s.n_true_on_hull}"),
            ("found within 25 meV/atom", f"{s.recall_25mev:.1%} of {s.n_true_within_25mev}"),
            ("precision", f"{s.precision:.1%} of the relaxed are on the hull"),
            (
                "final hull",
                f"{same}: mean difference {s.hull_error_mean_mev:.2f}, largest {s.hull_error_max_mev:.2f} meV/atom",
            ),
            ("core-minutes", text.core_minutes(s.core_minutes)),
            ("wall time", text.about(outcome.seconds)),
        ]
    )
