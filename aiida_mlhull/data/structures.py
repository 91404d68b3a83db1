"""Structures that are nodes already, as a table of candidates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from aiida.orm import CifData, Node, StructureData

from aiida_mlhull.science.reading.candidates import Intake, sifted
from aiida_mlhull.science.reading.rows import StructureRow, packed, refused
from aiida_mlhull.science.reading.sieve import BadRows
from aiida_mlhull.science.reading.structures.cif import read_cif
from aiida_mlhull.science.reading.warned import attempt
from aiida_mlhull.science.types.reasons import Reason

READ: Final = (StructureData, CifData)
"""Classes of nodes that hold structures which are taken."""


def take_in(nodes: Sequence[Node], *, source: str, bad_rows: BadRows = "refuse") -> Intake:
    """Check structures and put them into one table.

    A structure's id is its label where no other one has the same, else its UUID; its origin names the node,
    so that a row leads back to it. Nodes of classes that hold no single structure are counted in the remarks.

    Args:
        nodes: stored ones; one of :data:`READ` at least.
        source: what they are called together.
        bad_rows: whether structures that can't be used (alloys, vacancies, slabs) are an error, or left out and
            counted.

    Raises:
        WireError: if a CIF can't be read, and may not be left out.
        CrystalError: if a structure can't be used, likewise.
        InputError: if none can.
    """
    others = not_taken(nodes)
    rows = rows_of(nodes, source=source)
    return sifted(packed(source, rows, bad_rows=bad_rows, remarks=[others] if others else []))


def rows_of(nodes: Sequence[Node], *, source: str) -> list[StructureRow]:
    """Structures among nodes, each with its extras; see :func:`take_in`."""
    structures = [node for node in nodes if isinstance(node, READ)]
    labels = Counter(node.label for node in structures)
    return [
        replace(row, facts={**node.base.extras.all, "named": True})
        for node in structures
        for row in _rows(node, node.label if node.label and labels[node.label] == 1 else node.uuid, source)
    ]


def not_taken(nodes: Sequence[Node]) -> str:
    """How many nodes of which classes hold no single structure, in words; empty if there are none."""
    others = Counter(type(node).__name__ for node in nodes if not isinstance(node, READ))
    return f"not taken: {', '.join(f'{n} {kind}' for kind, n in sorted(others.items()))}" if others else ""


def _rows(node: StructureData | CifData, name: str, source: str) -> list[StructureRow]:
    """One row; of a CIF with several data blocks one each."""
    place = f"{source}, structure {node.uuid}"
    if isinstance(node, CifData):
        text = attempt(lambda: str(node.get_content(mode="r")))
        if text.value is None:
            return [refused(name, place, Reason.UNREADABLE, text.fault)]
        return read_cif(text.value, name=name, place=place)
    if not all(node.pbc):
        return [refused(name, place, Reason.NOT_PERIODIC, f"pbc {' '.join('FT'[flag] for flag in node.pbc)}")]
    made = attempt(node.get_pymatgen)
    if made.value is None or made.warned:
        reason = Reason.LIBRARY_WARNED if made.value is not None else Reason.UNREADABLE
        return [refused(name, place, reason, made.detail)]
    return [StructureRow(name, place, made.value)]
