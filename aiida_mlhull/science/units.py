"""The few conversions that the package needs; everything else is eV, Å and core-minutes throughout."""

from __future__ import annotations

import math
from typing import Final

MEV_PER_EV: Final = 1000.0
SECONDS_PER_MINUTE: Final = 60.0

ENERGY_UNIT: Final = "eV/atom"
COST_UNIT: Final = "core-minutes"

ON_HULL_TOLERANCE: Final = 1e-6
"""eV/atom; a phase this close to the hull counts as lying on it."""


def share_of(total: int, share: float) -> int:
    """So many of ``total``, rounded up: 7 % of 100 are 7, although 0.07 * 100 is a little more in binary."""
    return math.ceil(share * total - 1e-9)
