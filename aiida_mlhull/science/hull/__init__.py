"""The convex hull: exact, certified, incremental, under uncertainty. Compositions and energies, nothing else."""

from aiida_mlhull.science.hull.distances import HullDistances, distances, hull_energies
from aiida_mlhull.science.hull.end_members import EndMembers, check_end_members, missing_end_members
from aiida_mlhull.science.hull.live import LiveHull
from aiida_mlhull.science.hull.points import HullPoints
from aiida_mlhull.science.hull.probability import HullSpread, StableChances, hull_spread, stable_chances
from aiida_mlhull.science.hull.references import with_results
from aiida_mlhull.science.hull.stability import Stability, stability

__all__ = [
    "EndMembers",
    "HullDistances",
    "HullPoints",
    "HullSpread",
    "LiveHull",
    "Stability",
    "StableChances",
    "check_end_members",
    "distances",
    "hull_energies",
    "hull_spread",
    "missing_end_members",
    "stability",
    "stable_chances",
    "with_results",
]
