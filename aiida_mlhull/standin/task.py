"""What the inputs of one job ask for, with VASP's defaults."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.not_vasp import other_functional
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.standin.inputs import Incar, KpointsFile, Poscar, Potential, RefusalError, read_potcar

POSITIONS, SHAPE, VOLUME = "positions", "shape", "volume"

FREEDOMS: Final[Mapping[int, frozenset[str]]] = {
    0: frozenset({POSITIONS}),
    1: frozenset({POSITIONS}),
    2: frozenset({POSITIONS}),
    3: frozenset({POSITIONS, SHAPE, VOLUME}),
    4: frozenset({POSITIONS, SHAPE}),
    5: frozenset({SHAPE}),
    6: frozenset({SHAPE, VOLUME}),
    7: frozenset({VOLUME}),
    8: frozenset({POSITIONS, VOLUME}),
}
"""What may change, by ISIF."""

UNCONSTRAINED: Final = (True, True, True)
HEIGHT_ALONE: Final = (False, False, True)
"""LATTICE_CONSTRAINTS that the stand-in can do."""

FULL: Final = 3
"""ISIF of a relaxation of everything."""

SINGLE_POINT: Final = -1
RELAXATIONS: Final = (1, 2, 3)
"""IBRION: quasi-Newton, conjugate gradients, damped dynamics. They differ in their way, not in where it ends."""

COLLINEAR: Final = 2

UNLIKE_VASP: Final = ("GGA", "METAGGA", "LHFCALC", "IVDW", "LUSE_VDW", "LDAU", "LSORBIT", "LNONCOLLINEAR", "NELECT")
"""Tags that would change VASP's energies and don't change the potential's."""


@dataclass(frozen=True, eq=False)
class Task:
    """One job.

    Attributes:
        incar: all tags.
        poscar: the cell.
        kpoints: the mesh.
        potentials: one for every block of the POSCAR.
        relaxes: whether anything may move at all.
        ibrion: as asked for.
        isif: as asked for.
        max_steps: ionic steps, at least one.
        nsw: ionic steps as asked for.
        ediff: eV, electronic convergence.
        ediffg: eV if positive, eV/Å if negative: ionic convergence.
        nelm: electronic steps at most.
        pressure: eV/Å³.
        symmetry_tolerance: Å; None ignores symmetry.
        signs: (N,) signs of the starting moments, None without spin.
        orbitals: LORBIT.
    """

    incar: Incar
    poscar: Poscar
    kpoints: KpointsFile
    potentials: tuple[Potential, ...]
    ibrion: int
    isif: int
    nsw: int
    ediff: float
    ediffg: float
    nelm: int
    pressure: float
    symmetry_tolerance: float | None
    signs: Floats | None
    orbitals: int

    @property
    def relaxes(self) -> bool:
        """Whether anything may move."""
        return self.ibrion in RELAXATIONS and self.nsw > 0

    @property
    def max_steps(self) -> int:
        """Ionic steps at most."""
        return self.nsw if self.relaxes else 1

    @property
    def free(self) -> frozenset[str]:
        """What may change."""
        return FREEDOMS[self.isif] if self.relaxes else frozenset()

    @property
    def only_along_z(self) -> bool:
        """Whether LATTICE_CONSTRAINTS leaves the cell its height along z alone."""
        return _constraints(self.incar) == HEIGHT_ALONE

    @property
    def notes(self) -> list[str]:
        """Tags that mean something to VASP's energies and nothing to the potential's."""
        on = [tag for tag in UNLIKE_VASP if self.incar.word(tag, "F").upper().lstrip(".")[:1] not in {"F", "0", "-"}]
        if not self.other_functional.startswith("GGA"):
            on = [tag for tag in on if tag != "GGA"]
        return [f"{tag} = {self.incar[tag]} has no effect on energies: they stay the potential's" for tag in on]

    @property
    def other_functional(self) -> str:
        """The tag that asks for another functional than the potential's; empty if none does."""
        return other_functional(gga=self.incar.word("GGA", ""), metagga=self.incar.word("METAGGA", ""))

    @classmethod
    def read(cls, *, incar: str, poscar: str, kpoints: str | None, potcar: str) -> Task:
        """Read the texts of the input files; ``kpoints`` is None where there is no such file.

        Raises:
            RefusalError: naming what can't be done.
        """
        tags, cell = Incar(incar), Poscar.read(poscar)
        nsw = tags.integer("NSW", 0)
        ibrion = tags.integer("IBRION", SINGLE_POINT if nsw <= 0 else 0)
        isif = tags.integer("ISIF", 2)
        if nsw > 0 and ibrion not in (SINGLE_POINT, *RELAXATIONS):
            raise RefusalError(
                f"IBRION = {ibrion}: the stand-in only relaxes (IBRION 1, 2, 3) or takes a single point (-1); "
                f"no molecular dynamics, phonons or saddle points"
            )
        if isif not in FREEDOMS:
            raise RefusalError(f"ISIF = {isif}: must be one of {', '.join(map(str, FREEDOMS))}")
        _check_constraints(tags, isif=isif, lattice=cell.lattice)
        partly = cell.movable.any(axis=1) & ~cell.movable.all(axis=1)
        if FREEDOMS[isif] - {POSITIONS} and partly.any():
            raise RefusalError(f"ISIF = {isif}: while the cell changes, atoms can only be fixed as a whole")
        ediff = tags.real("EDIFF", 1e-4)
        return cls(
            incar=tags,
            poscar=cell,
            kpoints=KpointsFile.read(
                kpoints,
                lattice=cell.lattice,
                spacing=tags.real("KSPACING", 0.5),
                gamma=tags.flag("KGAMMA", default=True),
            ),
            potentials=_matching(read_potcar(potcar), cell),
            ibrion=ibrion,
            isif=isif,
            nsw=nsw,
            ediff=ediff,
            ediffg=tags.real("EDIFFG", 10.0 * ediff),
            nelm=tags.integer("NELM", 60),
            pressure=tags.real("PSTRESS", 0.0) / KILOBAR,
            symmetry_tolerance=tags.real("SYMPREC", 1e-5) if tags.integer("ISYM", 2) > 0 else None,
            signs=_signs(tags, len(cell.frac_coords)),
            orbitals=tags.integer("LORBIT", 0),
        )


KILOBAR: Final = 1602.1766208
"""Kilobar in one eV/Å³ (CODATA 2014, as VASP)."""


def _matching(potentials: list[Potential], cell: Poscar) -> tuple[Potential, ...]:
    """The potentials, if they are those of the POSCAR's blocks in the same order."""
    wanted, given = [symbol for symbol, _ in cell.blocks], [potential.element for potential in potentials]
    if wanted != given:
        raise RefusalError(
            f"ERROR: the potentials on file POTCAR ({', '.join(given)}) are incompatible with the species on file "
            f"POSCAR ({', '.join(wanted)})"
        )
    return tuple(potentials)


def _signs(tags: Incar, n_atoms: int) -> Floats | None:
    """Which way the moments point; the potential gives their size only."""
    if tags.integer("ISPIN", 1) != COLLINEAR:
        return None
    moments = np.array(tags.reals("MAGMOM") or [1.0] * n_atoms)
    if len(moments) != n_atoms:
        raise RefusalError(f"Error reading item 'MAGMOM' from file INCAR: {len(moments)} moments for {n_atoms} atoms")
    return np.where(moments < 0.0, -1.0, 1.0)


def _constraints(tags: Incar) -> tuple[bool, ...]:
    words = tags.get("LATTICE_CONSTRAINTS", "T T T").upper().split()
    return tuple(word.lstrip(".").startswith("T") for word in words)


def _check_constraints(tags: Incar, *, isif: int, lattice: Floats) -> None:
    """Refuse constraints of the cell that can't be kept.

    Raises:
        RefusalError: naming what is possible.
    """
    constraints = _constraints(tags)
    if constraints == UNCONSTRAINED:
        return
    flat = np.abs(lattice[:2, 2]).max() <= 1e-6 * np.abs(lattice).max()
    if constraints != HEIGHT_ALONE or isif != FULL or not flat:
        raise RefusalError(
            f"LATTICE_CONSTRAINTS = {tags['LATTICE_CONSTRAINTS']}: the stand-in only frees the height along z "
            f"(F F T), with ISIF = 3 and the first two vectors in the plane of x and y"
        )
