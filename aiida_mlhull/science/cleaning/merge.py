"""Candidates that a stage has brought to the same crystal go on as one.

Hypothetical crystals crowd: on the pnictides that this was measured on, two relaxations in five end where
another has already been. Two crystals count as the same if they agree in everything that is cheap to look
at, most telling last: formula, energy of the stage, volume, protostructure label, lattice sums (see
:mod:`~aiida_mlhull.science.representations.identity`), and finally pymatgen's ``StructureMatcher`` where
the label leaves anything but the scale open. The lattice sums do most of the work: the matcher alone can't
tell crystals apart whose energies differ by 40 meV/atom.

Labels must agree, up to mirror images: giving pairs with different labels a second chance was measured and is wrong
more often than not.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from pymatgen.analysis.structure_matcher import StructureMatcher

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.representations.identity import shapes
from aiida_mlhull.science.representations.wyckoff import free_parameters, of_either_hand, protostructures
from aiida_mlhull.science.types import Decisions, Labels
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.reasons import Reason, code_of, detail_of, naming
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.units import share_of

RULE: Final = "merge"
ENERGY_TOLERANCE: Final = 0.002
"""eV/atom."""

SHAPE_TOLERANCE: Final = 0.01
"""Largest difference of a lattice sum; coordinates that differ by a few hundredths of an Å."""

VOLUME_TOLERANCE: Final = 0.03
"""Relative."""


def merge(
    labels: Labels,
    *,
    energy_tolerance: float = ENERGY_TOLERANCE,
    shape_tolerance: float = SHAPE_TOLERANCE,
    audit_fraction: float = 0.02,
    seed: int = 0,
    known_protostructures: Strings | None = None,
    came_from: Strings | None = None,
) -> Decisions:
    """Find the crystals that have become the same after a stage.

    Args:
        labels: results of the stage; rows that failed get no decision.
        energy_tolerance: eV/atom; further apart two crystals are never compared.
        shape_tolerance: largest difference of a lattice sum.
        audit_fraction: share of the merged rows that are kept all the same, so that the next stage
            measures how often merging was wrong; see :func:`audit`.
        seed: draws that share.
        known_protostructures: (n,) labels of the relaxed cells, where they are known already.
        came_from: (n,) labels of the cells before the stage; crystals of different origin are then never
            the same. For a next stage that starts from the unrelaxed cell again, as recorded results do.

    Returns:
        One row a result with an energy. Of every kind the lowest is kept (ties go to the first id); the
        others are dropped with the reason ``same_as ID``, their energy difference as value and the
        tolerance as threshold.
    """
    found = protostructures(labels.crystals) if known_protostructures is None else known_protostructures
    succeeded = labels.succeeded
    rows = labels.take(succeeded)
    kinds = of_either_hand(found)
    if came_from is not None:
        kinds = np.char.add(np.char.add(of_either_hand(came_from), ">"), kinds)
    comparison = _Comparison(rows, free_parameters(found[succeeded]), energy_tolerance, shape_tolerance)
    representative = _representatives(rows, np.char.add(np.char.add(rows.formulas, "|"), kinds[succeeded]), comparison)
    merged = representative != np.arange(len(rows))
    audited = _draw(np.flatnonzero(merged), audit_fraction, seed)
    reasons = np.full(len(rows), Reason.UNIQUE, dtype=object)
    reasons[representative[merged]] = Reason.REPRESENTATIVE
    for row in np.flatnonzero(merged):
        reasons[row] = naming(Reason.SAME_AS, rows.ids[representative[row]])
    for row in audited:
        reasons[row] = naming(Reason.AUDIT_OF, rows.ids[representative[row]])
    keep = ~merged
    keep[audited] = True
    values = rows.energies - rows.energies[representative]
    return Decisions(
        ids=rows.ids,
        formulas=rows.formulas,
        keep=keep,
        reasons=reasons.astype(np.str_),
        values=values,
        thresholds=np.full(len(rows), energy_tolerance),
        margins=np.where(merged, values - energy_tolerance, 0.0),
        scores=np.zeros(len(rows)),
        rule=RULE,
        stage=labels.stage,
    )


def _draw(merged: Integers, fraction: float, seed: int) -> Integers:
    return np.sort(np.random.default_rng(seed).permutation(merged)[: share_of(len(merged), fraction)])


def _representatives(rows: Labels, kinds: Strings, comparison: _Comparison) -> Integers:
    """(n,) row number of every row's representative; its own where it has none.

    Rows are taken in the order of their energies and compared with the representatives of their kind so
    far, the nearest in energy first: no chains of small differences.
    """
    representative = np.arange(len(rows))
    seen: dict[str, list[int]] = {}
    for row in np.lexsort((rows.ids, rows.energies)).tolist():
        known = seen.setdefault(str(kinds[row]), [])
        for other in reversed(known):
            if not comparison.near(row, other):
                known.append(row)
                break
            if comparison.same(row, other):
                representative[row] = other
                break
        else:
            known.append(row)
    return representative


class _Comparison:
    """Whether two crystals of one formula and one label are the same."""

    def __init__(self, rows: Labels, free: Integers, energy_tolerance: float, shape_tolerance: float) -> None:
        self._energies = rows.energies
        self._crystals = rows.crystals
        self._volumes = rows.crystals.volumes_per_atom
        self._free = free
        self._shapes = shapes(rows.crystals)
        self._energy_tolerance = energy_tolerance
        self._shape_tolerance = shape_tolerance
        self._matcher = StructureMatcher()

    def near(self, row: int, other: int) -> bool:
        """Whether the energies agree."""
        return bool(abs(self._energies[row] - self._energies[other]) <= self._energy_tolerance)

    def same(self, row: int, other: int) -> bool:
        """Whether the cells agree; one without a label is like no other."""
        if self._free[row] < 0 or abs(self._volumes[row] / self._volumes[other] - 1.0) > VOLUME_TOLERANCE:
            return False
        if np.abs(self._shapes[row] - self._shapes[other]).max() > self._shape_tolerance:
            return False
        if self._free[row] == 0:
            return True
        return bool(self._matcher.fit(self._crystals.structure(row), self._crystals.structure(other)))


@dataclass(frozen=True)
class Audit:
    """How often merging was wrong, measured on the merged rows that were relaxed all the same.

    Attributes:
        n_audited: merged rows with a result of the next stage, as their representative has.
        n_wrong: of these, whose energy differs by more than the tolerance.
        n_better: of these, who lie below their representative by more than the tolerance: what
            merging would have lost.
        tolerance: eV/atom.
        largest_loss: eV/atom, how far the luckiest of them lies below its representative.
    """

    n_audited: int
    n_wrong: int
    n_better: int
    tolerance: float
    largest_loss: float


def audit(decisions: Decisions, results: Labels, *, tolerance: float = 0.005) -> Audit:
    """Compare audited rows with their representatives after the next stage.

    Args:
        decisions: of :func:`merge`.
        results: of the next stage.
        tolerance: eV/atom, within which two results count as the same.

    Raises:
        TableError: if these are not decisions about merging.
    """
    if decisions.rule != RULE:
        raise TableError(f"decisions of rule {decisions.rule!r} say nothing about merging")
    energies = dict(zip(results.ids.tolist(), results.energies.tolist(), strict=True))
    gains = []
    for row, reason in zip(decisions.ids.tolist(), decisions.reasons.tolist(), strict=True):
        gain = energies.get(detail_of(reason), np.nan) - energies.get(row, np.nan)
        if code_of(reason) == Reason.AUDIT_OF and np.isfinite(gain):
            gains.append(gain)
    found = np.asarray(gains)
    return Audit(
        n_audited=len(found),
        n_wrong=int((np.abs(found) > tolerance).sum()),
        n_better=int((found > tolerance).sum()),
        tolerance=tolerance,
        largest_loss=float(found.max(initial=0.0)),
    )
