"""Candidates and references: read from files of other people, checked before anything is stored."""

from aiida_mlhull.science.candidates.competing import ReferenceIntake, read_references, relevant
from aiida_mlhull.science.candidates.faults import LeftOut
from aiida_mlhull.science.candidates.intake import Intake, read_candidates

__all__ = ["Intake", "LeftOut", "ReferenceIntake", "read_candidates", "read_references", "relevant"]
