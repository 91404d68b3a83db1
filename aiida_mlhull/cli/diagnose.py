"""``aiida-mlhull diagnose``: how far the spreads of an ensemble, or of a campaign's models, can be believed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from aiida_mlhull.cli import class_scores, near_hull, text
from aiida_mlhull.cli.rules import plain
from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.metrics import Calibration, StatedErrors
    from aiida_mlhull.science.metrics.near_hull import NearHull


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
    if (ensemble := _ensemble_of_classes(node)) is not None:
        _diagnose_classes(ensemble, output=output, as_json=as_json)
        return
    title, stated, remarks, unit, near = look(node, number=number, with_hull=hull)
    from aiida_mlhull.science.metrics import diagnose as measure

    found = {
        name: measure(said.errors, said.sigma, aleatoric=said.aleatoric, epistemic=said.epistemic)
        for name, said in stated.items()
    }
    pictures = [] if output is None else draw(stated, output, unit=unit)
    pictures += near_hull.draw(near, output) if near and output is not None else []
    if as_json:
        told = {name: asdict(one) for name, one in found.items()}
        sorting = {"near_hull": plain(near_hull.as_json(near))} if near else {}
        facts = {"node": title, "unit": unit, **told, **sorting, "pictures": [str(path) for path in pictures]}
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(f"{title}\n\n{tell(found, unit=unit)}")
    for part in ([near_hull.as_text(near)] if near else []) + remarks:
        click.echo(f"\n{part}")
    if pictures:
        click.echo(f"\n{_written(pictures, output)}")


def _ensemble_of_classes(identifier: str | None) -> EnsembleData | None:
    """The ensemble, if it tells classes apart."""
    from aiida_mlhull.data import EnsembleData

    found = None if identifier is None else _loaded(identifier)
    return found if isinstance(found, EnsembleData) and found.base.attributes.get("classes", []) else None


def _diagnose_classes(node: EnsembleData, *, output: Path | None, as_json: bool) -> None:
    title = f"Ensemble {node.pk}: {node.description}"
    scores, rows = class_scores.scores_of(node)
    pictures = [] if output is None else class_scores.draw(scores, output)
    if as_json:
        facts = class_scores.as_json(scores, rows=rows)
        click.echo(json.dumps({"node": title, **facts, "pictures": [str(path) for path in pictures]}, indent=2))
        return
    click.echo(f"{title}\n\n{class_scores.as_text(scores, rows=rows)}")
    if pictures:
        click.echo(f"\n{_written(pictures, output)}")


def _written(pictures: list[Path], folder: Path | None) -> str:
    return f"{text.count(len(pictures), 'picture')} in {folder}: {', '.join(path.name for path in pictures)}"


def look(
    identifier: str | None, *, number: int, with_hull: bool = False
) -> tuple[str, dict[str, StatedErrors], list[str], str, dict[str, NearHull]]:
    """What a node is called, its stated spreads by name, remarks, their unit, and of a campaign what is near the hull.

    Raises:
        click.ClickException: if there is no such node, or nothing to hold it against.
    """
    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.graph import campaigns

    found = None if identifier is None else _loaded(identifier)
    if isinstance(found, EnsembleData):
        return *_of_ensemble(found), {}
    return _of_campaign(campaigns.find(identifier), number=number, with_hull=with_hull)


def tell(found: Mapping[str, Calibration], *, unit: str) -> str:
    """The numbers for people, one column for each name."""

    def line(label: str, show: Callable[[Calibration], str]) -> tuple[str, ...]:
        return (label, *(show(one) for one in found.values()))

    levels = next(iter(found.values())).coverage
    rows = [
        line("rows", lambda one: f"{one.rows:,}"),
        line(f"MAE, {unit}", lambda one: f"{one.mae:.4f}"),
        line(f"RMSE, {unit}", lambda one: f"{one.rmse:.4f}"),
        line(f"root of mean σ², {unit}", lambda one: f"{one.sharpness:.4f}"),
        line(f"CRPS, {unit}", lambda one: f"{one.crps:.4f}"),
        line("z: mean", lambda one: f"{one.z_mean:.2f}"),
        line("z: width", lambda one: f"{one.z_std:.2f}"),
        *(line(f"within {level:.0%}", lambda one, level=level: f"{one.coverage[level]:.1%}") for level in levels),  # type: ignore[misc]
        line("miscalibration area", lambda one: f"{one.miscalibration_area:.3f}"),
        line("NLL", lambda one: f"{one.nll:.3f}"),
        line("ranking", lambda one: f"{one.ranking:.2f}"),
        line("log10 σ_a/σ_e", lambda one: "-" if one.log_ratio is None else f"{one.log_ratio:.2f}"),
    ]
    return text.table(("", *found), rows)


def draw(stated: Mapping[str, StatedErrors], folder: Path, *, unit: str) -> list[Path]:
    """One picture for each question."""
    from aiida_mlhull.science import plots
    from aiida_mlhull.science.metrics import confidence_curve

    curves = {name: confidence_curve(said.errors, said.sigma) for name, said in stated.items()}
    figures = {
        "calibration": plots.draw_calibration(stated),
        "z_scores": plots.draw_z_scores(stated),
        "quantiles": plots.draw_quantiles(stated),
        "confidence": plots.draw_confidence(curves, unit=unit),
        "parts": plots.draw_parts(stated),
    }
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in figures.items():
        written.append(folder / f"{name}.png")
        figure.savefig(written[-1])
    return written


def _loaded(identifier: str) -> orm.Node | None:
    from aiida import orm
    from aiida.common.exceptions import MultipleObjectsError, NotExistent

    try:
        return orm.load_node(identifier)
    except (NotExistent, MultipleObjectsError, ValueError):
        return None  # a campaign's label, perhaps


def _of_ensemble(node: Any) -> tuple[str, dict[str, StatedErrors], list[str], str]:
    from aiida_mlhull.science.ensembles.calibrate import out_of_member
    from aiida_mlhull.science.metrics import StatedErrors

    ensemble = node.to_science()
    held = out_of_member(ensemble.members)
    if not len(held):
        raise click.ClickException(f"ensemble {node.pk} keeps no predictions of rows that its members hadn't seen")
    stated = {"as stated": StatedErrors(held.errors, held.aleatoric, held.epistemic)}
    factor, method = ensemble.calibration.get("factor", 1.0), ensemble.calibration.get("method", "none")
    if method != "none":
        stated[method] = StatedErrors(held.errors, factor * held.aleatoric, factor * held.epistemic)
    remarks = [
        f"Calibration: {method}; by variance σ is to be multiplied by {ensemble.calibration['variance']:.2f}, so that "
        f"95 % lie within 1.96 σ by {ensemble.calibration['conformal']['0.95'] / 1.96:.2f} (conformal)."
        if "variance" in ensemble.calibration
        else "This ensemble was not gathered from all of its members, and is not calibrated."
    ]
    if method != "none":
        remarks.append("The factor was found on these same rows; a campaign tells how it does on others.")
    title = f"Ensemble {node.pk}: {node.description}"
    return title, stated, remarks, ensemble.unit


def _of_campaign(
    node: orm.ProcessNode, *, number: int, with_hull: bool
) -> tuple[str, dict[str, StatedErrors], list[str], str, dict[str, NearHull]]:
    from aiida_mlhull.cli.rules import find_step
    from aiida_mlhull.graph import campaigns, results
    from aiida_mlhull.graph.models import record_of
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.metrics import stated
    from aiida_mlhull.science.types import concatenate
    from aiida_mlhull.science.units import ENERGY_UNIT

    record = record_of(node)
    if record is None and not node.is_finished_ok:
        raise click.ClickException(
            f"campaign {node.pk} ({node.label}) is {campaigns.process_state(node)} and has no record: what its models "
            f"said is compared with its results, which it hands over when it has ended well"
        )
    truth = results.results(node) if record is None else record
    settings = CampaignSettings.model_validate(node.inputs.settings.get_dict())
    asked = {}
    for stage in settings.stages:
        if stage.gate is not None:
            step = find_step(node, number=number, stage=stage.name)
            shards = [shard.to_science() for _, shard in sorted(step.inputs.predictions.items())]
            asked[f"{stage.name}, round {number}"] = concatenate(shards)
    if not asked:
        raise click.ClickException(f"campaign {node.pk} ({node.label}) has no gate: no models were asked")
    remark = (
        "Held against the record."
        if record is not None
        else "Held against what was relaxed: what the models thought hopeless is missing."
    )
    found = {name: stated(predictions, truth) for name, predictions in asked.items()}
    near = near_hull.measured(node, asked, truth)
    remarks = [remark, *([near_hull.spread_as_text(node, asked)] if with_hull else [])]
    return f"Campaign {node.pk} ({node.label})", found, remarks, ENERGY_UNIT, near
