"""``aiida-mlhull diagnose``: how far the spreads of an ensemble, or of a campaign's models, can be believed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from aiida_mlhull.launching import profile
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.data import EnsembleData


@click.command()
@click.argument("node", metavar="[ENSEMBLE_OR_CAMPAIGN]", required=False)
@click.option("--round", "number", type=click.IntRange(min=1), default=1, show_default=True, metavar="K")
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
    from aiida_mlhull.graph.calibration import ensemble_named, stated_by
    from aiida_mlhull.science.metrics import diagnose as measure
    from aiida_mlhull.science.metrics.words import hull_spreads_in_words, near_hull_in_words, spreads_in_words
    from aiida_mlhull.science.plots.errors import near_hull_figures
    from aiida_mlhull.science.plots.saving import save
    from aiida_mlhull.science.plots.uncertainty import spread_figures
    from aiida_mlhull.science.wire.files import without_nan

    ensemble = ensemble_named(node)
    if ensemble is not None and ensemble.base.attributes.get("classes", []):
        _diagnose_classes(ensemble, output=output, as_json=as_json)
        return
    spreads = stated_by(node, number=number)
    unit, title = spreads.unit, spreads.title
    measures = {
        name: measure(one.errors, one.sigma, aleatoric=one.aleatoric, epistemic=one.epistemic)
        for name, one in spreads.stated.items()
    }
    near, remarks = spreads.near_hull(), list(spreads.remarks)
    if hull and spreads.campaign is not None:
        remarks.append(hull_spreads_in_words(spreads.hull_spreads()))
    pictures = []
    if output is not None:
        pictures = save(spread_figures(spreads.stated, unit=unit) | (near_hull_figures(near) if near else {}), output)
    if as_json:
        by_name = {name: asdict(one) for name, one in measures.items()}
        drawn = [str(path) for path in pictures]
        sorting = {"near_hull": without_nan({name: one.to_dict() for name, one in near.items()})} if near else {}
        click.echo(json.dumps({"node": title, "unit": unit, **by_name, **sorting, "pictures": drawn}, indent=2))
        return
    click.echo(
        "\n\n".join(
            [title, spreads_in_words(measures, unit=unit), *([near_hull_in_words(near)] if near else []), *remarks]
        )
    )
    if pictures:
        click.echo(f"\n{_written(pictures, output)}")


def _diagnose_classes(node: EnsembleData, *, output: Path | None, as_json: bool) -> None:
    from aiida_mlhull.graph.calibration import class_scores_of
    from aiida_mlhull.science.metrics.words import classes_in_words
    from aiida_mlhull.science.plots.classes import class_figures
    from aiida_mlhull.science.plots.saving import save

    title, scores = f"Ensemble {node.pk}: {node.description}", class_scores_of(node)
    pictures = [] if output is None else save(class_figures(scores), output)
    if as_json:
        facts = {"node": title, **scores.to_dict(), "pictures": [str(path) for path in pictures]}
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(f"{title}\n\n{classes_in_words(scores)}")
    if pictures:
        click.echo(f"\n{_written(pictures, output)}")


def _written(pictures: list[Path], folder: Path | None) -> str:
    return f"{text.count(len(pictures), 'picture')} in {folder}: {', '.join(path.name for path in pictures)}"
