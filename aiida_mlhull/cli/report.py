"""``aiida-mlhull report``: funnel, rounds, costs, phases; and pictures and tables in a folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from aiida_mlhull.cli import status, text
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida import orm

STOPS: Final = {
    "rounds_done": "all rounds are done",
    "budget_spent": "the budget is spent",
    "quiet_rounds": "no new phase for several rounds",
    "rule_keeps_nothing": "the rule keeps nothing more",
    "nobody_waits": "no candidate is left",  # prose: ok, a code word that is stored
}
"""Why a campaign stops to ask the models, in words."""

PHASES_SHOWN: Final = 40

LEAST_SHARE: Final = 0.005
"""A campaign in which all candidates go through all stages has no savings to report."""


@click.command()
@click.argument("campaign", metavar="[PK]", required=False)
@click.option(
    "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for phase diagrams and csv tables."
)
@click.pass_obj
def report(profile_name: str | None, campaign: str | None, output: Path | None) -> None:
    """Tell what campaign PK found, and what it cost; the newest one if PK is left out."""
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns

    node = campaigns.find(campaign)
    if not node.is_finished_ok:
        click.echo(_unfinished(node))
        if output is not None:
            raise click.ClickException("nothing was written: there are files of campaigns that have ended well only")
        return
    click.echo(summary(node))
    if output is not None:
        from aiida_mlhull.cli.files import write_report

        click.echo("\nwritten:")
        for path in write_report(node, output):
            click.echo(f"  {path}")


def summary(node: orm.ProcessNode) -> str:
    """Everything that a report tells of a campaign that has ended well."""
    from aiida_mlhull.graph import campaigns, results

    told = node.outputs.summary.get_dict()
    settings = node.inputs.settings
    found = campaigns.stock(node.pk)
    stop = STOPS.get(found["stop"], found["stop"]) if found else "no models were asked"
    head = f"Campaign {node.pk} ({node.label}), seed {settings['seed']}: {stop}"
    parts = [head, funnel(told["funnel"], started=len(results.started(node.pk)))]
    passed = rounds(results.rounds(node.pk))
    return "\n\n".join([*parts, *([passed] if passed else []), costs(node, told), phases(node)])


def funnel(counts: dict[str, int], *, started: int) -> str:
    """From all candidates to the hull."""
    reasons = [(f"  {key.removeprefix('reason:')}", n) for key, n in counts.items() if key.startswith("reason:")]
    return "Funnel\n" + text.pairs(
        [
            ("candidates", counts["candidates"]),
            *([("start set", started)] if started else []),
            ("relaxed to the end", counts["relaxed"]),
            ("on the hull", counts["on_hull"]),
            ("failed", counts["failed"]),
            ("merged with another", counts["merged"]),
            ("dropped", counts["dropped_by_rule"]),
            *reasons,
        ]
    )


def rounds(counts: list[Any]) -> str:
    """What the models decided, round by round."""
    if not counts:
        return ""
    headers = ("stage", "round", "asked", "kept", "waiting", "rejected", "relaxed", "on hull", "new")
    rows = [(c.stage, c.number, c.asked, c.kept, c.waiting, c.rejected, c.relaxed, c.stable, c.new) for c in counts]
    return "Rounds\n" + text.table(headers, rows, indent="  ")


def costs(node: orm.ProcessNode, told: dict[str, Any]) -> str:
    """The ledger in core-minutes, the models' own time included."""
    from aiida_mlhull.graph import results

    rows: list[tuple[object, ...]] = [
        (
            name,
            stage["engine"],
            stage["rows"],
            stage["failed"],
            text.core_minutes(stage["core_minutes"]),
            text.core_minutes(stage["core_minutes_per_row"]),
            stage["cost_basis"],
        )
        for name, stage in told["stages"].items()
    ]
    models = results.model_costs(node.pk)
    rows += [
        (
            f"models: {job.kind}",
            node.inputs.settings["ensemble"]["model"],
            job.jobs,
            None,
            text.core_minutes(job.core_minutes),
            None,
            "measured",
        )
        for job in models
        if job.jobs
    ]
    spent = told["core_minutes"] + sum(job.core_minutes for job in models)
    without = told["core_minutes_without_models"]
    saved = 1 - spent / without if without else 0.0
    share = f" ({saved:.0%} saved)" if saved > LEAST_SHARE else ""
    table = text.table(("what", "by", "runs", "failed", "core-minutes", "each", "cost"), rows, indent="  ")
    return (
        f"Ledger\n{table}\n  altogether {text.core_minutes(spent)} core-minutes; every candidate through every stage "
        f"would cost {text.core_minutes(without)}{share}{_equivalents(told['stages'])}"
    )


def _equivalents(stages: Mapping[str, Any]) -> str:
    """The stages' cost in units of candidates that go through all of them, as Ekström 2022 counts."""
    from aiida_mlhull.science.metrics import CampaignCost

    entered = [stage["rows"] for stage in stages.values()]
    each = [stage["core_minutes_per_row"] for stage in stages.values()]
    if len(entered) < 2 or sorted(entered, reverse=True) != entered or min(each) <= 0:  # noqa: PLR2004
        return ""
    cost = CampaignCost.from_counts(list(stages), entered, each)
    return (
        f"\n  the stages cost as much as {cost.full_chains:,.1f} candidates through all of them, or "
        f"{cost.last_stage_equivalents:,.1f} through the last one, dropped ones counted by their share"
    )


def phases(node: orm.ProcessNode) -> str:
    """The candidates on the hull."""
    from aiida_mlhull.graph import results

    found = results.phases(node)
    if not len(found):
        return "No candidate lies on the hull: the known phases are the stable ones."
    pks = results.structures(node.pk)
    order = sorted(range(len(found)), key=lambda row: (str(found.formulas[row]), str(found.ids[row])))
    rows = [
        (found.formulas[row], f"{found.energies[row]:.4f}", found.ids[row], pks.get(str(found.ids[row])))
        for row in order[:PHASES_SHOWN]
    ]
    table = text.table(("formula", "E (eV/atom)", "id", "structure"), rows, indent="  ")
    more = f"\n  ... and {len(found) - PHASES_SHOWN} more; all with --output DIR" if len(found) > PHASES_SHOWN else ""
    return f"New phases on the hull\n{table}{more}"


def _unfinished(node: orm.ProcessNode) -> str:
    """What is known of a campaign that runs or has failed."""
    from aiida_mlhull.graph import campaigns, results

    parts = [status.tell(campaigns.state(node))]
    if node.is_terminated:
        why = (node.exit_message or node.exception or "").strip().splitlines()
        parts.append("\n".join([*why[-1:], f"Look closer with 'verdi process report {node.pk}'"]))
    passed = rounds(results.rounds(node.pk))
    return "\n\n".join([*parts, *([passed] if passed else [])])
