"""``aiida-mlhull report``: funnel, rounds, costs, phases; and pictures and tables in a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.cli import paths
from aiida_mlhull.graph.watching import stages
from aiida_mlhull.graph.written.lines import state_in_words
from aiida_mlhull.graph.written.summary import costs, funnel, phases, rounds, summary
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.graph.campaign import Campaign


@click.command()
@click.argument("campaign", metavar="[PK]", required=False)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path, file_okay=False), help="Folder for phase diagrams and csv tables."
)
@click.option(
    "--html", "page", type=paths.NEW, help="One file with everything, which needs no other; also of running ones."
)
@click.option("--json", "as_json", is_flag=True, help="Print the same as one JSON object.")
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
    as_json: bool,
    matbench: Path | None,
    serve: bool,
    port: int,
    watts: float | None,
) -> None:
    """Print what campaign PK found, and what it cost; the newest one if PK is left out."""
    profile.load(profile_name)
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.science.wire.files import write_whole

    asked = Campaign(campaign)
    if serve:
        _serve(asked, port=port, watts=watts)
        return
    if page or as_json or matbench:
        made = asked.report(watts_per_core=watts)
        for path, write in ((page, made.to_html), (matbench, made.to_matbench)):
            if path is not None:
                write_whole(path, write().encode())
                click.echo(f"written: {path}", err=as_json)
        if as_json:
            click.echo(made.to_json())
        return
    if not asked.node.is_finished_ok:
        click.echo(_unfinished(asked))
        if output is not None:
            raise click.ClickException("nothing was written: there are files of campaigns that have ended well only")
        return
    click.echo(summary(asked))
    if output is not None:
        from aiida_mlhull.graph.written.files import write_report

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


def _unfinished(campaign: Campaign) -> str:
    """What is known of a campaign that runs or has failed."""
    parts, node = [state_in_words(campaign.status())], campaign.node
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
        yield funnel(campaign.funnel(), started=campaign.n_started())
        yield from [passed] if passed else []
        yield costs(campaign)
        yield phases(campaign)
    except InputError as error:  # no candidate was considered, or none relaxed, so far
        yield f"({error})"
