"""What sort of site an atom is on, for averages over many crystals."""

from __future__ import annotations

from typing import Final, Literal

import numpy as np

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.types import Crystals

SiteKinds = Literal["all", "symmetry", "perovskite"]
"""``all``: no difference; ``symmetry``: the site symmetry's symbol; ``perovskite``: A, B and X of ABX3 (X: N, O, F, S)."""

ANIONS: Final = (7, 8, 9, 16)
"""Of perovskites: nitrogen, oxygen, fluorine, sulfur."""

_SYMPREC: Final = 0.01
_CATIONS: Final = 2


def site_kinds(crystals: Crystals, how: SiteKinds) -> list[str]:
    """The kind of each of all N sites, in their order.

    Raises:
        CrystalError: if a crystal's symmetry can't be determined, or it is not a perovskite's five atoms.
    """
    if how == "all":
        return ["all"] * int(crystals.offsets[-1])
    of_one = _perovskite if how == "perovskite" else _symmetry
    return [kind for row in range(len(crystals)) for kind in of_one(crystals, row)]


def _perovskite(crystals: Crystals, row: int) -> list[str]:
    """``X`` for anions; of the two cations, ``A`` for the one that is further from them, ``B`` for the other."""
    lattice, numbers, places = crystals.arrays(row)
    anions = np.isin(numbers, ANIONS)
    if (~anions).sum() != _CATIONS or not anions.any():
        raise CrystalError(f"row {row + 1} is not ABX3 with X = N, O, F or S")
    apart = places[:, None] - places[None, anions]
    distances = np.linalg.norm((apart - np.round(apart)) @ lattice, axis=2).mean(axis=1)
    further = np.argmax(np.where(anions, -np.inf, distances))
    return ["X" if anion else "A" if site == further else "B" for site, anion in enumerate(anions)]


def _symmetry(crystals: Crystals, row: int) -> list[str]:
    import spglib  # noqa: PLC0415  (slow import)

    lattice, numbers, places = crystals.arrays(row)
    found = spglib.get_symmetry_dataset((lattice.tolist(), places.tolist(), numbers.tolist()), symprec=_SYMPREC)
    if found is None:
        raise CrystalError(f"the symmetry of row {row + 1} can't be determined")
    return [str(symbol) for symbol in found.site_symmetry_symbols]
