"""The electronic cycles that readers of VASP's files expect; a potential has none."""

from __future__ import annotations

from typing import Final

FIRST_CYCLE, LATER_CYCLES = 11, 6
"""Electronic steps of the first ionic step, and of those that start from its wave functions."""

_CLOSE: Final = 0.05
_FAR: Final = 40.0


def cycle(energy: float, *, first: bool, ediff: float, nelm: int, converges: bool) -> list[float]:
    """Energies of one cycle's electronic steps in eV, closing in on ``energy``, which is the last.

    Args:
        energy: eV per cell.
        first: whether it is the run's first cycle.
        ediff: eV, what the last change must be smaller than.
        nelm: electronic steps at most.
        converges: False if the cycle shall swing up and down until ``nelm`` steps are used up.
    """
    if not converges:
        return [energy + _FAR * ediff * (-1.0) ** k for k in range(nelm - 1)] + [energy]
    needed = FIRST_CYCLE if first else LATER_CYCLES
    return [energy + _CLOSE * ediff * (10.0**left - 1.0) for left in reversed(range(needed))][:nelm]
