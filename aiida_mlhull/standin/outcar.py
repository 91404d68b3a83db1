"""OUTCAR, piece by piece."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from aiida_mlhull.science.not_vasp import NOT_VASP, VERSION, banner
from aiida_mlhull.science.relaxation.symmetry import SymmetricCell
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.standin.descent import IonicStep
from aiida_mlhull.standin.task import KILOBAR, Task

MAGNETIC_MOMENTS_FROM = 10
"""LORBIT; below, VASP projects nothing without radii."""

_RULE = " " + "-" * 107 + "\n"


def opening(*, potential: str, now: datetime) -> str:
    """The very first lines, written before anything is read."""
    return f" vasp.{VERSION}\n executed on {now:%Y.%m.%d  %H:%M:%S}\n" + banner(potential)


def head(task: Task, cell: SymmetricCell, *, n_electrons: float) -> str:
    """What was read, and what is in force."""
    incar = "".join(f"   {name} = {value}\n" for name, value in task.incar.items())
    titles = "".join(f"   TITEL  = {potential.title}\n" for potential in task.potentials)
    counts = "".join(f"{n:7d}" for _, n in task.poscar.blocks)
    moving = ", ".join(sorted(task.free)) or "nothing"
    return (
        f"\n INCAR:\n{incar}\n POTCAR:\n{titles}\n"
        f" POSCAR: {task.poscar.comment}\n  ions per type = {counts}\n\n"
        + "".join(f" *** {NOT_VASP} *** {note}\n" for note in task.notes)
        + _symmetry(cell)
        + f"\n Dimension of arrays:\n"
        f"   k-points           NKPTS = {1:6d}   k-points in BZ     NKDIM = {1:6d}   number of bands    NBANDS= {1:6d}\n"
        f"   number of dos      NEDOS = {0:6d}   number of ions     NIONS = {len(task.poscar.frac_coords):6d}\n"
        f"   total plane-waves  NPLWV = {1:6d}\n\n"
        f" Electronic Relaxation 1\n"
        f"   ENCUT  = {task.incar.real('ENCUT', 0.0):7.1f} eV   (read, without effect)\n"
        f"   NELM   = {task.nelm:6d};   NELMIN= {2:2d}; NELMDL= {-5:2d}     # of ELM steps\n"
        f"   EDIFF  = {task.ediff:.1E}   stopping-criterion for ELM\n"
        f" Ionic relaxation\n"
        f"   EDIFFG = {task.ediffg:.1E}   stopping-criterion for IOM\n"
        f"   NSW    = {task.nsw:6d}    number of steps for IOM\n"
        f"   IBRION = {task.ibrion:6d}    ionic relax: 0-MD 1-quasi-New 2-CG\n"
        f"   ISIF   = {task.isif:6d}    stress and relaxation: {moving}\n"
        f"   PSTRESS= {task.pressure * KILOBAR:8.1f} pullay stress\n"
        f"   NELECT = {n_electrons:12.4f}    total number of electrons\n"
    )


def ionic_step(task: Task, step: IonicStep, cycle: list[float]) -> str:
    """One ionic step."""
    energy = cycle[-1]
    return (
        "".join(f"\n{f' Iteration {step.number:6d}({k:4d})  ':-^103}\n" for k in range(1, len(cycle) + 1))
        + "\n E-fermi :   0.0000     XC(G=0):   0.0000     alpha+bet :   0.0000\n"  # readers stop there
        + _electrons(task, step)
        + f"\n  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)\n  {'-' * 51}\n"
        f"  free  energy   TOTEN  = {energy:18.8f} eV\n\n"
        f"  energy  without entropy={energy:18.8f}  energy(sigma->0) ={energy:18.8f}\n"
        + _pressure(task, step, energy)
        + _cell(step)
        + _forces(step)
        + f"\n     LOOP+:  cpu time{step.core_seconds:11.4f}: real time{step.core_seconds:11.4f}\n"
    )


def ending(*, reason: str, core_seconds: float, elapsed: float, peak_memory: int) -> str:
    """Why it is over, and what it took; without it, readers take a run as killed.

    Args:
        reason: VASP's line for it, may be empty.
        core_seconds: processor time.
        elapsed: seconds by the clock.
        peak_memory: kB.
    """
    return (
        (f"\n {reason}\n" if reason else "")
        + f"\n\n *** {NOT_VASP} ***\n"
        + "\n General timing and accounting informations for this job:\n "
        + "=" * 56
        + f"\n\n{'Total CPU time used (sec):':>44} {core_seconds:12.3f}\n{'User time (sec):':>44} {core_seconds:12.3f}\n"
        f"{'System time (sec):':>44} {0.0:12.3f}\n{'Elapsed time (sec):':>44} {elapsed:12.3f}\n\n"
        f"{'Maximum memory used (kb):':>44} {peak_memory:11d}.\n{'Average memory used (kb):':>44} {'N/A':>12}\n"
    )


def _symmetry(cell: SymmetricCell) -> str:
    return (
        "\n Analysis of symmetry for initial positions (statically):\n ====================================\n"
        f" Subroutine GETGRP returns: Found {len(cell.rotations):2d} space group operations\n"
    )


def _electrons(task: Task, step: IonicStep) -> str:
    """Lines about spin, and moments in spheres where LORBIT asks for them."""
    if step.moments is None:
        return ""
    electrons = sum(n * p.valence for (_, n), p in zip(task.poscar.blocks, task.potentials, strict=True))
    lines = f"\n number of electron {electrons:15.7f} magnetization {step.moments.sum():15.7f}\n"
    if task.orbitals < MAGNETIC_MOMENTS_FROM:
        return lines
    rows = [f"{atom:5d}      " + _shares(moment) for atom, moment in enumerate(step.moments.tolist(), start=1)]
    rule = "-" * 50 + "\n"
    return (
        f"{lines}\n\n magnetization (x)\n\n# of ion       s       p       d       tot\n{rule}"
        f"{''.join(rows)}{rule}tot         {_shares(float(step.moments.sum()))}\n"
    )


def _shares(moment: float) -> str:
    """The potential doesn't know orbitals: all is written as d."""
    return f"{0.0:8.3f}{0.0:8.3f}{moment:8.3f}{moment:8.3f}\n"


def _pressure(task: Task, step: IonicStep, energy: float) -> str:
    volume = abs(step.volume)
    components = [step.stress[i, j] for i, j in ((0, 0), (1, 1), (2, 2), (0, 1), (1, 2), (2, 0))]
    external = float(np.trace(step.stress)) / 3.0
    lines = (
        "\n  FORCE on cell =-STRESS in cart. coord.  units (eV):\n"
        "  Direction    XX          YY          ZZ          XY          YZ          ZX\n"
        f"  Total   {''.join(f'{x * volume / KILOBAR:12.5f}' for x in components)}\n"
        f"  in kB   {''.join(f'{x:12.5f}' for x in components)}\n"
        f"  external pressure = {external - task.pressure * KILOBAR:12.2f} kB  "
        f"Pullay stress = {task.pressure * KILOBAR:12.2f} kB\n"
    )
    if task.pressure:
        push = task.pressure * volume
        lines += f"  enthalpy is  TOTEN    = {energy + push:18.8f} eV   P V= {push:18.8f}\n"
    return lines


def _cell(step: IonicStep) -> str:
    reciprocal = np.linalg.inv(step.lattice).T
    rows = "".join(
        "    " + "".join(f"{x:13.9f}" for x in (*a, *b)) + "\n" for a, b in zip(step.lattice, reciprocal, strict=True)
    )
    return (
        f"\n VOLUME and BASIS-vectors are now :\n{_RULE}  volume of cell : {step.volume:12.2f}\n"
        f"      direct lattice vectors                 reciprocal lattice vectors\n{rows}"
    )


def _forces(step: IonicStep) -> str:
    positions: Floats = step.frac_coords @ step.lattice
    rows = "".join(
        "".join(f"{x:13.5f}" for x in position) + "".join(f"{x:14.6f}" for x in force) + "\n"
        for position, force in zip(positions, step.forces, strict=True)
    )
    drift = "".join(f"{x:14.6f}" for x in step.forces.sum(axis=0))
    rule = " " + "-" * 83 + "\n"
    return f"\n POSITION                                       TOTAL-FORCE (eV/Angst)\n{rule}{rows}{rule}    total drift:                      {drift}\n"
