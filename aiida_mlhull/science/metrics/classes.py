"""How well probabilities tell two or more classes apart: ROC, the area under it, accuracies; scikit-learn's numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types.crystals import Floats, Integers


@dataclass(frozen=True, eq=False)
class Roc:
    """Receiver operating characteristic: what a growing share of false alarms buys.

    Attributes:
        thresholds: (k,) descending; rows with at least this score count as positive.
        false_positive_rates: (k + 1,) from 0 to 1; the first is of no row at all.
        true_positive_rates: (k + 1,) likewise.
        area: under the curve: the chance that a positive row scores above a negative one, ties half.
    """

    thresholds: Floats
    false_positive_rates: Floats
    true_positive_rates: Floats
    area: float


def roc(scores: Floats, positive: NDArray[np.bool_]) -> Roc:
    """The curve of (n,) scores against the truth (n,); equal scores are one step.

    Raises:
        TableError: if all rows are of one kind, or the lengths differ.
    """
    from sklearn.metrics import auc, roc_curve  # noqa: PLC0415  (slow import)

    truth = np.asarray(positive, dtype=bool)
    if len(scores) != len(truth) or not 0 < truth.sum() < len(truth):
        raise TableError(f"{len(scores)} scores of {int(truth.sum())} positive rows among {len(truth)}: no curve")
    alarms, hits, thresholds = roc_curve(truth, scores, drop_intermediate=False)
    return Roc(thresholds[1:], alarms, hits, float(auc(alarms, hits)))


@dataclass(frozen=True, eq=False)
class Accuracies:
    """Scores of choosing the likeliest class.

    Attributes:
        confusion: (K, K) rows by true class, columns by chosen class.
    """

    confusion: Integers

    @property
    def accuracy(self) -> float:
        """Share of rows whose class was chosen."""
        return float(np.trace(self.confusion) / self.confusion.sum())

    @property
    def by_class(self) -> Floats:
        """(K,) share of every class' rows that were chosen as such; NaN for a class without rows."""
        rows = self.confusion.sum(axis=1)
        shares = np.full(len(rows), np.nan)
        np.divide(np.diag(self.confusion), rows, out=shares, where=rows > 0)
        return shares

    @property
    def balanced(self) -> float:
        """Mean of the shares by class, so that a rare class counts as much as a frequent one."""
        return float(np.nanmean(self.by_class))


def accuracies(probabilities: Floats, classes: Integers) -> Accuracies:
    """Compare (n, K) probabilities with the true (n,) classes; the first of equal ones is chosen.

    Raises:
        TableError: if the lengths differ, there are no rows, or a class has no column.
    """
    from sklearn.metrics import confusion_matrix  # noqa: PLC0415  (slow import)

    count = probabilities.shape[1]
    if len(probabilities) != len(classes) or not len(classes) or not 0 <= classes.min() <= classes.max() < count:
        raise TableError(f"{len(probabilities)} rows of {count} probabilities don't fit {len(classes)} classes")
    return Accuracies(confusion_matrix(classes, probabilities.argmax(axis=1), labels=np.arange(count)))


@dataclass(frozen=True, eq=False)
class ClassScores:
    """All that is asked of an ensemble of classes.

    Attributes:
        names: of the K classes.
        accuracies: of the likeliest class.
        curves: class to its ROC, one class against all others; of two classes the second one's alone, the
            first one's being its mirror image. Classes without rows, or without others, have none.
    """

    names: tuple[str, ...]
    accuracies: Accuracies
    curves: dict[str, Roc]

    def to_dict(self) -> dict[str, Any]:
        """The same as plain numbers."""
        return {
            "rows": int(self.accuracies.confusion.sum()),
            "classes": list(self.names),
            "accuracy": self.accuracies.accuracy,
            "balanced_accuracy": self.accuracies.balanced,
            "auc": {name: curve.area for name, curve in self.curves.items()},
            "confusion": self.accuracies.confusion.tolist(),
        }


def class_scores(names: Sequence[str], probabilities: Floats, classes: Integers) -> ClassScores:
    """Score (n, K) probabilities of the classes ``names`` against the true (n,) classes.

    Raises:
        TableError: see :func:`accuracies`.
    """
    found = accuracies(probabilities, classes)
    asked = range(len(names)) if len(names) > 2 else (1,)  # noqa: PLR2004
    rows = found.confusion.sum(axis=1)
    curves = {
        names[number]: roc(probabilities[:, number], classes == number)
        for number in asked
        if 0 < rows[number] < rows.sum()
    }
    return ClassScores(tuple(names), found, curves)
