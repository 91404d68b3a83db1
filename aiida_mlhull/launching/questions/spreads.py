"""Spreads of an ensemble, or of a campaign's models, compared with errors: in words, as numbers, as pictures."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.data import EnsembleData


def diagnosed(
    name: str | None, *, number: int = 1, hull: bool = False, folder: Path | None = None
) -> tuple[str, dict[str, Any]]:
    """How far what was stated can be believed.

    Args:
        name: of an ensemble, or of a campaign; the newest campaign if None.
        number: of a campaign's round.
        hull: of a campaign, also how certain the hull was to its models.
        folder: for pictures; none are drawn if None.

    Returns:
        Words, and the same as plain numbers.

    Raises:
        UnknownNameError: if there is no such node.
        InputError: if there is nothing to compare with.
    """
    from aiida_mlhull.graph.stated.calibration import ensemble_named, stated_by
    from aiida_mlhull.science.metrics import diagnose
    from aiida_mlhull.science.metrics.words import hull_spreads_in_words, near_hull_in_words, spreads_in_words
    from aiida_mlhull.science.plots.errors import near_hull_figures
    from aiida_mlhull.science.plots.saving import save
    from aiida_mlhull.science.plots.uncertainty import spread_figures
    from aiida_mlhull.science.wire.files import without_nan

    ensemble = ensemble_named(name)
    if ensemble is not None and ensemble.base.attributes.get("classes", []):
        return _classes(ensemble, folder)
    spreads = stated_by(name, number=number)
    unit = spreads.unit
    measures = {
        key: diagnose(one.errors, one.sigma, aleatoric=one.aleatoric, epistemic=one.epistemic)
        for key, one in spreads.stated.items()
    }
    near, remarks = spreads.near_hull(), list(spreads.remarks)
    if hull and spreads.campaign is not None:
        remarks.append(hull_spreads_in_words(spreads.hull_spreads()))
    figures = {} if folder is None else spread_figures(spreads.stated, unit=unit)
    if folder is not None and near:
        figures |= near_hull_figures(near)
    pictures = [] if folder is None else save(figures, folder)
    by_name = {key: asdict(one) for key, one in measures.items()}
    sorting = {"near_hull": without_nan({key: one.to_dict() for key, one in near.items()})} if near else {}
    told = [spreads_in_words(measures, unit=unit), *([near_hull_in_words(near)] if near else []), *remarks]
    facts = {"node": spreads.title, "unit": unit, **by_name, **sorting, "pictures": [str(path) for path in pictures]}
    return _joined(spreads.title, told, pictures, folder), facts


def _classes(node: EnsembleData, folder: Path | None) -> tuple[str, dict[str, Any]]:
    from aiida_mlhull.graph.stated.calibration import class_scores_of
    from aiida_mlhull.science.metrics.words import classes_in_words
    from aiida_mlhull.science.plots.classes import class_figures
    from aiida_mlhull.science.plots.saving import save

    title, scores = f"Ensemble {node.pk}: {node.description}", class_scores_of(node)
    pictures = [] if folder is None else save(class_figures(scores), folder)
    facts = {"node": title, **scores.to_dict(), "pictures": [str(path) for path in pictures]}
    return _joined(title, [classes_in_words(scores)], pictures, folder), facts


def _joined(title: str, told: list[str], pictures: list[Path], folder: Path | None) -> str:
    names = ", ".join(path.name for path in pictures)
    drawn = [f"{text.count(len(pictures), 'picture')} in {folder}: {names}"] if pictures else []
    return "\n\n".join([title, *told, *drawn])
