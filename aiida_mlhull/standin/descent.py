"""The relaxation that a task asks for, ionic step by ionic step."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.relaxation.chgnet.batch import deal, join
from aiida_mlhull.science.relaxation.chgnet.network import HEAVIEST_KNOWN, CHGNetNetwork
from aiida_mlhull.science.relaxation.chgnet.survey import Survey
from aiida_mlhull.science.relaxation.conventions import STRUCTURE_MATTERS, mp2020_corrections
from aiida_mlhull.science.relaxation.minimizer import QuasiNewton
from aiida_mlhull.science.relaxation.symmetry import (
    SymmetricCell,
    invariant_displacements,
    invariant_strains,
    symmetrize,
    without_symmetry,
)
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.representations.volumes import tabulated_volumes
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.standin.inputs import RefusalError
from aiida_mlhull.standin.task import KILOBAR, POSITIONS, SHAPE, VOLUME, Task

_RANK_TOLERANCE = 1e-9

Ending = Literal["", "accuracy", "noise"]
"""Why a step is the last: not at all, the criterion is met, or the potential's noise hides what is left."""


@dataclass(frozen=True, eq=False)
class IonicStep:
    """One point on the way.

    Attributes:
        number: from one.
        lattice: (3, 3) Å.
        frac_coords: (N, 3).
        energy: eV per cell, in the raw convention (no MP2020 corrections), as VASP's.
        forces: (N, 3) eV/Å.
        stress: (3, 3) kB; positive where the cell wants to grow, as VASP counts.
        moments: (N,) Bohr magnetons, None without spin.
        core_seconds: processor time of this step.
        ending: why it is the last.
    """

    number: int
    lattice: Floats
    frac_coords: Floats
    energy: float
    forces: Floats
    stress: Floats
    moments: Floats | None
    core_seconds: float
    ending: Ending = ""

    @property
    def volume(self) -> float:
        """Å³; negative if the cell vectors are left-handed."""
        return float(np.linalg.det(self.lattice))


def atomic_number(symbol: str) -> int:
    """The atomic number of an element that the potential knows.

    Raises:
        RefusalError: if there is none of that name.
    """
    known = np.flatnonzero(element_table().symbols[: HEAVIEST_KNOWN + 1] == symbol)
    if not len(known) or not known[0]:
        raise RefusalError(f"the potential does not cover the element {symbol!r}")
    return int(known[0])


def find_symmetry(task: Task) -> SymmetricCell:
    """The cell with the operations that the relaxation keeps.

    As in VASP, atoms whose starting moments point the other way are of another kind. Fixed atoms
    (selective dynamics) switch symmetry off.
    """
    poscar = task.poscar
    numbers = np.array([atomic_number(symbol) for symbol in poscar.symbols], dtype=np.int16)
    if task.symmetry_tolerance is None or not poscar.movable.all():
        return without_symmetry(poscar.lattice, numbers, poscar.frac_coords)
    signs = np.ones(len(numbers)) if task.signs is None else task.signs
    _, kinds = np.unique(np.column_stack([numbers, signs]), axis=0, return_inverse=True)
    cell = symmetrize(
        poscar.lattice,
        kinds.ravel().astype(np.int16) + 1,
        poscar.frac_coords,
        tolerance=task.symmetry_tolerance,
        fixed="plane" if task.only_along_z else "nothing",
    )
    return replace(cell, numbers=numbers)


def descend(task: Task, cell: SymmetricCell, network: CHGNetNetwork) -> Iterator[IonicStep]:
    """Relax until the task's criterion is met, or its number of steps is used up.

    Every point that is tried is a step, also those uphill, as VASP counts.

    Args:
        task: what may move, and when it is enough.
        cell: from :func:`find_symmetry`.
        network: the potential.

    Raises:
        RefusalError: if the cell has become one that no potential can be asked about.
    """
    surface = _Surface.of(task, cell, network)
    search = QuasiNewton(cell.lattice, cell.frac_coords @ cell.lattice, *_directions(task, cell))
    before = np.inf
    for number in range(1, task.max_steps + 1):
        scale = surface.scale(search.propose()[0])
        lattice, positions = (scale * rows for rows in search.propose())
        step = surface.evaluate(number, lattice, positions)
        push = task.pressure * abs(step.volume)
        enthalpy = step.energy + push
        by_strain = push * np.eye(3) - step.stress / KILOBAR * abs(step.volume)
        search.tell(enthalpy / len(positions), -scale * step.forces, by_strain)
        small = search.max_force < -task.ediffg if task.ediffg < 0.0 else abs(enthalpy - before) < task.ediffg
        if task.relaxes and (small or search.stuck):
            yield replace(step, ending="accuracy" if small else "noise")
            return
        before = enthalpy
        yield step


def _directions(task: Task, cell: SymmetricCell) -> tuple[Floats, Floats]:
    """(D, N, 3) displacements and (S, 3, 3) strains that are free."""
    n = len(cell.numbers)
    displacements, strains = np.empty((0, n, 3)), np.empty((0, 3, 3))
    if POSITIONS in task.free:
        movable = task.poscar.movable
        displacements = invariant_displacements(cell) if movable.all() else _along_vectors(cell.lattice, movable)
    whole = np.eye(3)[None] / np.sqrt(3.0)
    if VOLUME in task.free and task.only_along_z:
        strains = np.diag([0.0, 0.0, 1.0])[None]
    elif VOLUME in task.free:
        strains = invariant_strains(cell) if SHAPE in task.free else whole
    elif SHAPE in task.free:
        flat = invariant_strains(cell).reshape(-1, 9)
        flat = flat - np.outer(flat @ whole.ravel(), whole.ravel())
        _, singular, rows = np.linalg.svd(flat, full_matrices=False)
        strains = rows[singular > _RANK_TOLERANCE].reshape(-1, 3, 3)
    return displacements, strains


def _along_vectors(lattice: Floats, movable: NDArray[np.bool_]) -> Floats:
    """(D, N, 3) orthonormal displacements of single atoms along the cell vectors that are free to them."""
    patterns = []
    for atom, free in enumerate(movable):
        for direction in np.linalg.qr(lattice[free].T)[0].T:
            pattern = np.zeros((len(movable), 3))
            pattern[atom] = direction
            patterns.append(pattern)
    return np.array(patterns).reshape(-1, len(movable), 3)


@dataclass(frozen=True, eq=False)
class _Surface:
    """The potential's energy as VASP would give it.

    Attributes:
        cell: the space group.
        network: the potential.
        survey: its bonds.
        signs: (N,) which way moments point, None without spin.
        fixed_volume: Å³, if the cell may change its shape only.
        correction: eV/atom by MP2020, None if it depends on the positions.
    """

    cell: SymmetricCell
    network: CHGNetNetwork
    survey: Survey
    signs: Floats | None
    fixed_volume: float | None
    correction: float | None

    @classmethod
    def of(cls, task: Task, cell: SymmetricCell, network: CHGNetNetwork) -> _Surface:
        """The surface on which a task's cell moves."""
        start = _crystal(cell, cell.lattice, cell.frac_coords)
        volume = abs(float(np.linalg.det(cell.lattice)))
        suggested = float(tabulated_volumes().per_atom(start)[0]) * len(cell.numbers)
        if VOLUME not in task.free:  # a box around a molecule is as large as it was made: it can't run away
            suggested = max(suggested, volume)
        return cls(
            cell=cell,
            network=network,
            survey=Survey(cell, suggested, network.bond_cutoff, network.angle_cutoff),
            signs=task.signs,
            fixed_volume=volume if SHAPE in task.free and VOLUME not in task.free else None,
            correction=None if STRUCTURE_MATTERS & set(cell.numbers.tolist()) else float(mp2020_corrections(start)[0]),
        )

    def scale(self, lattice: Floats) -> float:
        """What brings a cell back to its volume, where that is fixed: steps keep it to first order only."""
        if self.fixed_volume is None:
            return 1.0
        return float(np.cbrt(self.fixed_volume / abs(np.linalg.det(lattice))))

    def evaluate(self, number: int, lattice: Floats, positions: Floats) -> IonicStep:
        """Ask the potential about a cell (3, 3) and Cartesian positions (N, 3), both in Å."""
        began = time.thread_time()
        found = self.survey.measure(lattice, positions)
        if found is None:
            raise RefusalError(
                f"the cell of ionic step {number} has collapsed or gone to pieces: "
                f"{abs(np.linalg.det(lattice)) / self.survey.suggested_volume:.2f} times the volume that its "
                f"composition suggests; no potential can be asked about it"
            )
        geometry, within = found
        n = len(positions)
        batch = join([geometry], [within])
        energies, by_distance, by_cosine = self.network.evaluate(batch)
        (slopes,) = deal([geometry], [within], by_distance, by_cosine)
        by_position, by_strain = self._averaged(*geometry.pull_back(*(n * slope for slope in slopes)))
        frac_coords = positions @ np.linalg.inv(lattice)
        correction = self.correction
        if correction is None:
            correction = float(mp2020_corrections(_crystal(self.cell, lattice, frac_coords))[0])
        moments = None
        if self.signs is not None:
            moments = self.signs * self.network.magnetic_moments(batch)[self.cell.orbits]
        return IonicStep(
            number=number,
            lattice=lattice,
            frac_coords=frac_coords,
            energy=n * (float(energies[0]) - correction),
            forces=-by_position,
            stress=-by_strain / abs(np.linalg.det(lattice)) * KILOBAR,
            moments=moments,
            core_seconds=time.thread_time() - began,
        )

    def _averaged(self, by_position: Floats, by_strain: Floats) -> tuple[Floats, Floats]:
        """Derivatives of all atoms from those of the representatives: the average over the space group."""
        turns = self.cell.cartesian_rotations
        spread = np.zeros_like(by_position)
        np.add.at(spread, self.cell.permutations, by_position @ turns)
        symmetric = (by_strain + by_strain.T) / 2.0
        return spread / len(turns), np.mean(np.swapaxes(turns, 1, 2) @ symmetric @ turns, axis=0)


def _crystal(cell: SymmetricCell, lattice: Floats, frac_coords: Floats) -> Crystals:
    return Crystals.from_lists([lattice], [cell.numbers.tolist()], [frac_coords])
