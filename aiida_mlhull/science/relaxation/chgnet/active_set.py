"""Many crystals on their way down at the same time: each has its own search, all share the network's calls.

Small crystals don't fill a matrix library's caches one by one. The set holds the crystals that are being
relaxed; a finished crystal leaves, and the next one waiting takes its place, so that no crystal waits for a
slower one and batches stay full until the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from time import process_time
from typing import Protocol

import numpy as np

from aiida_mlhull.science.relaxation.base import RelaxationSettings, Relaxed, not_relaxed
from aiida_mlhull.science.relaxation.chgnet.batch import PeriodicBatch, Within, deal, join
from aiida_mlhull.science.relaxation.chgnet.geometry import Geometry
from aiida_mlhull.science.relaxation.chgnet.survey import Survey
from aiida_mlhull.science.relaxation.directions import HELD, fixed_by, free_directions
from aiida_mlhull.science.relaxation.minimizer import QuasiNewton
from aiida_mlhull.science.relaxation.symmetry import Fixed, symmetrize
from aiida_mlhull.science.representations.volumes import tabulated_volumes
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason

WIDTH = 96
"""Crystals on their way at the same time."""

MESSAGES_PER_CALL = 6000
"""Edges and angles in one call of the network; more no longer fit a core's cache."""


class Network(Protocol):
    """A message-passing network that works on quotient graphs.

    Attributes:
        bond_cutoff: Å.
        angle_cutoff: Å.
    """

    bond_cutoff: float
    angle_cutoff: float

    def evaluate(self, batch: PeriodicBatch) -> tuple[Floats, Floats, Floats]:
        """Energies (n,) in eV/atom and their derivatives by distance (U,) and by cosine (A,).

        Raises:
            MemoryError: if the batch is too large.
        """
        ...


@dataclass(eq=False)
class _Descent:
    """One crystal on its way.

    Attributes:
        row: its number in the crystals that went in.
        search: its minimizer.
        survey: its bonds and angles.
        evaluations: so far.
        core_seconds: so far.
    """

    row: int
    search: QuasiNewton
    survey: Survey
    evaluations: int = 0
    core_seconds: float = 0.0

    def measure(self) -> tuple[Geometry, Within] | None:
        """Measure the proposed cell; None if it is none that a potential can be asked about."""
        return self.survey.measure(*self.search.propose())


@dataclass(frozen=True)
class ActiveSet:
    """Relaxes crystals with a network that works on quotient graphs.

    Attributes:
        network: the potential.
        settings: freedom, forces, steps.
    """

    network: Network
    settings: RelaxationSettings

    def stream(self, crystals: Crystals, rows: Iterable[int]) -> Iterator[Relaxed]:
        """Every crystal of ``rows`` once, as soon as it is done."""
        suggested = tabulated_volumes().per_atom(crystals) * crystals.n_sites
        waiting = iter(rows)
        active: list[_Descent] = []
        while True:
            while len(active) < WIDTH and (row := next(waiting, None)) is not None:
                active.append(self._start(row, crystals, float(suggested[row])))
            if not active:
                return
            active, done = self._step(active, crystals)
            yield from done

    def _start(self, row: int, crystals: Crystals, suggested_volume: float) -> _Descent:
        began = process_time()
        freedom = self.settings.freedom
        cell = symmetrize(*crystals.arrays(row), fixed=fixed_by(freedom))
        search = QuasiNewton(cell.lattice, cell.frac_coords @ cell.lattice, *free_directions(cell, freedom))
        survey = Survey(cell, suggested_volume, self.network.bond_cutoff, self.network.angle_cutoff)
        return _Descent(row, search, survey, core_seconds=process_time() - began)

    def _step(self, active: list[_Descent], crystals: Crystals) -> tuple[list[_Descent], list[Relaxed]]:
        """Evaluate all once; which are left, and which are done."""
        done: list[Relaxed] = []
        measured: list[tuple[_Descent, Geometry, Within]] = []
        for descent in active:
            began = process_time()
            found = descent.measure()
            if found is None:
                done.append(_failed(descent, crystals, Reason.UNPHYSICAL_CELL))
            else:
                measured.append((descent, *found))
            descent.core_seconds += process_time() - began
        for portion in _portions(measured):
            done += self._evaluate(portion, crystals)
        gone = {row.row for row in done}
        return [descent for descent in active if descent.row not in gone], done

    def _evaluate(self, portion: Sequence[tuple[_Descent, Geometry, Within]], crystals: Crystals) -> list[Relaxed]:
        """Let the network look at a portion; one that is too large for the memory is cut, down to single crystals."""
        began = process_time()
        geometries = [geometry for _, geometry, _ in portion]
        within = [inside for _, _, inside in portion]
        try:
            energies, by_distance, by_cosine = self.network.evaluate(join(geometries, within))
        except MemoryError:
            if len(portion) == 1:
                return [_failed(portion[0][0], crystals, Reason.OUT_OF_MEMORY)]
            return [row for single in portion for row in self._evaluate([single], crystals)]
        cost = (process_time() - began) / sum(inside.messages for inside in within)
        done = []
        derivatives = deal(geometries, within, by_distance, by_cosine)
        for (descent, geometry, inside), energy, slopes in zip(portion, energies, derivatives, strict=True):
            began = process_time()
            row = self._tell(descent, geometry, float(energy), *slopes)
            descent.core_seconds += cost * inside.messages + process_time() - began
            if row is not None:
                done.append(_finished(descent, crystals, row, fixed=fixed_by(self.settings.freedom)))
        return done

    def _tell(
        self, descent: _Descent, geometry: Geometry, energy: float, by_distance: Floats, by_cosine: Floats
    ) -> str | None:
        """Take one crystal a step further; how it ended (a failure, or empty), or None if it goes on."""
        n = geometry.n_atoms
        by_position, by_strain = geometry.pull_back(n * by_distance, n * by_cosine)
        if not (np.isfinite(energy) and np.isfinite(by_position).all() and np.isfinite(by_strain).all()):
            return Reason.UNPHYSICAL_CELL
        search = descent.search
        search.tell(energy, by_position, by_strain)
        descent.evaluations += 1
        if self.settings.freedom == "static" or search.max_force < self.settings.max_force:
            return ""
        if search.stuck or descent.evaluations > self.settings.max_steps:
            return Reason.NOT_CONVERGED_IONICALLY if self.settings.must_converge else ""
        return None


def _portions(
    measured: Sequence[tuple[_Descent, Geometry, Within]],
) -> Iterator[list[tuple[_Descent, Geometry, Within]]]:
    """Cut what is to be evaluated so that no portion has much more than ``MESSAGES_PER_CALL``."""
    portion: list[tuple[_Descent, Geometry, Within]] = []
    messages = 0
    for item in measured:
        portion.append(item)
        messages += item[2].messages
        if messages >= MESSAGES_PER_CALL:
            yield portion
            portion, messages = [], 0
    if portion:
        yield portion


def _finished(descent: _Descent, crystals: Crystals, failure: str, *, fixed: Fixed) -> Relaxed:
    if failure:
        return _failed(descent, crystals, failure)
    search = descent.search
    held = HELD[fixed]
    return Relaxed(
        row=descent.row,
        energy=search.energy,
        lattice=np.concatenate([crystals.lattices[descent.row][:held], search.lattice[held:]]),
        frac_coords=search.positions @ np.linalg.inv(search.lattice),
        failure="",
        steps=descent.evaluations - 1,
        max_force=search.max_force,
        core_seconds=descent.core_seconds,
    )


def _failed(descent: _Descent, crystals: Crystals, failure: str) -> Relaxed:
    steps = max(descent.evaluations - 1, 0)
    return not_relaxed(descent.row, crystals, failure, steps=steps, core_seconds=descent.core_seconds)
