"""``aiida-mlhull launch``: a campaign from one file, checked whole before anything is stored."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_mlhull.cli import profile, text

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.launching.inputs import Given
    from aiida_mlhull.science.campaign import CampaignSettings


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
    from aiida_mlhull.science.campaign.settings import validated

    wish = read_campaign_file(campaign)
    settings = wish.settings()
    profile.load(profile_name)
    from aiida_mlhull.engines import ENGINES
    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.launching import daemon, inputs, stored

    sizes = validated(JobSettings, wish.jobs, what=f"{campaign.name}, jobs")
    found = inputs.gather(wish)
    code = load_program(wish.code)
    made = inputs.nodes(found)
    if wish.parent is not None:
        made["parent"] = stored.ensemble(wish.parent)
    builder = inputs.builder(
        made,
        protocol=wish.protocol,
        overrides=wish.differences(),
        code=code,
        jobs=sizes.model_dump(),
        words=wish.engines,
    )
    remark = ""
    if not foreground and not dry_run:
        remark = daemon.require(
            daemon.look(),
            shards=len(made["candidates"]),
            max_in_flight=sizes.max_in_flight,
            slots_per_job=max(ENGINES[stage.engine].slots_per_job for stage in settings.stages),
        )
    click.echo(describe(found, settings, sizes, made=made, code=code))
    if remark:
        click.echo(f"\nNote: {remark}")
    if dry_run:
        click.echo("\nDry run: nothing was stored.")
        return
    inputs.store(made)
    _start(builder, foreground=foreground)


def _start(builder: Any, *, foreground: bool) -> None:
    from aiida.engine import submit

    from aiida_mlhull.cli import run
    from aiida_mlhull.cli.report import summary

    click.echo()
    if foreground:
        node = run.run_here(builder)
        run.require_success(node)
        click.echo(f"\n{summary(node)}")
        return
    node = submit(builder)
    click.echo(f"Submitted campaign {node.pk}. Follow it with")
    click.echo(f"  aiida-mlhull status {node.pk} --follow\n  aiida-mlhull report {node.pk}")


def load_program(label: str) -> orm.AbstractCode:
    """The code of the program mlhull-job.

    Raises:
        click.ClickException: if there is none of that name, or its computer can't be used.
    """
    from aiida import orm
    from aiida.common.exceptions import MultipleObjectsError, NotExistent

    try:
        code = orm.load_code(label)
    except (NotExistent, MultipleObjectsError, ValueError) as error:
        raise click.ClickException(f"no code {label!r}: register it with 'aiida-mlhull setup' ({error})") from None
    computer = code.computer
    if computer is not None and not computer.is_configured:
        raise click.ClickException(
            f"the computer of code {label} is not configured: 'verdi computer configure {computer.transport_type} "
            f"{computer.label}'"
        )
    executable = getattr(code, "filepath_executable", None)
    local = computer is not None and computer.transport_type == "core.local"
    if local and executable is not None and not Path(executable).exists():
        raise click.ClickException(f"code {label} points to {executable}, which is gone: run 'aiida-mlhull setup'")
    return code


def describe(
    found: Given, settings: CampaignSettings, sizes: JobSettings, *, made: Mapping[str, Any], code: orm.AbstractCode
) -> str:
    """The plan of a campaign, for people."""
    return "\n\n".join(
        [
            "\n".join(found.remarks),
            _material(found, settings, code=code),
            _stages(settings, sizes, total=len(found.candidates), shards=len(made["candidates"])),
            _nodes(made, settings),
        ]
    )


def _material(found: Given, settings: CampaignSettings, *, code: orm.AbstractCode) -> str:
    from aiida_mlhull.science.errors import listed
    from aiida_mlhull.science.tables.summary import summarize

    facts = summarize(found.candidates)
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
                    ("references", f"{len(found.references):,}, {found.references.scheme}"),
                    *([("models", f"{model.members} x {model.model}, {model.cells} cells")] if asked else []),
                    ("program", f"{code.full_label}<{code.pk}>"),
                ]
            ),
        ]
    )


def _stages(settings: CampaignSettings, sizes: JobSettings, *, total: int, shards: int) -> str:
    from aiida_mlhull.science.campaign.plan import jobs_at_most, nominal_core_minutes, plan

    stages = plan(settings, total=total)
    rows = [
        (
            stage.name,
            stage.engine,
            f"{stage.gate}, {text.count(stage.rounds, 'round')}" if stage.gate else "everybody",
            stage.at_least,
            stage.at_most,
            text.core_minutes(stage.core_minutes) if stage.core_minutes else "measured",
        )
        for stage in stages
    ]
    least, most, without = nominal_core_minutes(stages, total=total)
    jobs = jobs_at_most(
        stages,
        settings,
        shards=shards,
        members_per_job=sizes.members_per_job,
        rows_per_job=sizes.rows_per_job,
    )
    lines = [
        "Relaxations (models may drop candidates, crystals that become the same are merged)",
        text.table(("stage", "engine", "who enters", "at least", "at most", "core-min each"), rows, indent="  "),
    ]
    if jobs:
        lines.append(f"  jobs of models and potentials: at most {jobs:,}, {sizes.max_in_flight} at a time")
    if without:
        lines.append(
            f"  nominal core-minutes: {text.core_minutes(least)} to {text.core_minutes(most)}; "
            f"{text.core_minutes(without)} without models"
        )
    return "\n".join(lines)


def _nodes(made: Mapping[str, Any], settings: CampaignSettings) -> str:
    tables = {**made["candidates"], "references": made["references"]}
    if "record" in made and any(stage.engine == "recorded" for stage in settings.stages):
        tables["record"] = made["record"]
    new: list[tuple[str, str, int | None]] = [
        (node.entry_point.name, name, node.n_rows) for name, node in tables.items() if not node.is_stored
    ]
    new += [("core.dict", "settings", None), ("core.dict", "jobs", None), ("WorkChain", "mlhull.screen", None)]
    said = "Nodes to be stored\n" + text.table(("type", "name", "rows"), new, indent="  ")
    old = [f"{name} {node.pk}" for name, node in tables.items() if node.is_stored]
    return f"{said}\n\nStored already: {', '.join(old)}" if old else said
