"""Selectivity under uncertainty: the scores of reactions on jointly sampled hulls, and what would settle them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import HullError
from aiida_mlhull.science.hull.phase_space import CAN_COMPETE, PhaseSpace
from aiida_mlhull.science.hull.probability import SAMPLES
from aiida_mlhull.science.hull.reactions.selectivity import ABSENT, Weights
from aiida_mlhull.science.hull.reactions.slices import ROOM
from aiida_mlhull.science.hull.sampling import SHARED, sample_energies
from aiida_mlhull.science.types import Predictions
from aiida_mlhull.science.types.crystals import Floats, Integers

QUANTILES: Final = (0.05, 0.5, 0.95)
BINS: Final = 10
"""Ranges of an unknown energy, equally likely, whose best reactions are compared."""
COUNTED: Final = 1e-4
"""eV/atom; a smaller gain in Γ does not justify a relaxation."""


@dataclass(frozen=True, eq=False)
class SampledSelectivity:
    """Scores of r reactions in S samples of all uncertain energies.

    Attributes:
        reaction_energy: (S, r) eV/atom; NaN where the target is not among the products.
        deepest: (S, r) whether the target is the deepest point.
        primary: (S, r) eV/atom, C1.
        secondary: (S, r) eV/atom, C2.
        uncertain: ids of the u phases whose energies were drawn.
        drawn: (S, u) their energies, eV per conserved atom.
    """

    reaction_energy: Floats
    deepest: Floats
    primary: Floats
    secondary: Floats
    uncertain: tuple[str, ...]
    drawn: Floats

    @property
    def p_exergonic(self) -> Floats:
        """(r,) P(ΔE < 0); a sample in which the target doesn't form counts as one in which it doesn't react."""
        return np.asarray((np.nan_to_num(self.reaction_energy, nan=0.0) < 0).mean(axis=0))

    @property
    def p_deepest(self) -> Floats:
        """(r,) P(the target is the deepest point of the slice)."""
        return np.asarray(self.deepest.mean(axis=0))

    def primary_quantiles(self) -> Floats:
        """(3, r) eV/atom, C1 at 5, 50 and 95 %, of the samples in which the target forms."""
        return _quantiles(self.primary)

    def gamma(self, weights: Weights = Weights()) -> Floats:  # noqa: B008  (a tuple)
        """(S, r) eV/atom, Γ."""
        return np.asarray(
            weights.reaction_energy * self.reaction_energy
            + weights.primary * self.primary
            + weights.secondary * self.secondary
        )


@dataclass(frozen=True)
class Decisive:
    """What knowing one energy would change.

    Attributes:
        id: of the phase.
        p_changes: chance that another reaction would then be recommended.
        gain: eV/atom by which Γ of the recommended reaction is expected to be lower then.
    """

    id: str
    p_changes: float
    gain: float


def _quantiles(values: Floats) -> Floats:
    out = np.full((len(QUANTILES), values.shape[1]), np.nan)
    for column in range(values.shape[1]):
        formed = values[np.isfinite(values[:, column]), column]
        if len(formed):
            out[:, column] = np.quantile(formed, QUANTILES)
    return out


def sampled_selectivity(
    space: PhaseSpace,
    target: int,
    pairs: Integers,
    predictions: Predictions,
    *,
    samples: int = SAMPLES,
    seed: int = 0,
    shared: float = SHARED,
) -> SampledSelectivity:
    """Scores of pairs of reactants on the hulls that P(stable) is counted on.

    Args:
        space: all phases that compete; those whose ids are in ``predictions`` are uncertain.
        target: row of the target.
        pairs: (r, 2) rows of the reactants.
        predictions: energies in eV/atom and their spread.
        samples: hulls to draw.
        seed: the only source of chance.
        shared: see :func:`~aiida_mlhull.science.hull.sampling.sample_energies`.

    Raises:
        HullError: if a slice could not be certified.
    """
    from aiida_mlhull.science.hull.reactions.walk import gather, score_samples  # noqa: PLC0415  (numba, only when needed)

    inside = predictions.take(np.isin(predictions.ids, space.ids))
    rows = np.asarray([int(np.flatnonzero(space.ids == name)[0]) for name in inside.ids.tolist()], dtype=np.int64)
    drawn = np.tile(space.energies, (samples, 1))
    if len(rows):
        drawn[:, rows] += _deviations(inside, samples=samples, seed=seed, shared=shared) * space.scale[rows]
    asked = np.asarray(pairs, dtype=np.int64).reshape(-1, 2)
    kept = _can_compete(space, drawn, target)
    columns, k = space.fractions.T, len(space.elements)
    scores, states = np.full((len(asked), samples, 8), np.nan), np.zeros((len(asked), samples), dtype=np.int64)
    for i, (a, b) in enumerate(asked.tolist()):
        elements = np.flatnonzero((space.fractions[a] > 0) | (space.fractions[b] > 0))
        wanted = np.int64((np.int64(1) << elements).sum())
        dense, _, origin = gather(
            np.ascontiguousarray(columns[:, kept]), space.energies[kept], space.masks[kept], wanted, elements
        )
        at = np.flatnonzero(kept[origin] == target)
        if not len(at):
            continue
        start, end = space.fractions[a][elements], space.fractions[b][elements]
        system = np.ascontiguousarray(drawn[:, kept[origin]])
        own = np.ascontiguousarray(drawn[:, a]), np.ascontiguousarray(drawn[:, b])
        score_samples(dense, system, int(at[0]), start, end, *own, ROOM, scores[i], states[i])
        if (states[i] < ABSENT).any():
            names = " + ".join(space.formulas[[a, b]].tolist())
            raise HullError(f"a sampled slice of {names} in {k} elements could not be certified")
    scores[states == ABSENT] = np.nan
    return SampledSelectivity(
        reaction_energy=scores[:, :, 2].T,
        deepest=np.nan_to_num(scores[:, :, 3].T),
        primary=scores[:, :, 5].T,
        secondary=scores[:, :, 6].T,
        uncertain=tuple(inside.ids.tolist()),
        drawn=drawn[:, rows],
    )


def _deviations(predictions: Predictions, *, samples: int, seed: int, shared: float) -> Floats:
    """(S, u) eV/atom, sampled energies less their means."""
    return np.asarray(sample_energies(predictions, samples=samples, seed=seed, shared=shared) - predictions.mean)


def _can_compete(space: PhaseSpace, drawn: Floats, target: int) -> Integers:
    """Rows of the phases that lie on the hull of some sample: below the hull of all highest energies."""
    highest = replace(space, energies=drawn.max(axis=0))
    alive = drawn.min(axis=0) <= highest.hull(without=target) + CAN_COMPETE
    alive[: len(space.elements)] = True
    alive[target] = True
    return np.flatnonzero(alive)


def decisive(scores: SampledSelectivity, *, weights: Weights = Weights()) -> list[Decisive]:  # noqa: B008
    """The uncertain phases whose energy, once known, could change which reaction is recommended.

    Samples are put into ranges of one phase's energy; where the reaction of lowest mean Γ differs between
    ranges, knowing the energy changes the choice, and the gain is what the better choices are worth
    (the expected value of partial perfect information).

    Returns:
        The most valuable first; empty where nothing would change.
    """
    gamma = np.nan_to_num(scores.gamma(weights), nan=0.0)  # no target: as good as not reacting
    samples, reactions = gamma.shape
    best = int(gamma.mean(axis=0).argmin()) if reactions else 0
    judged: list[Decisive] = []
    for column, name in enumerate(scores.uncertain):
        order = np.argsort(scores.drawn[:, column], kind="stable")
        gain, changes = 0.0, 0
        for part in np.array_split(order, BINS):
            means = gamma[part].mean(axis=0)
            choice = int(means.argmin())
            if means[choice] < means[best] - COUNTED:
                gain += (means[best] - means[choice]) * len(part)
                changes += len(part)
        if changes:
            judged.append(Decisive(name, changes / samples, gain / samples))
    return sorted(judged, key=lambda item: (-item.gain, item.id))
