"""Real rows for tests of whole jobs: hypothetical arsenides of the demo's data (its SOURCE.md names where from)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np

from aiida_mlhull.science.reading import read_candidates, read_references
from aiida_mlhull.science.types import Candidates, Decisions, Labels, References, Table

DEMO = Path(str(resources.files("aiida_mlhull") / "demo_data"))


@dataclass(frozen=True)
class Excerpt:
    """Candidates, their published results, and the phases that they compete with."""

    candidates: Candidates
    record: Labels
    references: References


@cache
def every_sixth() -> Excerpt:
    """59 binary and ternary arsenides."""
    intake = read_candidates(DEMO / "hypothetical_pnictides.parquet", bad_rows="leave_out")
    references = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json").references
    some = np.arange(0, len(intake.candidates), 6)
    assert intake.record is not None
    return Excerpt(intake.candidates.take(some), intake.record.take(some), references)


@cache
def simplest(n: int) -> Excerpt:
    """The ``n`` arsenides with the smallest cells, relaxed by a potential in milliseconds; many become the same."""
    intake = read_candidates(DEMO / "hypothetical_pnictides.parquet", bad_rows="leave_out")
    references = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json").references
    rows = smallest(intake.candidates, n)
    assert intake.record is not None
    return Excerpt(intake.candidates.take(rows), intake.record.take(rows), references)


def smallest(cells: Candidates, n: int) -> list[int]:
    """Row numbers of the ``n`` smallest cells."""
    assert cells.crystals is not None
    return sorted(np.argsort(cells.crystals.n_sites, kind="stable")[:n].tolist())


def choice(cells: Table, rows: Any) -> Decisions:
    """Decisions that keep the rows with these numbers."""
    keep = np.isin(np.arange(len(cells)), rows)
    zeros = np.zeros(len(cells))
    return Decisions(
        ids=cells.ids,
        formulas=cells.formulas,
        keep=keep,
        reasons=np.where(keep, "x_chosen", "x_not_chosen"),
        values=zeros,
        thresholds=zeros,
        margins=zeros,
        scores=zeros,
        rule="by_hand",
    )
