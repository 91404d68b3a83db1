"""The hull at many compositions at once, each with its decomposition, potentials and certificate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import HullError, listed
from aiida_mlhull.science.hull.index import (
    GroundStates,
    blocks_of,
    by_chemical_system,
    flat_integers,
    fractions_of,
    offsets_of,
)
from aiida_mlhull.science.hull.solver import solver
from aiida_mlhull.science.representations.composition import SYMBOLS, Composition
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Strings

CERTIFIED: Final = 1e-9
"""eV/atom; the largest distance between primal and dual that passes."""
PHASE: Final = 1e-12
"""Fractions of a phase below this are zero."""


@dataclass(frozen=True, eq=False)
class HullPoints:
    """The lower hull at m compositions.

    Point i owns the k = ``sizes[i]`` entries from ``starts[i]`` on in the four flat arrays: one
    chemical potential per element, and one phase per basis column (some with fraction zero).

    Attributes:
        energies: (m,) eV/atom, the hull's energy.
        gaps: (m,) eV/atom, certificate: how far the energy can be off, by linear-programming duality.
        starts: (m,) first entry in the flat arrays.
        sizes: (m,) number of elements.
        numbers: flat, atomic numbers.
        potentials: flat, eV/atom, chemical potential of each element.
        phases: flat, position of each phase among the entries that made the hull.
        fractions: flat, atomic fraction of each phase.
    """

    energies: Floats
    gaps: Floats
    starts: Integers
    sizes: Integers
    numbers: Integers
    potentials: Floats
    phases: Integers
    fractions: Floats

    def __len__(self) -> int:
        return len(self.energies)

    def span(self, index: int) -> slice:
        """Where point ``index`` stands in the flat arrays."""
        return slice(int(self.starts[index]), int(self.starts[index] + self.sizes[index]))

    def decomposition(self, index: int) -> dict[int, float]:
        """Entry position to atomic fraction, of the phases that a composition on the hull falls apart into."""
        span = self.span(index)
        pairs = zip(self.phases[span].tolist(), self.fractions[span].tolist(), strict=True)
        return {entry: fraction for entry, fraction in sorted(pairs) if fraction > PHASE}

    def decompositions(self, names: Strings) -> list[dict[str, float]]:
        """Of every point, name of the entry to atomic fraction.

        Args:
            names: of the entries that made the hull.
        """
        called, entries, fractions = names[self.phases].tolist(), self.phases.tolist(), self.fractions.tolist()
        return [
            {
                called[at]: fractions[at]
                for at in sorted(range(start, start + size), key=entries.__getitem__)
                if fractions[at] > PHASE
            }
            for start, size in zip(self.starts.tolist(), self.sizes.tolist(), strict=True)
        ]

    def chemical_potentials(self, index: int) -> dict[str, float]:
        """Element to chemical potential in eV/atom."""
        span = self.span(index)
        pairs = zip(self.numbers[span].tolist(), self.potentials[span].tolist(), strict=True)
        return {SYMBOLS[z - 1]: value for z, value in pairs}

    def flat(self, points: Integers) -> Integers:
        """Positions in the flat arrays of all entries of these points, point after point."""
        sizes = self.sizes[points]
        ends = np.cumsum(sizes)
        return np.asarray(np.repeat(self.starts[points] - ends + sizes, sizes) + np.arange(sizes.sum()))


@dataclass(frozen=True, eq=False)
class _Batch:
    """Targets grouped by chemical system, and where the competitors of each system stand."""

    order: Integers
    element_offsets: Integers
    elements: Integers
    element_rows: Integers
    block_offsets: Integers
    block_starts: Integers
    block_stops: Integers
    target_offsets: Integers
    starts: Integers
    sizes: Integers
    numbers: Integers
    fractions: Floats

    @property
    def work(self) -> int:
        """Columns times elements times targets, over all systems; to gather the columns counts as one more target."""
        sizes = np.diff(self.element_offsets)
        before = np.concatenate([[0], np.cumsum(self.block_stops - self.block_starts)])
        columns = sizes + np.diff(before[self.block_offsets])
        return int((columns * sizes * (1 + np.diff(self.target_offsets))).sum())


def _batch(ground: GroundStates, targets: Sequence[Composition]) -> _Batch:
    """Systems together, compositions in ascending order: the optimum of one is the start of the next."""
    order = by_chemical_system(targets)
    numbers = [targets[i][0] for i in order]
    offsets = offsets_of(list(map(len, numbers)))
    systems = blocks_of(numbers)
    rows = [ground.compounds_within(system) for system in systems]
    flat = np.asarray(list(chain.from_iterable(rows)), dtype=np.int64).reshape(-1, 2)
    return _Batch(
        order=np.asarray(order, dtype=np.int64),
        element_offsets=offsets_of(list(map(len, systems))),
        elements=flat_integers(list(systems)),
        element_rows=np.asarray([ground.elements[z] for system in systems for z in system], dtype=np.int64),
        block_offsets=offsets_of(list(map(len, rows))),
        block_starts=np.ascontiguousarray(flat[:, 0]),
        block_stops=np.ascontiguousarray(flat[:, 1]),
        target_offsets=np.asarray([*(blocks[0][0] for blocks in systems.values()), len(order)], dtype=np.int64),
        starts=offsets[:-1],
        sizes=np.diff(offsets),
        numbers=flat_integers(numbers),
        fractions=fractions_of(flat_integers([targets[i][1] for i in order]), offsets),
    )


def hull_points(
    ground: GroundStates,
    targets: Sequence[Composition],
    *,
    excluded: Integers | None = None,
) -> HullPoints:
    """The hull of ``ground`` at ``targets``, all of whose elements must be there.

    Exact to rounding (the certificate tells, usually 1e-15 eV/atom), independent of the order of
    targets and entries. Memory: about 160 bytes a target, 330 while it works. One core solves nearly 10⁶
    compositions a second; the look-ups around take longer than that, so threads would not pay.

    Args:
        ground: the entries that span the hull.
        targets: m compositions.
        excluded: (m,) row of ``ground`` that may not take part at each target, or -1.

    Raises:
        HullError: if a point can't be certified to 1e-9 eV/atom.
    """
    batch = _batch(ground, targets)
    banned = np.full(len(targets), -1, dtype=np.int64) if excluded is None else np.asarray(excluded)[batch.order]
    values, gaps = np.empty(len(targets)), np.empty(len(targets))
    duals, weights = np.empty(len(batch.fractions)), np.empty(len(batch.fractions))
    rows = np.empty(len(batch.fractions), dtype=np.int64)

    solver(batch.work).solve_systems(
        batch.element_offsets, batch.elements, batch.element_rows,
        batch.block_offsets, batch.block_starts, batch.block_stops,
        ground.offsets, ground.numbers, ground.fractions, ground.formation, ground.preferences,
        batch.target_offsets, batch.starts, batch.fractions, banned,
        values, gaps, duals, rows, weights,
    )  # fmt: skip
    _refuse_uncertified(gaps, [targets[i] for i in batch.order])
    mixed = np.add.reduceat(ground.plane[batch.numbers] * batch.fractions, batch.starts) if len(targets) else values
    back = np.argsort(batch.order)
    return HullPoints(
        energies=(values + mixed)[back],
        gaps=gaps[back],
        starts=batch.starts[back],
        sizes=batch.sizes[back],
        numbers=batch.numbers,
        potentials=duals + ground.plane[batch.numbers],
        phases=ground.entries[rows],
        fractions=weights,
    )


def potential_windows(ground: GroundStates, targets: Sequence[Composition]) -> list[dict[str, tuple[float, float]]]:
    """Where phases on the hull are stable: element to the lowest and highest chemical potential.

    Args:
        ground: the entries that span the hull.
        targets: m compositions whose ground states lie on it.

    Returns:
        For each target, eV/atom above the lowest phase of the pure element, within the target's own chemical system.

    Raises:
        HullError: if a window can't be found.
    """
    batch = _batch(ground, targets)
    lowest, highest = np.empty(len(batch.fractions)), np.empty(len(batch.fractions))
    solver(batch.work).solve_windows(
        batch.element_offsets, batch.elements, batch.element_rows,
        batch.block_offsets, batch.block_starts, batch.block_stops,
        ground.offsets, ground.numbers, ground.fractions, ground.formation,
        batch.target_offsets, batch.starts, batch.fractions,
        lowest, highest,
    )  # fmt: skip
    if not (np.isfinite(lowest).all() and np.isfinite(highest).all()):
        raise HullError("chemical potentials of some phases on the hull could not be bounded")
    symbols = [SYMBOLS[z - 1] for z in batch.numbers.tolist()]
    ranges = list(zip(lowest.tolist(), highest.tolist(), strict=True))
    found: list[dict[str, tuple[float, float]]] = [{} for _ in targets]
    for place, start, size in zip(batch.order.tolist(), batch.starts.tolist(), batch.sizes.tolist(), strict=True):
        found[place] = dict(zip(symbols[start : start + size], ranges[start : start + size], strict=True))
    return found


def _refuse_uncertified(gaps: Floats, targets: Sequence[Composition]) -> None:
    """Raise where primal and dual don't meet."""
    broken = np.flatnonzero(~(gaps <= CERTIFIED))
    if len(broken):
        names = listed(targets[t].formula for t in broken.tolist())
        raise HullError(
            f"the hull could not be certified to {CERTIFIED:g} eV/atom at {len(broken)} compositions: {names}"
        )
