"""Spreads brought to the size of the errors on rows that a member hasn't learned from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.types.crystals import Floats

RATIO: Final = "validation_spread_ratio"
"""Score of a member: the width of its errors on its validation rows, in units of the spreads it predicted."""


def spread_ratio(errors: Floats, spreads: Floats) -> float:
    """Maximum-likelihood width of Laplace-distributed errors in units of (n,) predicted ``spreads``.

    sqrt(2) times the mean of |error| / spread: less at the mercy of a single crystal that went astray
    than the root of the mean square.
    """
    return float(np.sqrt(2) * np.mean(np.abs(errors) / spreads))


def spread_factor(members: Sequence[MemberWeights]) -> float:
    """What all spreads of an ensemble are to be multiplied by: the mean ratio of its members.

    Every member has its own split, so that all labels but a few have their say. Members without spreads
    of their own (loss ``l1``) are calibrated as they are: 1.
    """
    ratios = [weights.scores[RATIO] for weights in members if RATIO in weights.scores]
    return float(np.mean(ratios)) if ratios else 1.0
