"""Hypothetical pnictides before and after relaxation: the published table where it is at hand, else the demo's excerpt.

Source: Pandey et al., Patterns 2 (2021) 100361, and competing phases of Law et al., JACS Au 3 (2023) 113; see
``aiida_mlhull/demo_data/SOURCE.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from aiida_mlhull.science.ensembles.rows import training_rows
from aiida_mlhull.science.reading.candidates import read_candidates
from aiida_mlhull.science.reading.references import read_references, relevant
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.representations.volumes import fit_atomic_volumes
from aiida_mlhull.science.types import Candidates, Labels, References, TrainingRows
from aiida_mlhull.science.types.crystals import Integers
from benchmarks.places import find

PUBLISHED = (
    "pnictides/hypothetical_pairs.parquet",
    "pnictides/competing_phases_icsd_pbe.parquet",
    "pnictides/elemental_reference_energies_ev_per_atom.json",
)
EXCERPT = ("hypothetical_pnictides.parquet", "competing_phases.parquet", "elements.json")
"""Files of the demo's data."""

SYSTEMS_SEED = 20261129


@dataclass(frozen=True, eq=False)
class Pnictides:
    """n clean pairs.

    Attributes:
        rows: unrelaxed and relaxed cells, energies (eV/atom), and as baselines the mixture of the elements.
        known: competing phases and elements, on the energy scale of the rows.
        source: name of the table.
    """

    rows: TrainingRows
    known: References
    source: str

    def minima(self) -> Integers:
        """(n,) number of the crystal that a row relaxed to: one formula, one energy to 1 meV/atom."""
        rows = self.rows
        keys = [f"{f} {e:.3f}" for f, e in zip(rows.formulas, rows.energies, strict=True)]
        return np.unique(keys, return_inverse=True)[1].astype(np.int64)

    def split(self, *, share: float, seed: int) -> tuple[Integers, Integers]:
        """Row numbers to learn from and to test on; rows that relaxed to one crystal stay together."""
        minima = self.minima()
        turn = np.random.default_rng(seed).permutation(minima.max() + 1)[minima]
        tested = turn < share * (minima.max() + 1)
        return np.flatnonzero(~tested), np.flatnonzero(tested)


@dataclass(frozen=True, eq=False)
class Recorded:
    """The same as a campaign is given it: candidates with unrelaxed cells, their results, and known phases."""

    candidates: Candidates
    record: Labels
    known: References
    source: str


def read_recorded(*, systems: int | None = None) -> Recorded:
    """The published files if all of them are found, else the excerpt; of so many chemical systems, drawn at random."""
    published = [find(name) for name in PUBLISHED]
    folder = Path(__file__).parents[1] / "aiida_mlhull" / "demo_data"
    files = [file for file in published if file is not None]
    pairs, phases, elements = files if len(files) == len(PUBLISHED) else [folder / name for name in EXCERPT]
    intake = read_candidates(pairs, bad_rows="leave_out")
    known = relevant(read_references(phases, elements=elements, bad_rows="leave_out").references, intake.candidates)
    candidates, record = intake.candidates, intake.require_record()
    if systems is not None:
        compositions, which = distinct(candidates.formulas.tolist())
        names = np.array([composition.chemical_system for composition in compositions])[which]
        chosen = np.random.default_rng(SYSTEMS_SEED).permutation(np.unique(names))[:systems]
        ids = candidates.ids[np.isin(names, chosen)]
        candidates, record = candidates.select(ids), record.select(ids)
    return Recorded(candidates, record, known, pairs.name)


def read_pnictides() -> Pnictides:
    """The published files if all of them are found, else the excerpt."""
    read = read_recorded()
    rows = training_rows(read.candidates, read.record, read.known, baseline="references").rows
    return Pnictides(rows, read.known, read.source)


def scaled(rows: TrainingRows, learned: Integers) -> TrainingRows:
    """Unrelaxed cells, whose volumes are those of their parents, scaled to a fit to the rows to learn from."""
    volumes = fit_atomic_volumes(rows.relaxed.take(learned))
    return replace(rows, crystals=rows.crystals.with_volumes_per_atom(volumes.per_atom(rows.crystals)))
