"""What the calcfunctions around programs of density functional theory have in common: nodes in, nodes out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from aiida import orm

from aiida_mlhull.calculations.base import Nodes
from aiida_mlhull.data import LabelsData
from aiida_mlhull.science.dft.rows import Reading
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats


def kpoints_of(structure: orm.StructureData, mesh: Sequence[int], shift: Sequence[float] = (0.0, 0.0, 0.0)) -> Any:
    """A mesh of k-points for a cell."""
    kpoints = orm.KpointsData()
    kpoints.set_cell_from_structure(structure)
    kpoints.set_kpoints_mesh(list(mesh), offset=list(shift))
    return kpoints


def relaxed_cell(nodes: Nodes, name: str) -> tuple[Floats, Floats] | tuple[None, None]:
    """(3, 3) Å and (N, 3) fractional coordinates of the structure of that name; None where there is none."""
    if name not in nodes:
        return None, None
    relaxed = nodes[name].get_pymatgen()
    return np.asarray(relaxed.lattice.matrix), np.asarray(relaxed.frac_coords)


def references_in(nodes: Nodes) -> References | None:
    """Known phases, if they are among the nodes."""
    references: References | None = nodes["references"].to_science() if "references" in nodes else None
    return references


def nodes_of(reading: Reading, *, name: str) -> Nodes:
    """A candidate's ``labels``, and pymatgen's ``entry`` if it went well."""
    nodes: Nodes = {"labels": LabelsData.from_science(reading.labels)}
    if reading.entry is not None:
        nodes["entry"] = orm.JsonableData(reading.entry)
        nodes["entry"].label = name
    return nodes
