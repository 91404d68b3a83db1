"""Calcfunctions that take people's own finished calculations, so that what becomes of their results is found from them.

Apart from those of the loop, because AiiDA's caching looks at a calcfunction's whole source file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.data import CandidatesData, LabelsData
from aiida_mlhull.science.reading.levels.known_runs import read_known_runs
from aiida_mlhull.science.reading.levels.level import Level, labels_of, level_of_labels
from aiida_mlhull.science.reading.phases.resolution import Corrections
from aiida_mlhull.science.types import concatenate

WRITTEN: Final = ("vasprun.xml", "OUTCAR")
"""What is read of a finished calculation in the graph."""


@calcfunction
def gather_results(ids: orm.List, settings: orm.Dict, **nodes: Any) -> LabelsData:
    """Results of finished calculations of VASP, read from the files that these left.

    Args:
        ids: of the candidates, in the order of the folders' names.
        settings: ``stage`` and ``engine`` that the results are of, ``scheme`` and ``corrections`` of the energies, and
            ``left_out``: ids whose results the campaign has itself.
        **nodes: ``run_00000``, ...: FolderData; ``shard_000``, ...: shards that hold the candidates.

    Raises:
        InputError: if nothing can be used.
    """
    names, given = ids.get_list(), settings.get_dict()
    folders = [nodes[key] for key in sorted(nodes) if isinstance(nodes[key], orm.FolderData)]
    tables = [nodes[key].to_science() for key in sorted(nodes) if isinstance(nodes[key], CandidatesData)]
    own = np.asarray(names, dtype=np.str_)
    candidates = concatenate([table.select(own[table.has(own)]) for table in tables])
    level = read_folders(
        dict(zip(names, folders, strict=True)), scheme=given["scheme"], corrections=given["corrections"]
    )
    labels, _ = labels_of(level, candidates)
    labels = replace(labels, stage=given["stage"], engine=given["engine"])
    return LabelsData.from_science(labels.without(given["left_out"]))


@calcfunction
def gather_tables(settings: orm.Dict, **nodes: Any) -> LabelsData:
    """Results of candidates out of tables of results, of other campaigns or by hand.

    Args:
        settings: ``stage`` and ``engine`` that the results are of, ``of_stage`` and ``source``: what the tables' stage and
            their place are called, and ``left_out``: ids whose results the campaign has itself.
        **nodes: ``table_00000``, ...: LabelsData, of which the first that has a candidate counts; ``shard_000``, ...:
            shards that hold the candidates.

    Raises:
        TableError: if nothing can be used.
    """
    given = settings.get_dict()
    tables = [nodes[key].to_science() for key in sorted(nodes) if isinstance(nodes[key], LabelsData)]
    candidates = concatenate(
        [nodes[key].to_science() for key in sorted(nodes) if isinstance(nodes[key], CandidatesData)]
    )
    level = level_of_labels(tables, name=given["of_stage"], source=given["source"])
    labels, _ = labels_of(level, candidates)
    labels = replace(labels, stage=given["stage"], engine=given["engine"])
    return LabelsData.from_science(labels.without(given["left_out"]))


def read_folders(folders: Mapping[str, orm.FolderData], *, scheme: str, corrections: Corrections | None) -> Level:
    """What calculations of VASP left in the graph, read as a folder of such files is.

    Args:
        folders: by the candidates' ids, which are relative paths.
        scheme: see :func:`~aiida_mlhull.science.reading.levels.known_runs.read_known_runs`.
        corrections: see there.

    Raises:
        InputError: see there.
    """
    with TemporaryDirectory() as name:
        whole = Path(name) / "calculations"
        for one, folder in folders.items():
            place, files = whole / one, folder.base.repository
            place.mkdir(parents=True, exist_ok=True)
            for written in set(WRITTEN) & set(files.list_object_names()):
                (place / written).write_bytes(files.get_object_content(written, mode="rb"))
        return read_known_runs(whole, scheme=scheme, corrections=corrections)
