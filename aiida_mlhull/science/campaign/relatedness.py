"""How near two chemistries are, for models that are to go from one to the other."""

from __future__ import annotations

from collections.abc import Iterable

from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.representations.elements import element_table


def relatedness(ours: Iterable[str], theirs: Iterable[str]) -> float:
    """Between 0, unrelated, and 1, the same elements.

    An element counts 1 where they have it, too, and 1/2 where they have one of its group: Hf-Zn-N and Zr-Zn-N are
    related by 5/6. A single element that has neither makes two chemistries unrelated.

    Args:
        ours: symbols of the elements that models are needed for.
        theirs: symbols of those that they have learned.
    """
    known = set(theirs)
    group = element_table().group
    groups = {group[NUMBERS[symbol]] for symbol in known}
    parts = [
        1.0 if symbol in known else 0.5 if group[NUMBERS[symbol]] in groups else 0.0 for symbol in sorted(set(ours))
    ]
    return sum(parts) / len(parts) if parts and all(parts) else 0.0
