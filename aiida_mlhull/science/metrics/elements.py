"""Which elements a model errs about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.representations.composition import SYMBOLS, distinct
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Strings


@dataclass(frozen=True)
class ElementError:
    """Errors of the rows that hold one element.

    Attributes:
        element: its symbol.
        rows: how many.
        mae: their mean absolute error, in the errors' unit.
        bias: their mean error.
    """

    element: str
    rows: int
    mae: float
    bias: float


def errors_by_element(formulas: Sequence[str] | Strings, errors: Floats) -> list[ElementError]:
    """Errors of the rows that hold each element, by atomic number; a row counts for all of its elements.

    Args:
        formulas: n formulas.
        errors: (n,) predicted minus true.

    Raises:
        TableError: if lengths differ.
    """
    if len(formulas) != len(errors):
        raise TableError(f"{len(formulas)} formulas and {len(errors)} errors don't belong together")
    compositions, which = distinct([str(formula) for formula in formulas])
    holders: dict[int, list[int]] = {}
    for number, composition in enumerate(compositions):
        for element in composition.numbers:
            holders.setdefault(element, []).append(number)
    found = []
    for element in sorted(holders):
        mine = errors[np.isin(which, holders[element])]
        found.append(ElementError(SYMBOLS[element - 1], len(mine), float(np.abs(mine).mean()), float(mine.mean())))
    return found
