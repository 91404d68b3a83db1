"""What ``diagnose`` says of an ensemble that tells classes apart: accuracies, ROC, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull.cli import text

if TYPE_CHECKING:
    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.metrics.classes import ClassScores

REMARK = (
    "Every row was predicted by the members that didn't learn from it. They stopped learning by these same rows, so that "
    "others will be told apart a little worse."
)


def scores_of(node: EnsembleData) -> tuple[ClassScores, int]:
    """Scores of the rows that members didn't learn from, and how many these are.

    Raises:
        WeightsError: if there are none.
    """
    from aiida_mlhull.science.ensembles.classes import held_out_classes
    from aiida_mlhull.science.metrics.classes import class_scores

    ensemble = node.to_science()
    held = held_out_classes(ensemble)
    return class_scores(ensemble.classes, held.probabilities, held.classes), len(held)


def as_text(scores: ClassScores, *, rows: int) -> str:
    """Accuracies and areas, then rows by true and likeliest class."""
    found = scores.accuracies
    facts: list[tuple[str, Any]] = [
        ("rows", rows),
        ("accuracy", f"{found.accuracy:.3f}"),
        ("balanced accuracy", f"{found.balanced:.3f}"),
        *((f"AUC of {name}", f"{curve.area:.3f}") for name, curve in scores.curves.items()),
    ]
    confusion = [
        (name, *counts, f"{share:.3f}")
        for name, counts, share in zip(scores.names, found.confusion.tolist(), found.by_class.tolist(), strict=True)
    ]
    table = text.table(("class", *(f"taken for {name}" for name in scores.names), "recognized"), confusion)
    return f"{text.pairs(facts)}\n\n{table}\n\n{REMARK}"


def as_json(scores: ClassScores, *, rows: int) -> dict[str, Any]:
    """The same as plain JSON."""
    return {
        "rows": rows,
        "classes": list(scores.names),
        "accuracy": scores.accuracies.accuracy,
        "balanced_accuracy": scores.accuracies.balanced,
        "auc": {name: curve.area for name, curve in scores.curves.items()},
        "confusion": scores.accuracies.confusion.tolist(),
    }


def draw(scores: ClassScores, folder: Path) -> list[Path]:
    """The ROC and the confusion matrix as pictures."""
    from aiida_mlhull.science.plots.classes import draw_confusion, draw_roc

    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in {"roc": draw_roc(scores.curves), "confusion": draw_confusion(scores)}.items():
        written.append(folder / f"{name}.png")
        figure.savefig(written[-1])
    return written
