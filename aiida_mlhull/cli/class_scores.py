"""What ``diagnose`` says of an ensemble that tells classes apart: accuracies, and which class is taken for which."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.science.metrics.classes import ClassScores

REMARK = (
    "Every row was predicted by the members that didn't learn from it. They stopped learning by these same rows, so that "
    "others will be told apart a little worse."
)


def as_text(scores: ClassScores) -> str:
    """Accuracies and areas, then rows by true and likeliest class."""
    found = scores.accuracies
    facts: list[tuple[str, Any]] = [
        ("rows", int(found.confusion.sum())),
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
