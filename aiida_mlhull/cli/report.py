"""``aiida-mlhull report``: funnel, rounds, costs, phases; and pictures and tables in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click

from aiida_mlhull.cli import paths, status
from aiida_mlhull.graph import stages
from aiida_mlhull.launching import profile
from aiida_mlhull.science.tables import text
from aiida_mlhull.science.wire.files import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.science.metrics import CampaignCost

STOPS: Final = {
    "rounds_done": "all rounds are done",
    "budget_spent": "the budget is spent",
    "told_to_stop": "it was told to stop",
    "quiet_rounds": "no new phase for several rounds",
    "promise_kept": "the models claim to have found what was asked for",
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
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for phase diagrams and csv tables."
)
@click.option(
    "--html", "page", type=paths.NEW, help="One file with everything, which needs no other; also of running ones."
)
@click.option("--json", "twin", type=paths.NEW, help="The same as JSON.")
@click.option("--matbench", type=paths.NEW, help="csv file in the columns of matbench-discovery.")
@click.option("--serve", is_flag=True, help="Show the page on this machine, made again while the campaign runs.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="For --serve; any free one if left out.")
@click.option("--watts", type=click.FloatRange(min=0, min_open=True), help="Power of a core in W, for kWh on the page.")
@click.pass_obj
def report(  # noqa: PLR0917  (click calls it by name)
    profile_name: str | None,
    campaign: str | None,
    output: Path | None,
    page: Path | None,
    twin: Path | None,
    matbench: Path | None,
    serve: bool,
    port: int,
    watts: float | None,
) -> None:
    """Print what campaign PK found, and what it cost; the newest one if PK is left out."""
    profile.load(profile_name)
    from aiida_mlhull.graph.campaign import Campaign

    asked = Campaign(campaign)
    if serve:
        _serve(asked, port=port, watts=watts)
        return
    if page or twin or matbench:
        made = asked.report(watts_per_core=watts)
        for path, write in ((page, made.to_html), (twin, made.to_json), (matbench, made.to_matbench)):
            if path is not None:
                write_whole(path, write().encode())
                click.echo(f"written: {path}")
        return
    if not asked.node.is_finished_ok:
        click.echo(_unfinished(asked))
        if output is not None:
            raise click.ClickException("nothing was written: there are files of campaigns that have ended well only")
        return
    click.echo(summary(asked))
    if output is not None:
        from aiida_mlhull.graph.files import write_report

        click.echo("\nwritten:")
        for path in write_report(asked, output):
            click.echo(f"  {path}")


def _serve(campaign: Campaign, *, port: int, watts: float | None) -> None:
    """Serve the page until Ctrl-C."""
    from aiida_mlhull.launching.serving import ReportServer

    try:
        server = ReportServer(campaign, port=port, watts_per_core=watts)
    except OSError as error:
        raise click.ClickException(f"port {port} can't be served: {error.strerror}; choose another --port") from None
    click.echo(f"Campaign {campaign.pk}: {server.address} (Ctrl-C ends it)")
    try:
        server.serve()
    except KeyboardInterrupt:
        click.echo()
    finally:
        server.server_close()


def summary(campaign: Campaign) -> str:
    """Everything that a report says of a campaign that has ended well."""
    state = campaign.status()
    stop = state.stop
    why = STOPS.get(stop, stop) or "no models were asked"
    head = f"Campaign {campaign.pk} ({campaign.label}), seed {campaign.settings.seed}: {why}"
    before = ", ".join(f"{one.pk} ({one.label})" for one in campaign.story()[:-1])
    parts = [f"{head}\nIt goes on from {before}; all of it is told together" if before else head]
    parts.append(funnel(campaign.funnel(), started=len(campaign.started())))
    passed = rounds(campaign)
    claimed = [promise(state.promise)] if state.promise else []
    return "\n\n".join([*parts, *([passed] if passed else []), *claimed, costs(campaign), phases(campaign)])


def promise(told: Mapping[str, Any]) -> str:
    """What the models claim to have found, and what an audit without models could certify."""
    audits = ", ".join(f"{share:.1%} with {size} rows" for size, share in told["audits"].items())
    return "Near the hull (within the rule's window), by the model\n" + text.pairs(
        [
            ("found", told["found"]),
            ("expected among those that wait", f"{told['expected_left']:.1f}"),
            ("claim", f"{told['claim']:.1%} found"),
            ("without models, at 95 %", f"a random audit that finds nothing would certify {audits}"),
        ]
    )


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


def rounds(campaign: Campaign) -> str:
    """What the models decided, round by round."""
    counts = campaign.rounds()
    if counts.empty:
        return ""
    headers = ("stage", "round", "asked", "kept", "waiting", "rejected", "relaxed", "on hull", "new")
    return "Rounds\n" + text.table(headers, text.rows_of(counts), indent="  ")


def costs(campaign: Campaign) -> str:
    """The ledger in core-minutes, the models' own time included."""
    headers = ("what", "by", "runs", "failed", "core-minutes", "each", "cost")
    rows = [
        (*start, text.core_minutes(minutes), text.core_minutes(each), cost)
        for *start, minutes, each, cost in text.rows_of(campaign.costs())
    ]
    spent, without, saved = campaign.savings()
    share = f" ({saved:.0%} saved)" if saved > LEAST_SHARE else ""
    return (
        f"Ledger\n{text.table(headers, rows, indent='  ')}\n  altogether {text.core_minutes(spent)} core-minutes; every "
        f"candidate through every stage would cost {text.core_minutes(without)}{share}{_equivalents(campaign.equivalents())}"
    )


def _equivalents(cost: CampaignCost | None) -> str:
    if cost is None:
        return ""
    return (
        f"\n  the stages cost as much as {cost.full_chains:,.1f} candidates through all of them, or "
        f"{cost.last_stage_equivalents:,.1f} through the last one, dropped ones counted by their share"
    )


def phases(campaign: Campaign) -> str:
    """The candidates on the hull."""
    labels = campaign.phases()
    if not len(labels):
        return "No candidate lies on the hull: the known phases are the stable ones."
    pks = campaign.structures()
    order = sorted(range(len(labels)), key=lambda row: (str(labels.formulas[row]), str(labels.ids[row])))
    rows = [
        (labels.formulas[row], f"{labels.energies[row]:.4f}", labels.ids[row], pks.get(str(labels.ids[row])))
        for row in order[:PHASES_SHOWN]
    ]
    table = text.table(("formula", "E (eV/atom)", "id", "structure"), rows, indent="  ")
    more = f"\n  ... and {len(labels) - PHASES_SHOWN} more; all with --output DIR" if len(labels) > PHASES_SHOWN else ""
    return f"New phases on the hull\n{table}{more}"


def _unfinished(campaign: Campaign) -> str:
    """What is known of a campaign that runs or has failed."""
    parts, node = [status.describe(campaign.status())], campaign.node
    if node.is_terminated:
        why = (node.exit_message or node.exception or "").strip().splitlines()
        parts.append("\n".join([*why[-1:], f"Look closer with 'verdi process report {node.pk}'"]))
    parts.append(stages.describe(campaign.progress()))
    return "\n\n".join([*parts, *_so_far(campaign)])


def _so_far(campaign: Campaign) -> Iterator[str]:
    """Funnel, rounds, costs and phases of what is stored, as if the campaign stopped now; what there is of them."""
    from aiida_mlhull.science.errors import InputError

    yield "So far, as if it stopped now:"
    passed = rounds(campaign)
    try:
        yield funnel(campaign.funnel(), started=len(campaign.started()))
        yield from [passed] if passed else []
        yield costs(campaign)
        yield phases(campaign)
    except InputError as error:  # no candidate was considered, or none relaxed, so far
        yield f"({error})"
