"""Names for groups of elements that people leave out together; what belongs to them is pymatgen's word."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Final

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.representations.composition import NUMBERS

PROPERTIES: Final = {
    "noble_gases": "is_noble_gas",
    "halogens": "is_halogen",
    "chalcogens": "is_chalcogen",
    "alkali_metals": "is_alkali",
    "lanthanides": "is_lanthanoid",
    "actinides": "is_actinoid",
    "radioactive": "is_radioactive",
}
"""Groups, and the property of pymatgen's ``Element`` that decides. ``radioactive``: no stable isotope and none that is as
good as stable (bismuth is)."""

TOXIC: Final = frozenset({4, 33, 48, 80, 81, 82})
"""Be, As, Cd, Hg, Tl, Pb, which laboratories like to do without; pymatgen doesn't know them as a group."""

GROUPS: Final = (*PROPERTIES, "toxic")


@cache
def group(name: str) -> frozenset[int]:
    """Atomic numbers of one of :data:`GROUPS`."""
    from pymatgen.core import Element  # noqa: PLC0415  (slow import)

    return TOXIC if name == "toxic" else frozenset(one.Z for one in Element if getattr(one, PROPERTIES[name]))


def excluded_numbers(names: Sequence[str]) -> frozenset[int]:
    """Atomic numbers of groups and single elements.

    Raises:
        InputError: if a name is neither.
    """
    unknown = [name for name in names if name not in GROUPS and name not in NUMBERS]
    if unknown:
        raise InputError(
            f"neither elements nor groups of elements: {listed(unknown)}; groups: {', '.join(sorted(GROUPS))}"
        )
    return frozenset().union(*(group(name) if name in GROUPS else {NUMBERS[name]} for name in names))
