"""A level from VASP's own files whose energies are corrected, and whose scheme is told, as those of references are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
from aiida_mlhull.science.reading.levels.level import Level
from aiida_mlhull.science.reading.levels.level_runs import read_level_runs
from aiida_mlhull.science.reading.phases.resolution import Corrections
from aiida_mlhull.science.reading.phases.vasp_runs import load_runs
from aiida_mlhull.science.reading.references import from_loaded
from aiida_mlhull.science.representations.composition import SYMBOLS
from aiida_mlhull.science.types.reasons import Reason, with_detail


def read_known_runs(folder: Path, *, scheme: str, corrections: Corrections | None) -> Level:
    """VASP's calculations as results that can meet references.

    Args:
        folder: of one folder a candidate; see :func:`~aiida_mlhull.science.reading.levels.level_runs.read_level_runs`.
        scheme: of the energies where the files don't say it; empty takes what they say.
        corrections: what becomes of the energies; None takes them as they are.

    Raises:
        WireError: if there are no calculations.
        InputError: if none can be used, or their settings don't fit together.
    """
    level = read_level_runs(folder, scheme="", bad_rows="leave_out")
    known = from_loaded(
        folder.name,
        load_runs(folder),
        scheme=scheme or AS_PUBLISHED,
        corrections=corrections,
        guesses="keep",
        elsewhere=frozenset(SYMBOLS),
    )
    energies = np.full(len(level.energies), np.nan)
    there = np.isin(level.sieve.ids, known.references.ids)
    energies[there] = known.references.energies[known.references.positions(level.sieve.ids[there])]
    lost = with_detail(Reason.ENGINE_ERROR, "its energy can't be told from those of other settings")
    failures = np.where((level.failures == "") & ~there, lost, level.failures)
    return replace(level, energies=energies, failures=failures, scheme=known.references.scheme)
