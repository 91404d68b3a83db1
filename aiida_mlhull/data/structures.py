"""Structures that are nodes already, as a table of candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from aiida.orm import StructureData

from aiida_mlhull.science.reading.candidates import Intake, sifted
from aiida_mlhull.science.reading.sieve import BadRows
from aiida_mlhull.science.reading.rows import StructureRow, packed


def take_in(structures: Sequence[StructureData], *, source: str, bad_rows: BadRows = "refuse") -> Intake:
    """Check structures and put them into one table.

    A structure's id is its label where no other one has the same, else its UUID; its origin names the node,
    so that a row leads back to it.

    Args:
        structures: stored nodes.
        source: what they are called together.
        bad_rows: whether structures that can't be used (alloys, vacancies) are an error, or left out and counted.

    Raises:
        CrystalError: if one of them can't be used, and may not be left out.
        InputError: if none can.
    """
    labels = Counter(node.label for node in structures)
    named = [
        (node.label if node.label and labels[node.label] == 1 else node.uuid, node.get_pymatgen())
        for node in structures
    ]
    origins = [f"{source}, structure {node.uuid}" for node in structures]
    return sifted(packed(source, named, bad_rows=bad_rows, origins=origins))
