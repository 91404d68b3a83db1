"""Substitution probabilities, mined from a person's own crystals.

Crystals are binned by their Wyckoff representation without elements. In every bin each ordered pair of
different members is one observation a class: the element of the one stands where the element of the other
stood, or the same element stands in both. Counts of all bins are added up, smoothed if asked for, and rows
are normalized (R. E. A. Goodall, PhD thesis, Cambridge 2021, section 6.7).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.representations.composition import SYMBOLS
from aiida_mlhull.science.representations.element_classes import element_classes
from aiida_mlhull.science.types import Substitutions
from aiida_mlhull.science.types.crystals import HEAVIEST
from aiida_mlhull.science.types.table import Strings


def mine_substitutions(
    labels: Strings | Sequence[str], *, smoothing: float = 0.0, elements: Sequence[str] = (), source: str = ""
) -> Substitutions:
    """Count how often elements replace each other in crystals of one kind.

    Args:
        labels: protostructure labels with elements; each one counts once however often it is there
            (polymorphs of one kind and formula tell nothing about elements), empty ones don't count.
        smoothing: added to every count before rows are normalized; then everything replaces everything
            now and then, also elements that never met.
        elements: symbols to be in the table beside those of the crystals; matters with smoothing only.
        source: where the crystals come from.

    Raises:
        InputError: if no two crystals are of one kind, and there is no smoothing to fall back on.
    """
    bins: dict[str, set[tuple[int, ...]]] = {}
    different = {str(label) for label in labels} - {""}
    for label in different:
        known = element_classes(label)
        bins.setdefault(known.kind, set()).add(known.numbers)
    counts = np.zeros((HEAVIEST + 1, HEAVIEST + 1), dtype=np.int64)
    shared = [np.asarray(sorted(members)) for members in bins.values() if len(members) > 1]
    for members in shared:
        for column in members.T:
            amounts = np.bincount(column, minlength=HEAVIEST + 1)
            counts += np.outer(amounts, amounts) - np.diag(amounts)
    if not shared and not smoothing:
        raise InputError(
            f"{source or 'these crystals'}: no two of {len(different)} different representations are of one kind, so "
            "there is no substitution to learn from; give more crystals, or some smoothing"
        )
    wanted = {z for members in bins.values() for numbers in members for z in numbers}
    wanted |= {SYMBOLS.index(symbol) + 1 for symbol in elements}
    rows = np.asarray(sorted(wanted), dtype=np.int64)
    return Substitutions(
        elements=tuple(SYMBOLS[z - 1] for z in rows.tolist()),
        counts=counts[np.ix_(rows, rows)],
        smoothing=smoothing,
        n_crystals=sum(map(len, bins.values())),
        n_kinds=len(shared),
        source=source,
    )
