"""The errors of a member that was fitted in a single step."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from aiida_mlhull.science.types.crystals import Floats


def scores_of(errors: Floats, *, started: float) -> dict[str, Any]:
    """The scores that every model gives.

    Args:
        errors: (n,) predictions minus targets of the validation rows, in the target's unit.
        started: of ``time.perf_counter``, when the fit began.
    """
    return {
        "validation_mae": float(np.abs(errors).mean()),
        "validation_mse": float(np.square(errors).mean()),
        "epochs": 1,
        "seconds": time.perf_counter() - started,
    }
