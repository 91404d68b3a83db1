"""How well probabilities tell two or more classes apart: ROC, the area under it, accuracies."""

from __future__ import annotations

from dataclasses import dataclass

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
    """

    thresholds: Floats
    false_positive_rates: Floats
    true_positive_rates: Floats

    @property
    def area(self) -> float:
        """Area under the curve: the chance that a positive row scores above a negative one, ties half."""
        heights = (self.true_positive_rates[1:] + self.true_positive_rates[:-1]) / 2
        return float(heights @ np.diff(self.false_positive_rates))


def roc(scores: Floats, positive: NDArray[np.bool_]) -> Roc:
    """The curve of (n,) scores against the truth (n,); equal scores are one step.

    Raises:
        TableError: if all rows are of one kind, or the lengths differ.
    """
    truth = np.asarray(positive, dtype=bool)
    if len(scores) != len(truth) or not 0 < truth.sum() < len(truth):
        raise TableError(f"{len(scores)} scores of {int(truth.sum())} positive rows among {len(truth)}: no curve")
    order = np.argsort(-np.asarray(scores), kind="stable")
    descending = np.asarray(scores, dtype=np.float64)[order]
    last = np.append(np.flatnonzero(np.diff(descending)), len(descending) - 1)
    hits = np.cumsum(truth[order])[last]
    alarms = last + 1 - hits
    return Roc(
        thresholds=descending[last],
        false_positive_rates=np.append(0.0, alarms / alarms[-1]),
        true_positive_rates=np.append(0.0, hits / hits[-1]),
    )


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
    count = probabilities.shape[1]
    if len(probabilities) != len(classes) or not len(classes) or not 0 <= classes.min() <= classes.max() < count:
        raise TableError(f"{len(probabilities)} rows of {count} probabilities don't fit {len(classes)} classes")
    confusion = np.zeros((count, count), dtype=np.int64)
    np.add.at(confusion, (np.asarray(classes), probabilities.argmax(axis=1)), 1)
    return Accuracies(confusion)
