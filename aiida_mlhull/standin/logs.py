"""The short files: OSZICAR, CONTCAR, and lines on standard output."""

from __future__ import annotations

import numpy as np

from aiida_mlhull.science.not_vasp import NOT_VASP
from aiida_mlhull.standin.descent import IonicStep
from aiida_mlhull.standin.inputs import Poscar

OSZICAR_HEADER = "       N       E                     dE             d eps       ncg     rms          rms(c)\n"


def electronic_steps(cycle: list[float], *, label: str = "DAV") -> str:
    """One line of OSZICAR for every electronic step."""
    changes = np.diff([0.0, *cycle])
    return OSZICAR_HEADER + "".join(
        f"{label}: {k:3d}    {energy: .12E}   {change: .5E}  {change: .5E} {1:5d}   {abs(change):.3E}\n"
        for k, (energy, change) in enumerate(zip(cycle, changes, strict=True), start=1)
    )


def ionic_line(step: IonicStep, energy: float, change: float) -> str:
    """What OSZICAR and standard output say of an ionic step."""
    moment = "" if step.moments is None else f"  mag= {step.moments.sum():10.4f}"
    return f"{step.number:4d} F= {energy: .8E} E0= {energy: .8E}  d E ={change: .6E}{moment}\n"


def contcar(poscar: Poscar, step: IonicStep) -> str:
    """The cell of an ionic step as a POSCAR."""
    lattice = "".join("".join(f"{x:22.16f}" for x in row) + "\n" for row in step.lattice)
    selective = not bool(poscar.movable.all())
    rows = zip(step.frac_coords, poscar.movable, strict=True)
    flags = ["".join(f"   {'T' if free else 'F'}" for free in movable) if selective else "" for _, movable in rows]
    coords = "".join(
        "".join(f"{x:20.16f}" for x in position) + flag + "\n"
        for position, flag in zip(step.frac_coords, flags, strict=True)
    )
    return (
        f"{NOT_VASP} {poscar.comment.removeprefix(NOT_VASP).strip()}\n   1.00000000000000\n{lattice}"
        + "".join(f"{symbol:>5}" for symbol, _ in poscar.blocks)
        + "\n"
        + "".join(f"{count:6d}" for _, count in poscar.blocks)
        + ("\nSelective dynamics" if selective else "")
        + f"\nDirect\n{coords}"
    )
