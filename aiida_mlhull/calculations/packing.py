"""The calcfunction that makes a shard of people's own structures, so that what becomes of them is found from them.

Apart from those of the loop, because AiiDA's caching looks at a calcfunction's whole source file.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.data import CandidatesData
from aiida_mlhull.data.structures import rows_of
from aiida_mlhull.science.reading.candidates import sifted
from aiida_mlhull.science.reading.rows import packed
from aiida_mlhull.science.types import concatenate


@calcfunction
def pack_structures(ids: orm.List, source: orm.Str, **nodes: Any) -> CandidatesData:
    """One shard of structures; each row's origin names its structure.

    Args:
        ids: of the candidates, in the order of the structures' names.
        source: what the structures are called together.
        **nodes: ``structure_00000``, ...: StructureData; ``others``: candidates that belong into the same shard.

    Raises:
        CrystalError: if a structure can't be used.
    """
    structures = [nodes[key] for key in sorted(nodes) if isinstance(nodes[key], orm.StructureData)]
    rows = [
        replace(row, name=name)
        for name, node in zip(ids.get_list(), structures, strict=True)
        for row in rows_of([node], source=source.value)
    ]
    made = sifted(packed(source.value, rows, bad_rows="refuse")).candidates
    others = [nodes["others"].to_science()] if "others" in nodes else []
    return CandidatesData.from_science(concatenate([made, *others]))
