"""The hull under uncertainty: how likely each candidate is stable, all candidates competing.

Independent chances Φ(-ΔE/σ) count several rivals for one place on the hull as several new phases.
Here every sample is one hull, in which a composition is occupied once and neighbors push each other
off it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import HullError
from aiida_mlhull.science.hull.distances import Formulas
from aiida_mlhull.science.hull.drawn import DrawnHulls
from aiida_mlhull.science.hull.end_members import check_end_members
from aiida_mlhull.science.hull.sampling import SHARED, sample_energies
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import Predictions, References
from aiida_mlhull.science.types.crystals import Floats

SAMPLES: Final = 1000
"""Hulls drawn where nothing else is asked for; a chance of 2 % is then known to 0.4 %."""


@dataclass(frozen=True, eq=False)
class StableChances:
    """Chances from sampled hulls of what is known and n candidates.

    Attributes:
        p_stable: (n,) share of the hulls on which each candidate lies.
        new_phases: expected number of different compositions that a candidate puts on the hull.
        new_phases_std: standard deviation of that number over the samples.
        samples: hulls drawn.
    """

    p_stable: Floats
    new_phases: float
    new_phases_std: float
    samples: int


@dataclass(frozen=True, eq=False)
class HullSpread:
    """How certain the hull itself is at m compositions.

    Attributes:
        mean: (m,) eV/atom, mean of the sampled hull energies.
        std: (m,) eV/atom, their standard deviation.
        certainty: (m,) share of the samples in which the composition falls apart into the same phases
            as on the hull of mean predictions; for one that is stable there, the chance that it stays so.
    """

    mean: Floats
    std: Floats
    certainty: Floats

    @property
    def widest(self) -> int:
        """The composition at which the hull is least certain."""
        return int(self.std.argmax())


def stable_chances(
    predictions: Predictions,
    known: References,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    shared: float = SHARED,
) -> StableChances:
    """P(stable) of every candidate.

    Columns that can't lie on any of the sampled hulls are dropped beforehand, which is exact: a column
    whose best energy lies above the hull of all worst energies is above every sampled hull.
    Memory: 8 bytes a sample and row.

    Args:
        predictions: n candidates.
        known: references and own results; their energies are certain.
        samples: hulls to draw.
        seed: the only source of chance.
        shared: see :func:`~aiida_mlhull.science.hull.sampling.sample_energies`.

    Raises:
        MissingEndMembersError: if ``known`` lacks an element.
        HullError: if a sampled program could not be solved.
    """
    from aiida_mlhull.science.hull.simplex import sample_stable  # noqa: PLC0415  (numba, only when needed)

    check_end_members(predictions.formulas.tolist(), known)
    drawn = DrawnHulls(predictions, known, sample_energies(predictions, samples=samples, seed=seed, shared=shared))
    occupied = np.ones(drawn.lowest.shape, dtype=bool)
    for system in drawn.systems(drawn.compositions):
        if len(system.numbers) == 1:
            continue  # an element always occupies its own corner
        live = system.pruned()
        on_hull = np.empty((samples, len(live.at)), dtype=bool)
        if not sample_stable(live.columns, live.energies, live.at, on_hull):
            raise HullError(f"a sampled hull of {drawn.compositions[system.targets[0]].chemical_system} was not solved")
        occupied[:, system.targets] = False
        occupied[:, live.targets] = on_hull
    taken = occupied & drawn.won
    phases = taken.sum(axis=1)
    return StableChances(
        p_stable=drawn.row_shares(taken),
        new_phases=float(phases.mean()),
        new_phases_std=float(phases.std()),
        samples=samples,
    )


def hull_spread(
    formulas: Formulas,
    predictions: Predictions,
    known: References,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    shared: float = SHARED,
) -> HullSpread:
    """How certain the hull of what is known and what is predicted is at the compositions of ``formulas``.

    Args:
        formulas: m formulas, of candidates, of known phases, or of anything between them.
        predictions: n candidates.
        known: references and own results; their energies are certain.
        samples: hulls to draw.
        seed: the only source of chance.
        shared: see :func:`~aiida_mlhull.science.hull.sampling.sample_energies`.

    Raises:
        MissingEndMembersError: if ``known`` lacks an element.
        HullError: if a sampled program could not be solved.
    """
    from aiida_mlhull.science.hull.simplex import sample_hull  # noqa: PLC0415  (numba, only when needed)

    names = np.asarray(formulas, dtype=np.str_).tolist()
    check_end_members([*names, *predictions.formulas.tolist()], known)
    energies = sample_energies(predictions, samples=samples, seed=seed, shared=shared)
    drawn = DrawnHulls(predictions, known, np.vstack([predictions.mean, energies]))
    asked, which = distinct(names)
    mean, std, certainty = np.empty(len(asked)), np.empty(len(asked)), np.empty(len(asked))
    for system in drawn.systems(asked):
        values = np.empty((samples + 1, len(system.targets)))
        like_first = np.empty(values.shape, dtype=bool)
        if not sample_hull(system.columns, system.energies, system.points, values, like_first):
            raise HullError(f"a sampled hull of {asked[system.targets[0]].chemical_system} was not solved")
        mean[system.targets] = values[1:].mean(axis=0) + system.points @ drawn.ground.plane[list(system.numbers)]
        std[system.targets] = values[1:].std(axis=0)
        certainty[system.targets] = like_first[1:].mean(axis=0)
    return HullSpread(mean=mean[which], std=std[which], certainty=certainty[which])
