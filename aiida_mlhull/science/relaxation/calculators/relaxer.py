"""One relaxer for every potential that comes as an ASE calculator.

A crystal goes down within its space group, along the few directions that the group leaves free (see
:mod:`~aiida_mlhull.science.relaxation.minimizer`), and the calculator is asked about its primitive cell alone. A static
cell needs an energy only, which some calculators give without forces. Crystals come one after the other, so that none
depends on its company; ``mlhull-job`` runs one process per core, and restarts go on after the finished rows.
"""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import version
from time import process_time
from typing import Any, ClassVar

import numpy as np
from ase import Atoms

from aiida_mlhull.science.errors import MissingExtraError
from aiida_mlhull.science.models.training.devices import reproducible, torch_device
from aiida_mlhull.science.relaxation.base import (
    RelaxationSettings,
    Relaxed,
    StreamedRelaxer,
    check_weights,
    not_relaxed,
)
from aiida_mlhull.science.relaxation.calculators.primitive import as_it_is, primitive
from aiida_mlhull.science.relaxation.directions import HELD, fixed_by, free_directions
from aiida_mlhull.science.relaxation.minimizer import QuasiNewton
from aiida_mlhull.science.relaxation.symmetry import symmetrize
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.representations.neighbors import nearest_distances
from aiida_mlhull.science.representations.volumes import tabulated_volumes
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, with_detail

SHORTEST_BOND = 0.5
"""Å; nothing real is closer, and no potential was trained there."""

LONGEST_BOND = 6.0
"""Å; an atom with no other one as near as this is alone, of which potentials know nothing."""

SMALLEST_VOLUME, LARGEST_VOLUME = 0.2, 6.0
"""Times the volume that the composition suggests; beyond, a cell has collapsed or gone to pieces."""

_REFUSES = (ArithmeticError, LookupError, NotImplementedError, RuntimeError, ValueError)
"""What calculators raise about a cell that they can't evaluate."""


class _NotRelaxedError(Exception):
    """Nothing comes of a crystal; caught before it leaves this module."""

    def __init__(self, failure: str, steps: int = 0) -> None:
        super().__init__(failure)
        self.failure, self.steps = failure, steps


class CalculatorRelaxer(StreamedRelaxer):
    """Base of the potentials that are ASE calculators; a subclass names itself and loads its calculator.

    Attributes:
        package: what has to be installed.
        extra: of this package, that installs it; empty where people install it themselves.

    Args:
        settings: freedom, forces, steps.
        device: ``"cpu"``, ``"auto"`` or a torch device.
        weights: file of the weights, for potentials that don't ship theirs.

    Raises:
        MissingExtraError: if the package is not installed.
        InputError: if weights are missing, are not there, or are given to a potential that has its own.
        DeviceError: if the device isn't there.
    """

    name: ClassVar[str]
    scheme: ClassVar[str]
    training: ClassVar[str]
    package: ClassVar[str]
    extra: ClassVar[str] = ""
    ships_weights: ClassVar[bool] = False

    def __init__(self, settings: RelaxationSettings, *, device: str = "cpu", weights: str | None = None) -> None:
        self.settings = settings
        self.device = torch_device(device)
        self.weights = check_weights(self, weights)
        try:
            self.calculator = self.load()
        except ImportError as error:
            raise MissingExtraError(self._how_to_install()) from error

    @abstractmethod
    def load(self) -> Any:
        """The ASE calculator, on :attr:`device`, with :attr:`weights`; imports its package only here."""

    def knows(self, number: int) -> bool:  # noqa: ARG002  (others look)
        """Whether the potential was trained on an element; a calculator that refuses it by itself need not say so."""
        return True

    def energy(self, atoms: Atoms) -> float:
        """Energy of a cell in eV, by the least work that the calculator can do."""
        return float(atoms.get_potential_energy())

    @property
    def engine(self) -> str:
        """Name, version of the package, and a digest of weights that came from outside."""
        told = f"{self.name} {version(self.package)}"
        if self.weights is None:
            return told
        return f"{told}, weights {hashlib.sha256(self.weights.read_bytes()).hexdigest()[:12]}"

    def stream(self, crystals: Crystals) -> Iterator[Relaxed]:
        """Relax every crystal and hand each over as soon as it is done; see :class:`Relaxer`."""
        suggested = tabulated_volumes().per_atom(crystals) * crystals.n_sites
        for row in range(len(crystals)):
            # The generator may rest between rows, and the settings of torch are the whole process'.
            with reproducible(self.device):
                done = self._relaxed(row, crystals, suggested_volume=float(suggested[row]))
            yield done

    # ---------------------------------------------------------------- one crystal

    def _relaxed(self, row: int, crystals: Crystals, *, suggested_volume: float) -> Relaxed:
        began = process_time()
        _, numbers, _ = crystals.arrays(row)
        strange = sorted({int(z) for z in numbers if not self.knows(int(z))})
        if strange:
            symbols = ", ".join(str(element_table().symbols[z]) for z in strange)
            return not_relaxed(row, crystals, with_detail(Reason.ENGINE_ERROR, f"{self.name} doesn't know {symbols}"))
        try:
            found = self._found(row, crystals, suggested_volume=suggested_volume)
        except _NotRelaxedError as failed:
            found = not_relaxed(row, crystals, failed.failure, steps=failed.steps)
        except MemoryError:
            found = not_relaxed(row, crystals, Reason.OUT_OF_MEMORY)
        except _REFUSES as error:
            words = f"{type(error).__name__}: {error}".split("\n", maxsplit=1)[0]
            found = not_relaxed(row, crystals, with_detail(Reason.ENGINE_ERROR, words))
        return replace(found, core_seconds=process_time() - began)

    def _found(self, row: int, crystals: Crystals, *, suggested_volume: float) -> Relaxed:
        freedom = self.settings.freedom
        cell = symmetrize(*crystals.arrays(row), fixed=fixed_by(freedom))
        # A plane of the whole cell need not be one of the primitive cell.
        small = as_it_is(cell) if freedom == "normal" else primitive(cell)
        volume = suggested_volume * len(small.numbers) / len(cell.numbers)
        lattice, _, frac_coords = crystals.arrays(row)
        if freedom == "static":
            _check_physical(small.lattice, small.frac_coords, volume)
            energy = self.energy(self._atoms(small.lattice, small.numbers, small.frac_coords @ small.lattice))
            if not np.isfinite(energy):
                raise _NotRelaxedError(Reason.UNPHYSICAL_CELL)
            return Relaxed(row, energy / len(small.numbers), lattice, frac_coords, "", 0, np.nan, 0.0)
        inner = cell if freedom == "normal" else symmetrize(small.lattice, small.numbers, small.frac_coords)
        search = QuasiNewton(inner.lattice, inner.frac_coords @ inner.lattice, *free_directions(inner, freedom))
        steps = self._descend(search, small.numbers, volume)
        found, coords = small.whole(search.lattice, search.positions @ np.linalg.inv(search.lattice))
        held = HELD[fixed_by(freedom)]
        found = np.concatenate([lattice[:held], found[held:]])
        return Relaxed(row, search.energy, found, coords, "", steps, search.max_force, 0.0)

    def _descend(self, search: QuasiNewton, numbers: Any, volume: float) -> int:
        """Go down until the settings are content; steps after the first evaluation."""
        settings = self.settings
        for steps in range(settings.max_steps + 1):
            lattice, positions = search.propose()
            _check_physical(lattice, positions @ np.linalg.inv(lattice), volume, steps=steps)
            atoms = self._atoms(lattice, numbers, positions)
            energy, forces, stress = _asked(atoms)
            if not (np.isfinite(energy) and np.isfinite(forces).all() and np.isfinite(stress).all()):
                raise _NotRelaxedError(Reason.UNPHYSICAL_CELL, steps)
            search.tell(energy / len(atoms), -forces, stress * atoms.get_volume())
            if search.max_force < settings.max_force:
                return steps
            if search.stuck:
                break
        if settings.must_converge:
            raise _NotRelaxedError(Reason.NOT_CONVERGED_IONICALLY, steps)
        return steps

    def _atoms(self, lattice: Floats, numbers: Any, positions: Floats) -> Atoms:
        atoms = Atoms(numbers=numbers, cell=lattice, positions=positions, pbc=True)
        atoms.calc = self.calculator
        return atoms

    def _how_to_install(self) -> str:
        what = f"'aiida-mlhull[{self.extra}]'" if self.extra else self.package
        return f"the potential {self.name!r} is not installed; run: pip install {what}"


def _asked(atoms: Atoms) -> tuple[float, Floats, Floats]:
    """Energy (eV), forces (N, 3) in eV/Å and stress (3, 3) in eV/Å³ of a cell."""
    return float(atoms.get_potential_energy()), atoms.get_forces(), atoms.get_stress(voigt=False)


def _check_physical(lattice: Floats, frac_coords: Floats, suggested_volume: float, *, steps: int = 0) -> None:
    """Refuse a cell that no potential can be asked about."""
    ratio = abs(float(np.linalg.det(lattice))) / suggested_volume
    if SMALLEST_VOLUME < ratio < LARGEST_VOLUME:  # false for NaN
        nearest = nearest_distances(lattice, frac_coords, within=LONGEST_BOND)
        if np.isfinite(nearest).all() and nearest.min() >= SHORTEST_BOND:
            return
    raise _NotRelaxedError(Reason.UNPHYSICAL_CELL, steps)
