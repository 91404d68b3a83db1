"""Candidates and references: read from files of other people, checked before anything is stored."""

from aiida_mlhull.science.reading.candidates import Intake, read_candidates
from aiida_mlhull.science.reading.references import ReferenceIntake, read_references, relevant
from aiida_mlhull.science.reading.sieve import LeftOut

__all__ = ["Intake", "LeftOut", "ReferenceIntake", "read_candidates", "read_references", "relevant"]
