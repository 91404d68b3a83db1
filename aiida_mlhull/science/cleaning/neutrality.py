"""Whether a formula's charges can be balanced, as a hint."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from aiida_mlhull.science.errors import MissingExtraError
from aiida_mlhull.science.types.table import Booleans, Strings


def charges_balance(formulas: Strings) -> Booleans:
    """(n,) whether SMACT finds oxidation states that add up to zero, the more electronegative ones negative.

    Alloys count as balanced. One in twenty known compounds doesn't pass: read it as a hint. Source: Davies
    et al., J. Open Source Softw. 4 (2019) 1361.

    Raises:
        MissingExtraError: if SMACT is not installed.
    """
    try:
        from smact.screening import smact_validity  # noqa: PLC0415  (an extra)
    except ImportError as error:
        raise MissingExtraError(
            "flags for charge neutrality need SMACT: pip install 'aiida-mlhull[screening]'"
        ) from error
    return np.asarray([_valid(formula, smact_validity) for formula in formulas.tolist()], dtype=bool)


@lru_cache(maxsize=100_000)
def _valid(formula: str, validity: Callable[[str], bool]) -> bool:
    return bool(validity(formula))
