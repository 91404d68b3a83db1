"""Spreads brought to the size of the errors on rows that a member hasn't learned from.

Every member keeps its own rows aside, so that out-of-member predictions come free: a row is predicted
by the members that didn't learn from it, as if they were the ensemble. Two factors for σ follow
from their errors e:

- *variance scaling*, the root mean square of e / σ (Levi et al., Sensors 22 (2022) 5540, for one scalar);
- a *conformal quantile*: the ceil((n + 1) p)-th smallest abs(e) / σ, within which a further row falls with
  probability p whatever the distribution (Lei et al., J. Am. Stat. Assoc. 113 (2018) 1094).

The mean of the few members that know nothing of a row errs a little more than that of all, so both lie
on the safe side. An ensemble belongs to the cells of one relaxation stage, and so do its factors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.ensembles.settings import Calibrated
from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.tables import Strings
from aiida_mlhull.science.units import share_of

SCORE: Final = "held_out"
"""Score of a member: ids, targets, means and spreads of the rows that it didn't learn from."""
LEVELS: Final = (0.5, 0.68, 0.9, 0.95)
_STATED: Final = 0.95
"""The conformal factor makes this level right."""
_LEAST: Final = 0.05
"""Share of the aleatoric spread that is left where the members differ by more than the calibrated σ."""


@dataclass(frozen=True, eq=False)
class HeldOut:
    """Out-of-member predictions of n rows, in the target's unit.

    Attributes:
        ids: (n,).
        targets: (n,) what was to be learned.
        means: (n,) mean over the members that didn't learn from the row.
        aleatoric: (n,) root mean square of their own spreads.
        epistemic: (n,) their standard deviation, as the whole ensemble would state it; pooled over
            all rows where a row has one such member only.
        counts: (n,) number of these members.
    """

    ids: Strings
    targets: Floats
    means: Floats
    aleatoric: Floats
    epistemic: Floats
    counts: Integers

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def errors(self) -> Floats:
        """(n,) predicted minus true."""
        return self.means - self.targets

    @property
    def sigma(self) -> Floats:
        """(n,) as the members state it, before any calibration."""
        return np.hypot(self.aleatoric, self.epistemic)


def note(ids: Strings, targets: Floats, means: Floats, spreads: Floats | None) -> dict[str, Any]:
    """The score :data:`SCORE` of one member, as plain JSON."""
    return {
        "ids": ids.tolist(),
        "targets": targets.tolist(),
        "means": means.tolist(),
        "spreads": None if spreads is None else spreads.tolist(),
    }


def out_of_member(members: Sequence[MemberWeights]) -> HeldOut:
    """Join the members' predictions for the rows that they were not trained on."""
    notes = [weights.scores[SCORE] for weights in members if SCORE in weights.scores]
    typical = [float(np.sqrt(weights.scores["validation_mse"])) for weights in members if SCORE in weights.scores]
    said = np.concatenate([np.asarray(one["ids"], dtype=np.str_) for one in notes] or [np.empty(0, dtype="U1")])
    ids, row, counts = np.unique(said, return_inverse=True, return_counts=True)
    targets, means = np.zeros(len(ids)), _stacked([one["means"] for one in notes])
    targets[row] = _stacked([one["targets"] for one in notes])
    own = [
        one["spreads"] or [spread] * len(one["ids"]) for one, spread in zip(notes, typical, strict=True)
    ]  # a loss without spreads of its own: the root of the member's validation MSE (Ekström 2022)
    center = _sums(row, means, len(ids)) / counts
    squares = _sums(row, np.square(means - center[row]), len(ids))
    return HeldOut(
        ids=ids,
        targets=targets,
        means=center,
        aleatoric=np.sqrt(_sums(row, np.square(_stacked(own)), len(ids)) / counts),
        epistemic=np.sqrt(_member_variance(squares, counts.astype(np.int64), members=len(members))),
        counts=counts.astype(np.int64),
    )


def _sums(row: Integers, values: Floats, n: int) -> Floats:
    return np.asarray(np.bincount(row, values, n), dtype=np.float64)


def _stacked(columns: Sequence[Sequence[float]]) -> Floats:
    return np.concatenate([np.asarray(column, dtype=np.float64) for column in columns] or [np.empty(0)])


def _member_variance(squares: Floats, counts: Integers, *, members: int) -> Floats:
    """Unbiased variance over a row's members, as the 1/M convention of the whole ensemble shows it."""
    several = counts > 1
    variance = np.zeros(len(squares))
    variance[several] = squares[several] / (counts[several] - 1) * (members - 1) / members
    variance[~several] = variance[several].mean() if several.any() else 0.0
    return variance


def calibrate(members: Sequence[MemberWeights], *, method: Calibrated) -> dict[str, Any]:
    """What an ensemble keeps of its calibration, as plain JSON.

    Returns:
        ``method``, the ``factor`` that it gives for σ (1 for ``none``), the number of out-of-member
        ``rows``, and both kinds of factors: ``variance``, and ``conformal`` quantiles of abs(e) / σ by level.
        Empty if no row was held out, or all errors are zero.
    """
    from scipy.special import ndtri  # noqa: PLC0415  (half a second to import, of those who calibrate only)

    held = out_of_member(members)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.abs(held.errors) / held.sigma
    ratios = ratios[np.isfinite(ratios)]
    if not ratios.any():
        return {}
    quantiles = {str(level): conformal_quantile(ratios, level) for level in LEVELS}
    variance = float(np.sqrt(np.mean(np.square(ratios))))
    stated = float(ndtri((1.0 + _STATED) / 2.0))
    factors = {"none": 1.0, "variance": variance, "conformal": quantiles[str(_STATED)] / stated}
    return {
        "method": method,
        "factor": factors[method],
        "rows": len(ratios),
        "variance": variance,
        "conformal": quantiles,
    }


def conformal_quantile(scores: Floats, level: float) -> float:
    """The ceil((n + 1) p)-th smallest of n ``scores``; their largest where there are too few for ``level``."""
    place = share_of(len(scores) + 1, level)
    return float(np.sort(scores)[min(place, len(scores)) - 1])


def scaled_spreads(members: Floats, spreads: Floats, *, factor: float) -> Floats:
    """(n, M) aleatoric spreads with which σ becomes ``factor`` times what it was.

    What the members differ by stays as it is, being what they say; all the rest is put on the
    aleatoric side, of which a twentieth is left where the members alone differ by more than the new σ.

    Args:
        members: (n, M) every member's value.
        spreads: (n, M) its own spread.
        factor: of σ.
    """
    aleatoric = np.mean(np.square(spreads), axis=1)
    epistemic = members.var(axis=1)
    wanted = factor**2 * (aleatoric + epistemic) - epistemic
    share = np.divide(wanted, aleatoric, out=np.ones_like(wanted), where=aleatoric > 0)
    return np.asarray(spreads * np.sqrt(np.maximum(share, _LEAST**2))[:, None])
