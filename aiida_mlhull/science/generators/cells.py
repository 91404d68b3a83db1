"""From a Wyckoff representation back to a crystal: a known prototype's cell where there is one, else a drawn one."""

from __future__ import annotations

from functools import cache

import numpy as np

from aiida_mlhull.science.generators.decoration import Prototypes, aflow_prototypes
from aiida_mlhull.science.generators.exchange import Exchange, exchanged
from aiida_mlhull.science.representations.element_classes import element_classes
from aiida_mlhull.science.representations.protostructure import canonical_spelling
from aiida_mlhull.science.representations.volumes import tightest_bond
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.representations.wyckoff_positions.cells import LOOSEST, cell_for
from aiida_mlhull.science.types import Crystals


class KnownKinds:
    """Prototypes, found by the kind of crystal that they are.

    Args:
        prototypes: of several of one kind the first is taken.
    """

    def __init__(self, prototypes: Prototypes) -> None:
        self._crystals = prototypes.crystals
        self._rows: dict[str, tuple[int, tuple[int, ...]]] = {}
        for row, label in enumerate(protostructures(prototypes.crystals).tolist()):
            if label:
                known = element_classes(label)
                self._rows.setdefault(known.kind, (row, known.numbers))

    def cell(self, label: str) -> Crystals | None:
        """The prototype with the elements of ``label`` at a predicted volume; None if there is none.

        Also None where atoms would overlap or the label wouldn't be found again.
        """
        wanted = element_classes(label)
        row, own = self._rows.get(wanted.kind, (-1, ()))
        if row < 0:
            return None
        order = np.argsort(own)
        exchange = Exchange(row, tuple(own[i] for i in order), tuple(wanted.numbers[i] for i in order))
        cell = exchanged(self._crystals, [exchange])
        sound = tightest_bond(*cell.arrays(0)) >= LOOSEST and protostructures(cell)[0] == canonical_spelling(label)
        return cell if sound else None


@cache
def aflow_kinds() -> KnownKinds:
    """The AFLOW library that pymatgen ships; labeled once in a second."""
    return KnownKinds(aflow_prototypes())


def build_cell(label: str, *, seed: int = 0, known: KnownKinds | None = None) -> Crystals:
    """One reasonable unrelaxed cell for a protostructure label.

    Args:
        label: with elements, ``"AB2_oS6_71_a_i:Ca-Si"``.
        seed: of what is drawn where no prototype is known.
        known: prototypes; the AFLOW library by default.

    Raises:
        CrystalError: if it is not a label, or no cell with this label was found.
    """
    cell = (aflow_kinds() if known is None else known).cell(label)
    return cell_for(label, seed=seed) if cell is None else cell
