"""``aiida-mlhull launch``: a campaign from one file, checked whole before anything is stored."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull import names
from aiida_mlhull.cli import progress, text
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.launching.launch import PreparedCampaign


@click.command()
@click.argument("campaign", metavar="CAMPAIGN.YAML", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check everything, say what would happen, store nothing.")
@click.option("--foreground", is_flag=True, help="Run in this terminal instead of giving it to the daemon.")
@click.pass_obj
def launch(profile_name: str | None, campaign: Path, dry_run: bool, foreground: bool) -> None:
    """Screen the candidates that CAMPAIGN.YAML names.

    The file is checked whole, and so are the files that it names, before any node is stored.
    """
    from aiida_mlhull.science.campaign.file import read_campaign_file

    campaign_file = read_campaign_file(campaign)
    profile.load(profile_name)
    from aiida_mlhull.cli.report import summary
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.launching.launch import prepare

    prepared = prepare(campaign_file)
    remark = "" if foreground or dry_run else prepared.require_daemon()
    click.echo(describe(prepared))
    if remark:
        click.echo(f"\nNote: {remark}")
    if dry_run:
        click.echo("\nDry run: nothing was stored.")
        return
    click.echo()
    if foreground:
        click.echo(f"\n{summary(Campaign(prepared.run(progress=progress.show)))}")
        return
    node = prepared.submit()
    click.echo(f"Submitted campaign {node.pk}. Follow it with")
    click.echo(f"  aiida-mlhull status {node.pk} --follow\n  aiida-mlhull report {node.pk}")


def describe(prepared: PreparedCampaign) -> str:
    """The plan of a campaign, for people."""
    return "\n\n".join(["\n".join(prepared.inputs.remarks), _material(prepared), _stages(prepared), _nodes(prepared)])


def _material(prepared: PreparedCampaign) -> str:
    from aiida_mlhull.science.errors import listed
    from aiida_mlhull.science.tables.summary import summarize

    settings, references, code = prepared.settings, prepared.inputs.references, prepared.code
    facts = summarize(prepared.inputs.candidates)
    systems = facts["chemical_systems"]
    shown = f": {listed(systems)}" if systems else ""
    model = settings.ensemble
    asked = any(stage.gate is not None for stage in settings.stages)
    return "\n".join(
        [
            f"Campaign {settings.name}, seed {settings.seed}",
            text.pairs(
                [
                    ("candidates", facts["n_rows"]),
                    ("compositions", facts["n_compositions"]),
                    ("systems", f"{facts['n_chemical_systems']}{shown}"),
                    ("references", f"{len(references):,}, {references.scheme}"),
                    *([("models", f"{model.members} x {model.model}, {model.cells} cells")] if asked else []),
                    ("program", f"{code.full_label}<{code.pk}>"),
                ]
            ),
        ]
    )


def _stages(prepared: PreparedCampaign) -> str:
    from aiida_mlhull.science.campaign.plan import jobs_at_most, nominal_core_minutes, plan

    total, jobs = len(prepared.inputs.candidates), prepared.jobs
    stages = plan(prepared.settings, total=total)
    rows = [
        (
            stage.name,
            stage.engine,
            f"{stage.gate}, {text.count(stage.rounds, 'round')}" if stage.gate else "all",
            stage.at_least,
            stage.at_most,
            text.core_minutes(stage.core_minutes) if stage.core_minutes else "measured",
        )
        for stage in stages
    ]
    least, most, without = nominal_core_minutes(stages, total=total)
    most_jobs = jobs_at_most(
        stages,
        prepared.settings,
        shards=len(prepared.nodes["candidates"]),
        members_per_job=jobs.members_per_job,
        rows_per_job=jobs.rows_per_job,
    )
    lines = [
        "Relaxations (models may drop candidates, crystals that become the same are merged)",
        text.table(("stage", "engine", "admits", "at least", "at most", "core-min each"), rows, indent="  "),
    ]
    if most_jobs:
        lines.append(f"  jobs of models and potentials: at most {most_jobs:,}, {jobs.max_in_flight} at a time")
    if without:
        lines.append(
            f"  nominal core-minutes: {text.core_minutes(least)} to {text.core_minutes(most)}; "
            f"{text.core_minutes(without)} without models"
        )
    return "\n".join(lines)


def _nodes(prepared: PreparedCampaign) -> str:
    nodes = prepared.nodes
    tables = {**nodes["candidates"], "references": nodes["references"]}
    if "record" in nodes and any(stage.engine == "recorded" for stage in prepared.settings.stages):
        tables["record"] = nodes["record"]
    new: list[tuple[str, str, int | None]] = [
        (node.entry_point.name, name, node.n_rows) for name, node in tables.items() if not node.is_stored
    ]
    new += [("core.dict", "settings", None), ("core.dict", "jobs", None), ("WorkChain", names.SCREEN.entry_point, None)]
    to_store = "Nodes to be stored\n" + text.table(("type", "name", "rows"), new, indent="  ")
    old = [f"{name} {node.pk}" for name, node in tables.items() if node.is_stored]
    return f"{to_store}\n\nStored already: {', '.join(old)}" if old else to_store
