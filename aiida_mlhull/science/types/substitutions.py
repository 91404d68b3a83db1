"""How often one element stands where another one stood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types.crystals import Floats, Integers


@dataclass(frozen=True, eq=False)
class Substitutions:
    """Element-substitution counts over E elements.

    Attributes:
        elements: (E,) symbols in the order of atomic numbers.
        counts: (E, E), ``counts[i, j]``: pairs of crystals of one kind in which element j stands where i stood;
            on the diagonal those where i stood in both. Symmetric, because either crystal may come first.
        smoothing: added to every count before rows are normalized.
        n_crystals: different representations that were counted.
        n_kinds: kinds of crystals with at least two of them.
        source: where the crystals come from.
    """

    elements: tuple[str, ...]
    counts: Integers
    smoothing: float
    n_crystals: int
    n_kinds: int
    source: str = ""

    def __post_init__(self) -> None:
        """Check that counts are counts.

        Raises:
            TableError: if they are negative, not symmetric or don't fit the elements.
        """
        n = len(self.elements)
        if self.counts.shape != (n, n) or len(set(self.elements)) < n:
            raise TableError(f"substitutions of {n} elements with counts of shape {self.counts.shape}")
        if (self.counts < 0).any() or (self.counts != self.counts.T).any() or not self.smoothing >= 0:
            raise TableError("counts of substitutions are never negative and the same in both directions")

    @property
    def probabilities(self) -> Floats:
        """(E, E), row i: what stands where i stood; rows sum to one.

        An element that was never seen in two crystals of one kind keeps its place.
        """
        raised = self.counts + self.smoothing
        sums = raised.sum(axis=1, keepdims=True)
        return np.where(sums > 0, raised / np.where(sums > 0, sums, 1.0), np.eye(len(self.elements)))

    @property
    def unseen(self) -> tuple[str, ...]:
        """Elements of which no pair was found."""
        return tuple(np.asarray(self.elements)[self.counts.sum(axis=1) == 0].tolist())
