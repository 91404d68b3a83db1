"""A finished campaign against the truth: what was found, what was saved, how far the hull is off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.hull import LiveHull, stability
from aiida_mlhull.science.metrics.classification import ratio
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans, Strings
from aiida_mlhull.science.units import MEV_PER_EV, ON_HULL_TOLERANCE

NEAR_HULL: Final = 0.025
"""eV/atom; phases this close to the hull are often made all the same."""


@dataclass(frozen=True)
class CampaignScores:
    """What a campaign reached. Counts are rows (candidates), polymorphs counted one by one.

    Attributes:
        n_candidates: all candidates.
        n_trained_on: relaxed to start with, before a model had a say.
        n_relaxed: relaxed altogether, the former included.
        n_true_on_hull: truly on the hull of references and all candidates, within 1e-6 eV/atom.
        n_true_within_25mev: truly at most 25 meV/atom above it.
        recall_on_hull: share of those on the hull that were relaxed.
        recall_25mev: share of those within 25 meV/atom that were relaxed.
        recall_on_hull_merged: the same, counting also candidates that were found to be the same crystal
            as a relaxed one.
        recall_25mev_merged: likewise.
        precision: share of the relaxed ones that are on the hull.
        precision_25mev: share of the relaxed ones that are within 25 meV/atom.
        hull_error_mean_mev: meV/atom, found minus true hull energy, mean over the candidates' compositions.
        hull_error_max_mev: meV/atom, its largest value.
        relaxations_saved_fraction: share of the candidates that was not relaxed.
        core_minutes: what it cost.
        hull_matches: whether the found hull is the true one at all compositions, within 1e-6 eV/atom.
    """

    n_candidates: int
    n_trained_on: int
    n_relaxed: int
    n_true_on_hull: int
    n_true_within_25mev: int
    recall_on_hull: float
    recall_25mev: float
    recall_on_hull_merged: float
    recall_25mev_merged: float
    precision: float
    precision_25mev: float
    hull_error_mean_mev: float
    hull_error_max_mev: float
    relaxations_saved_fraction: float
    core_minutes: float
    hull_matches: bool


@dataclass(frozen=True, eq=False)
class RecallCurve:
    """The state of the campaign after ever more relaxations.

    Attributes:
        relaxed: (p,) relaxations done.
        fraction: (p,) share of all candidates.
        recall_on_hull: (p,) share of the truly stable candidates among them, NaN where there are none to find.
        recall_25mev: (p,) share of those within 25 meV/atom of the hull, likewise.
        hull_error_mean_mev: (p,) meV/atom, over the candidates' compositions.
        hull_error_max_mev: (p,) meV/atom.
    """

    relaxed: Integers
    fraction: Floats
    recall_on_hull: Floats
    recall_25mev: Floats
    hull_error_mean_mev: Floats
    hull_error_max_mev: Floats


def campaign_scores(
    truth: References,
    known: References,
    *,
    relaxed: Sequence[str] | Strings,
    trained_on: Sequence[str] | Strings = (),
    failed: Sequence[str] | Strings = (),
    merged: Mapping[str, str] | None = None,
    core_minutes: float = 0.0,
    hopeless: Sequence[str] | Strings = (),
) -> CampaignScores:
    """Compare a campaign with the truth about all of its candidates.

    The hull is spanned by ``known`` and all candidates, and computed here: distances in published tables
    come from other sets of rows.

    Args:
        truth: all candidates with their true energies.
        known: the references; none of the candidates.
        relaxed: ids of the candidates that went through the last stage, in any order.
        trained_on: ids of those that were relaxed before a model had a say; spent as well.
        failed: ids among the two whose relaxation gave nothing: spent, but not found.
        merged: id to id: candidates that were taken to be the same crystal as another one.
        core_minutes: what the campaign cost.
        hopeless: ids of candidates, none of ``truth``, whose relaxation is known to give nothing: they are candidates
            like the others, spent where they are among the relaxed, and never found.

    Raises:
        TableError: if ids are unknown, or there are no candidates.
        MissingEndMembersError: if ``known`` lacks an element.
    """
    if not len(truth):
        raise TableError("a campaign without candidates has no scores")
    lost = set(map(str, hopeless))
    lost_start, lost_spent = lost & set(map(str, trained_on)), lost & {*map(str, relaxed), *map(str, trained_on)}
    start = _mask(truth, _others(trained_on, lost))
    spent = _mask(truth, _others(relaxed, lost)) | start
    found = spent & ~_mask(truth, _others(failed, lost))
    with_twins = found | _mask(truth, _reached(merged or {}, set(truth.ids[found].tolist())))
    on_hull, near = true_marks(truth, known)
    error = MEV_PER_EV * (_hull(truth, known, found) - _hull(truth, known, np.ones(len(truth), dtype=bool)))
    return CampaignScores(
        n_candidates=len(truth) + len(lost),
        n_trained_on=int(start.sum()) + len(lost_start),
        n_relaxed=int(spent.sum()) + len(lost_spent),
        n_true_on_hull=int(on_hull.sum()),
        n_true_within_25mev=int(near.sum()),
        recall_on_hull=_share(found, of=on_hull),
        recall_25mev=_share(found, of=near),
        recall_on_hull_merged=_share(with_twins, of=on_hull),
        recall_25mev_merged=_share(with_twins, of=near),
        precision=ratio(int((on_hull & found).sum()), int(spent.sum()) + len(lost_spent)),
        precision_25mev=ratio(int((near & found).sum()), int(spent.sum()) + len(lost_spent)),
        hull_error_mean_mev=float(error.mean()),
        hull_error_max_mev=float(error.max()),
        relaxations_saved_fraction=1.0 - (int(spent.sum()) + len(lost_spent)) / (len(truth) + len(lost)),
        core_minutes=core_minutes,
        hull_matches=bool(error.max() <= MEV_PER_EV * ON_HULL_TOLERANCE),
    )


def recall_curve(
    truth: References, known: References, *, order: Sequence[str] | Strings, points: int = 200
) -> RecallCurve:
    """What had been found after ever more relaxations.

    The hull follows each batch incrementally, so a curve costs little more than one hull.

    Args:
        truth: all candidates with their true energies.
        known: the references; none of the candidates.
        order: ids in the order in which they were relaxed; may end before all are.
        points: at most so many points, evenly spread, the first before any relaxation.

    Raises:
        TableError: if ids are unknown or repeated, or there are no candidates.
        MissingEndMembersError: if ``known`` lacks an element.
    """
    if not len(truth):
        raise TableError("a campaign without candidates has no curve")
    rows = truth.positions(order)
    if len(np.unique(rows)) != len(rows):
        raise TableError("an order of relaxations names every candidate at most once")
    on_hull, near = true_marks(truth, known)
    target = _hull(truth, known, np.ones(len(truth), dtype=bool))
    formulas = [composition.formula for composition in distinct(truth.formulas.tolist())[0]]
    live = LiveHull(formulas, known)
    stops = np.unique(np.linspace(0, len(rows), min(points, len(rows) + 1)).round().astype(np.int64))
    mean, largest = np.empty(len(stops)), np.empty(len(stops))
    for point, (before, stop) in enumerate(zip([0, *stops[:-1].tolist()], stops.tolist(), strict=True)):
        batch = rows[before:stop]
        live.add(truth.ids[batch].tolist(), truth.formulas[batch].tolist(), truth.energies[batch])
        error = MEV_PER_EV * (live.hull_energy - target)
        mean[point], largest[point] = error.mean(), error.max()

    def recall(wanted: Booleans) -> Floats:
        found = np.concatenate([[0], np.cumsum(wanted[rows])])[stops]
        return np.asarray(found / wanted.sum() if wanted.any() else np.full(len(found), np.nan))

    return RecallCurve(
        relaxed=stops,
        fraction=stops / len(truth),
        recall_on_hull=recall(on_hull),
        recall_25mev=recall(near),
        hull_error_mean_mev=mean,
        hull_error_max_mev=largest,
    )


def true_marks(truth: References, known: References) -> tuple[Booleans, Booleans]:
    """(n,) which candidates lie on the hull of everything, and (n,) which within 25 meV/atom of it."""
    above = stability(truth.formulas, truth.energies, known).e_above_hull
    return above <= ON_HULL_TOLERANCE, above <= NEAR_HULL


def _hull(truth: References, known: References, found: Booleans) -> Floats:
    """(m,) eV/atom, the hull of what is known and what was found, at the candidates' compositions."""
    formulas = [composition.formula for composition in distinct(truth.formulas.tolist())[0]]
    live = LiveHull(formulas, known)
    live.add(truth.ids[found].tolist(), truth.formulas[found].tolist(), truth.energies[found])
    return live.hull_energy


def _others(ids: Sequence[str] | Strings, lost: set[str]) -> list[str]:
    """The ids that are not among the lost."""
    return [str(name) for name in ids if str(name) not in lost]


def _mask(truth: References, ids: Sequence[str] | Strings) -> Booleans:
    """(n,) which rows have these ids."""
    marked = np.zeros(len(truth), dtype=bool)
    marked[truth.positions(ids)] = True
    return marked


def _share(part: Booleans, *, of: Booleans) -> float:
    return ratio(int((part & of).sum()), int(of.sum()))


def _reached(merged: Mapping[str, str], found: set[str]) -> list[str]:
    """Ids whose chain of mergers ends at a candidate that was found."""
    reached = []
    for name in merged:
        other, seen = name, {name}
        while other not in found and merged.get(other, name) not in seen:
            other = merged[other]
            seen.add(other)
        if other in found:
            reached.append(name)
    return reached
