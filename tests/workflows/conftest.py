"""A whole small campaign on published results, run once and asked many things."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aiida_mlhull.science.candidates.competing import read_references
from aiida_mlhull.science.candidates.intake import read_candidates
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.types import Candidates, Labels, References

DEMO = Path(str(resources.files("aiida_mlhull") / "demo_data"))
SYSTEM = {"As", "Cd"}


@dataclass(frozen=True)
class Excerpt:
    """Candidates with their published results, and what they compete with."""

    candidates: Candidates
    record: Labels
    references: References


@pytest.fixture(scope="session")
def binary() -> Excerpt:
    """The hypothetical cadmium arsenides of the demo's data."""
    intake = read_candidates(DEMO / "hypothetical_pnictides.parquet", bad_rows="leave_out")
    references = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json").references
    inside = np.array([set(reduce_formula(f).symbols) <= SYSTEM for f in intake.candidates.formulas.tolist()])
    return Excerpt(intake.candidates.take(inside), intake.record.take(inside), references)


@pytest.fixture(scope="session")
def recorded_campaign() -> dict[str, Any]:
    """Settings of a campaign in three rounds on a record, with trees that are fitted in a second."""
    return {
        "name": "binary",
        "seed": 3,
        "start": 20,
        "stages": [
            {
                "name": "final",
                "engine": "recorded",
                "core_minutes": 605,
                "gate": {"rule": "two_sigma", "rounds": 2, "batch": 10},
            }
        ],
        "ensemble": {"model": "trees_gp", "members": 2},
    }
