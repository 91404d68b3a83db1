"""Phases placed on a hull: everything that it says of each of them, without a campaign.

Source: R. E. A. Goodall, PhD thesis, Cambridge (2021), chapter 2: phase-separation energies below the 5 % quantile
of known stable phases of as many elements tell that a region is hardly explored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import FormulaError, MixedSchemesError, UnknownNameError
from aiida_mlhull.science.hull.end_members import refusal
from aiida_mlhull.science.hull.index import GroundStates
from aiida_mlhull.science.hull.points import HullPoints, hull_points, potential_windows
from aiida_mlhull.science.hull.stability import lowest_other
from aiida_mlhull.science.representations.composition import SYMBOLS, Composition, distinct, reduce_formula
from aiida_mlhull.science.schemes import difference, same_scheme
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans, Strings
from aiida_mlhull.science.units import ON_HULL_TOLERANCE

UNDEREXPLORED: Final[Mapping[int, float]] = {2: -0.61, 3: -0.172, 4: -0.086, 5: -0.044}
"""eV/atom by number of elements: 5 % of the known stable phases have a phase-separation energy below this."""

QUANTILE: Final = 0.05
SAME_ENERGY: Final = 1e-6
"""eV/atom; a phase of one id and composition that is in two tables is the same if its energies are this close."""


@dataclass(frozen=True, eq=False)
class PlacedPhases:
    """n phases on the hull that they span together with what is known.

    Attributes:
        ids: (n,) of the phases.
        formulas: (n,) reduced formulas.
        energies: (n,) eV/atom.
        formation: (n,) eV/atom above the mixture of the elements' lowest phases.
        e_above_hull: (n,) eV/atom above the hull of everything, never negative.
        signed: (n,) eV/atom above the hull of everything but the row itself: negative for the stable, zero for the
            only phase of an element.
        phase_separation: (n,) eV/atom above the hull without any entry of the same composition.
        gaps: (n,) eV/atom, certificate: the hulls are exact to within this.
        underexplored: (n,) stable phases that lie further below their competitors than nearly all known ones of as
            many elements: there is probably more to find around them.
        sizes: (n,) number of elements.
        scheme: of all energies.
    """

    ids: Strings
    formulas: Strings
    energies: Floats
    formation: Floats
    e_above_hull: Floats
    signed: Floats
    phase_separation: Floats
    gaps: Floats
    underexplored: Booleans
    sizes: Integers
    scheme: str
    _ground: GroundStates
    _targets: list[Composition]
    _which: Integers
    _hull: HullPoints
    _mixtures: HullPoints
    _mixture: Integers
    _all_ids: Strings
    _all_formulas: Strings

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def stable(self) -> Booleans:
        """(n,) which phases are on the hull."""
        return np.asarray(self.e_above_hull <= ON_HULL_TOLERANCE)

    def named(self, names: Sequence[str]) -> list[int]:
        """Rows with these ids, formulas or chemical systems (``Ti-N``), lowest signed distance first; all if none is named.

        Raises:
            UnknownNameError: if a name is neither.
        """
        order = np.lexsort((self.ids, self.signed))
        chosen = np.zeros(len(self), dtype=bool)
        for name in names:
            found = (self.ids == name) | self._of_formula(name) if "-" not in name else (self.ids == name)
            if not found.any() and "-" in name:
                found = self._of_system(name)
            if not found.any():
                raise UnknownNameError(f"no phase here has the id, formula or chemical system {name!r}")
            chosen |= found
        return [int(row) for row in order if chosen[row] or not names]

    def _of_formula(self, name: str) -> Booleans:
        try:
            wanted = reduce_formula(name)
        except FormulaError:
            return np.zeros(len(self), dtype=bool)
        return np.asarray([target == wanted for target in self._targets], dtype=bool)[self._which]

    def _of_system(self, name: str) -> Booleans:
        wanted = set(name.split("-"))
        return np.asarray([set(target.symbols) == wanted for target in self._targets], dtype=bool)[self._which]

    def decomposition(self, row: int) -> dict[str, float]:
        """Id to atomic fraction: the phases on the hull at the composition of a row, for a stable one itself."""
        return self._decompositions[int(self._which[row])]

    def competing(self, row: int) -> dict[str, float]:
        """Id to atomic fraction: what the composition would separate into without any phase of its own."""
        point = int(self._mixture[self._which[row]])
        return {} if point < 0 else self._separations[point]

    def windows(self, row: int) -> dict[str, tuple[float, float]]:
        """Element to the range of its chemical potential in which a phase is stable; empty if it is on no hull.

        In eV/atom above the lowest phase of the element, within the phase's own chemical system.
        """
        return self._windows.get(int(self._which[row]), {}) if self.stable[row] else {}

    @cached_property
    def _windows(self) -> dict[int, dict[str, tuple[float, float]]]:
        points = np.unique(self._which[self.stable]).tolist()
        found = potential_windows(self._ground, [self._targets[point] for point in points])
        return dict(zip(points, found, strict=True))

    @cached_property
    def formula_of(self) -> dict[str, str]:
        """Id to formula, of everything on this hull."""
        return dict(zip(self._all_ids.tolist(), self._all_formulas.tolist(), strict=True))

    @cached_property
    def _decompositions(self) -> list[dict[str, float]]:
        return self._hull.decompositions(self._all_ids)

    @cached_property
    def _separations(self) -> list[dict[str, float]]:
        return self._mixtures.decompositions(self._all_ids)


def _rivals(known: References, phases: References) -> References:
    """What else competes with the phases."""
    rivals = _others(known, phases)
    if not same_scheme(phases.scheme, rivals.scheme):
        raise MixedSchemesError(
            f"{phases.source or 'the phases'} are {phases.scheme or 'of unknown scheme'!r}, {rivals.source or 'the known'} "
            f"{rivals.scheme or 'of unknown scheme'!r} ({difference(phases.scheme, rivals.scheme)}): energies of different "
            "schemes don't meet in one hull; if they were made the same way, say so (--scheme)"
        )
    return rivals


def hardly_explored(
    heights: Floats, separations: Floats, sizes: Integers, *, limits: Mapping[int, float] = UNDEREXPLORED
) -> Booleans:
    """(n,) which stable phases lie so far below their competitors that there is probably more to find around them.

    Args:
        heights: (n,) eV/atom above the hull.
        separations: (n,) phase-separation energies in eV/atom.
        sizes: (n,) numbers of elements.
        limits: number of elements to the phase-separation energy (eV/atom) below which that is said.
    """
    limit = np.asarray([limits.get(size, -np.inf) for size in sizes.tolist()])
    return np.asarray((heights <= ON_HULL_TOLERANCE) & (separations < limit))


def _require_elements(ground: GroundStates, targets: Sequence[Composition], table: References) -> None:
    """Refuse targets with elements that no phase is of."""
    missing = {z for target in targets for z in target.numbers} - set(ground.elements)
    if missing:
        raise refusal([SYMBOLS[z - 1] for z in sorted(missing)], table)


def place(
    phases: References, known: References | None = None, *, underexplored: Mapping[int, float] = UNDEREXPLORED
) -> PlacedPhases:
    """Place phases on the hull that they span together with what is known.

    Args:
        phases: n phases with total energies in eV/atom.
        known: competing phases, the elements among them unless ``phases`` hold them; a phase that is in both, with
            the same id, composition and energy, counts once.
        underexplored: number of elements to the phase-separation energy (eV/atom) below which stable phases are
            called so; see :func:`quantiles`.

    Raises:
        MissingEndMembersError: if elements are missing; the message lists them.
        MixedSchemesError: if the energies are of different schemes.
        HullError: if a hull energy could not be certified.
    """
    rivals = None if known is None else _rivals(known, phases)
    whole = [phases] if rivals is None else [rivals, phases]
    formulas = np.concatenate([table.formulas for table in whole])
    energies = np.concatenate([table.energies for table in whole])
    ground = GroundStates(formulas, energies)
    targets, which = distinct(phases.formulas.tolist())
    _require_elements(ground, targets, phases if known is None else known)
    hull = hull_points(ground, targets)
    sizes = np.asarray([len(target.numbers) for target in targets], dtype=np.int64)
    compounds = np.flatnonzero(sizes > 1)
    own = np.asarray([ground.row_of[target] for target in targets], dtype=np.int64)
    mixtures = hull_points(ground, [targets[point] for point in compounds.tolist()], excluded=own[compounds])
    separated, gaps = hull.energies.copy(), hull.gaps.copy()
    separated[compounds] = mixtures.energies
    gaps[compounds] = np.maximum(gaps[compounds], mixtures.gaps)
    mixture = np.full(len(targets), -1, dtype=np.int64)
    mixture[compounds] = np.arange(len(compounds))
    best_other = np.where(sizes > 1, separated, np.inf)[which]
    best_other = np.minimum(best_other, lowest_other(formulas, energies)[len(formulas) - len(phases) :])
    best_other = np.where(np.isfinite(best_other), best_other, phases.energies)  # the only phase of an element
    height = np.maximum(phases.energies - hull.energies[which], 0.0)
    apart = phases.energies - separated[which]
    return PlacedPhases(
        ids=phases.ids,
        formulas=phases.formulas,
        energies=phases.energies,
        formation=phases.energies - _of_elements(ground, own)[which],
        e_above_hull=height,
        signed=phases.energies - best_other,
        phase_separation=apart,
        gaps=gaps[which],
        underexplored=hardly_explored(height, apart, sizes[which], limits=underexplored),
        scheme=phases.scheme,
        _ground=ground,
        _targets=targets,
        _which=which,
        _hull=hull,
        _mixtures=mixtures,
        _mixture=mixture,
        _all_ids=np.concatenate([phases.ids] if rivals is None else [_called(rivals, phases), phases.ids]),
        _all_formulas=formulas,
        sizes=sizes[which],
    )


def quantiles(placed: PlacedPhases, *, quantile: float = QUANTILE, fewest: int = 20) -> dict[int, float]:
    """Number of elements to the quantile of the stable phases' phase-separation energies, in eV/atom.

    Args:
        placed: known phases.
        quantile: share of the stable phases that lie lower.
        fewest: stable phases that a number of elements needs to be among the results.
    """
    found = {}
    for size in range(2, int(placed.sizes.max(initial=0)) + 1):
        values = placed.phase_separation[placed.stable & (placed.sizes == size)]
        if len(values) >= fewest:
            found[size] = float(np.quantile(values, quantile))
    return found


def _others(known: References, phases: References) -> References:
    """What is known without the phases themselves."""
    common = np.flatnonzero(np.isin(known.ids, phases.ids))
    rows = phases.positions(known.ids[common])
    same = np.abs(known.energies[common] - phases.energies[rows]) <= SAME_ENERGY
    for at in np.flatnonzero(same).tolist():
        formulas = [str(known.formulas[common[at]]), str(phases.formulas[rows[at]])]
        same[at] = len(distinct(formulas)[0]) == 1
    return known.take(np.setdiff1d(np.arange(len(known)), common[same]))


def _called(known: References, phases: References) -> Strings:
    """Ids of what is known, marked where another phase has the same."""
    return np.where(np.isin(known.ids, phases.ids), np.char.add(known.ids, " (known)"), known.ids)


def _of_elements(ground: GroundStates, own: Integers) -> Floats:
    """(m,) eV/atom of the elements in the amounts of each composition, given by its row."""
    return np.asarray(ground.energies[own] - ground.formation[own])
