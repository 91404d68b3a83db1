"""Tables of a job's folder, joined from their shards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from aiida_mlhull.science.ensembles.rows import NEED_REFERENCES, Cells
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.program.settings import POOL_FILE, REFERENCES_FILE, FitJob, PredictJob
from aiida_mlhull.science.types import Candidates, Decisions, EnsembleWeights, Labels, References, concatenate
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.wire import JobFolder, decode_ensemble
from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE

NOUNS: Final[dict[str, type[Cells]]] = {"Candidates": Candidates, "Labels": Labels}


def read_cells(folder: JobFolder, files: Mapping[str, str]) -> Cells:
    """All shards of input cells as one table.

    Raises:
        WireError: if a file is missing or holds another noun.
        TableError: if some are candidates and some are labels, or ids meet.
    """
    if len(set(files.values())) > 1:
        raise TableError("input cells are candidates or labels of a stage, not some of each")
    return concatenate([folder.read_table(NOUNS[noun], name) for name, noun in sorted(files.items())])


def read_unrelaxed(folder: JobFolder, names: Sequence[str]) -> Candidates | None:
    """The candidates before any stage as one table, or None where there are no files of them.

    Raises:
        WireError: if a file is missing or holds another noun.
    """
    return concatenate([folder.read_table(Candidates, name) for name in sorted(names)]) if names else None


def read_pool(folder: JobFolder, *, rows: Literal["kept", "dropped"] = "kept") -> Strings:
    """Ids of the rows that the pool keeps or drops.

    Raises:
        TableError: if there are none.
    """
    pool = folder.read_table(Decisions, POOL_FILE)
    ids: Strings = pool.ids[pool.keep if rows == "kept" else ~pool.keep]
    if not len(ids):
        raise TableError(f"the decisions have no row that is {rows}: there is nothing to do")
    return ids


def read_references(folder: JobFolder, job: FitJob | PredictJob, name: str = REFERENCES_FILE) -> References | None:
    """The references, or None where the job's baseline needs none.

    Raises:
        WireError: if the file is missing or holds another noun.
    """
    return folder.read_table(References, name) if job.baseline in NEED_REFERENCES else None


def read_ensemble(folder: JobFolder) -> EnsembleWeights:
    """The ensemble in the folder.

    Raises:
        WeightsError: if a file of it is missing, truncated or foreign.
    """
    names = [ENSEMBLE_FILE, *sorted(path.name for path in folder.path.glob("member_*.safetensors"))]
    return decode_ensemble({name: folder.read_bytes(name) for name in names})
