"""``aiida-mlhull protocols``: what a campaign file may start from."""

from __future__ import annotations

import json

import click
import yaml

from aiida_mlhull.science.tables import text


@click.group()
def protocols() -> None:
    """List the protocols that campaign files name, and show what one says."""


@protocols.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def list_command(as_json: bool) -> None:
    """List all protocols with their stages; the default one is marked."""
    from aiida_mlhull.science.campaign.file import DEFAULT_PROTOCOL
    from aiida_mlhull.science.campaign.settings import protocol_table

    found = protocol_table()
    if as_json:
        click.echo(json.dumps(found, indent=1))
        return
    rows = [(one["name"], " > ".join(one["stages"]), one["models"] or "-", one["summary"]) for one in found]
    click.echo(text.table(("protocol", "stages by", "models", "what it is for"), rows))
    click.echo(f"\nWithout a 'protocol', campaigns take {DEFAULT_PROTOCOL}. Details: aiida-mlhull protocols show NAME")


@protocols.command("show")
@click.argument("protocol", metavar="NAME")
@click.option("--all", "whole", is_flag=True, help="With every setting that is at its default.")
@click.option("--json", "as_json", is_flag=True, help="Print every setting as JSON.")
def show(protocol: str, whole: bool, as_json: bool) -> None:
    """Print what protocol NAME says: any of it can be told otherwise under 'overrides' in a campaign file."""
    from aiida_mlhull.science.campaign.settings import campaign_settings, load_protocol

    said = load_protocol(protocol)
    description = " ".join(said.pop("description").split())
    settings = campaign_settings({}, protocol=protocol).model_dump(mode="json")
    if as_json:
        click.echo(json.dumps({"name": protocol, "description": description, "settings": settings}, indent=1))
        return
    click.echo(click.wrap_text(description, width=100, initial_indent="# ", subsequent_indent="# "))
    click.echo(yaml.safe_dump(settings if whole else said, sort_keys=False, allow_unicode=True), nl=False)
