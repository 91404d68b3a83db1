"""``aiida-mlhull diagnose``: how far the spreads of an ensemble, or of a campaign's models, can be believed."""

from __future__ import annotations

import json
from pathlib import Path

import click

from aiida_mlhull.launching import profile


@click.command()
@click.argument("node", metavar="[ENSEMBLE_OR_CAMPAIGN]", required=False)
@click.option(
    "--round", "number", type=click.IntRange(min=1), default=1, show_default=True, metavar="K", help="Which round."
)
@click.option("-o", "--output", type=click.Path(file_okay=False, path_type=Path), help="Write pictures to this folder.")
@click.option("--hull", is_flag=True, help="Of a campaign, also how certain the hull was to its models (slower).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@click.pass_obj
def diagnose(  # noqa: PLR0917  (click calls it by name)
    profile_name: str | None, node: str | None, number: int, output: Path | None, hull: bool, as_json: bool
) -> None:
    """Hold stated spreads against errors: z-scores, coverage, sharpness, ranking.

    Of an ENSEMBLE, rows are used that its members didn't learn from, with σ before and after calibration.
    Of a CAMPAIGN (the newest one if left out), what the models of round K at every gate said is compared with
    the record, or else against what was relaxed by its end.

    Of a campaign also the rates of stable and unstable by the hull of everything known, with pictures of the errors
    near the hull, of enrichment and of precision over recall.

    An ENSEMBLE that tells classes apart is scored by its accuracies and the area under its ROC.
    """
    profile.load(profile_name)
    from aiida_mlhull.launching.questions.spreads import diagnosed

    words, facts = diagnosed(node, number=number, hull=hull, folder=output)
    click.echo(json.dumps(facts, indent=2) if as_json else words)
