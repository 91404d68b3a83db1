"""A scale on which hopeless crystals don't count by how hopeless they are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.types.crystals import Floats

_FARTHEST = 30.0


@dataclass(frozen=True)
class TargetScale:
    """Linear up to a border, logarithmic above it, smooth at the border.

    w(y) = y for y <= b, and b + b log(1 + (y - b) / b) above. Near the hull nothing changes; a crystal
    1 eV/atom above it counts as one 0.66 eV/atom above, so that models spend their strength where
    decisions are made.

    Attributes:
        border: b, eV/atom.
    """

    border: float

    def __call__(self, targets: Floats) -> Floats:
        """Targets on the scale."""
        beyond = np.maximum(targets - self.border, 0.0)
        return np.where(targets > self.border, self.border * (1.0 + np.log1p(beyond / self.border)), targets)

    def back(self, scaled: Floats) -> Floats:
        """Targets that lie at ``scaled`` on the scale."""
        return np.where(scaled > self.border, self.border * self._stretch(scaled), scaled)

    def slope(self, scaled: Floats) -> Floats:
        """How much a target changes with its place on the scale, there."""
        return self._stretch(scaled)

    def _stretch(self, scaled: Floats) -> Floats:
        return np.exp(np.clip(scaled / self.border - 1.0, 0.0, _FARTHEST))
