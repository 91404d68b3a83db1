"""One job: the texts of its inputs in, what to write out, ionic step by ionic step."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

from aiida_mlhull.science.not_vasp import FUNCTIONAL, NOT_VASP, banner, error_box, warning_box
from aiida_mlhull.science.relaxation.chgnet.network import CHGNetNetwork
from aiida_mlhull.standin import faults, logs, outcar, vasprun
from aiida_mlhull.standin.descent import IonicStep, descend, find_symmetry
from aiida_mlhull.standin.electrons import cycle
from aiida_mlhull.standin.events import STDOUT, Append, Exit, InputTexts, Replace, ServerEvent
from aiida_mlhull.standin.inputs import RefusalError
from aiida_mlhull.standin.task import Task

REFUSED: Final = 1

SOFT_STOP, HARD_STOP = "soft", "hard"
"""What STOPCAR asks for: LSTOP after this ionic step, LABORT at once; the same here, where a cycle takes no time."""

REASONS: Final = {
    "accuracy": "reached required accuracy - stopping structural energy minimisation",
    "noise": f"{NOT_VASP}: what is left of the forces drowns in the potential's noise - stopping "
    "structural energy minimisation",
    SOFT_STOP: "soft stop encountered!  aborting job ...",
    HARD_STOP: "hard stop encountered!  aborting job ...",
}

Stop = Callable[[], str]
"""Asked after every ionic step: empty, or one of the two stops."""


def run(inputs: InputTexts, network: CHGNetNetwork, *, stop: Stop) -> Iterator[ServerEvent]:
    """Do one job.

    Args:
        inputs: the texts.
        network: the potential.
        stop: asked after every ionic step, when all of it has been written.
    """
    potential = f"CHGNet {network.version}"
    yield Append("OUTCAR", outcar.opening(potential=potential, now=datetime.now().astimezone()))
    yield Append(STDOUT, banner(potential))
    try:
        task = Task.read(incar=inputs.incar, poscar=inputs.poscar, kpoints=inputs.kpoints, potcar=inputs.potcar)
        fault = faults.chosen(inputs, task)
        if task.other_functional:
            box = warning_box(
                f"{NOT_VASP}: {task.other_functional} asks for another functional. ALL ENERGIES, FORCES AND STRESSES "
                f"ARE {FUNCTIONAL}'s ALL THE SAME, as the potential was trained on: rehearse with them, and don't put "
                f"them beside energies of that functional."
            )
            yield Append("OUTCAR", box)
            yield Append(STDOUT, box)
        if inputs.restarted:
            yield Append(STDOUT, " found WAVECAR, reading the header\n")
        yield from fault.on_events(_relax(task, network, stop=stop, fault=fault, potential=potential))
    except RefusalError as error:
        box = error_box(str(error))
        yield Append("OUTCAR", box)
        yield Append(STDOUT, box)
        yield Exit(REFUSED)


def _relax(
    task: Task, network: CHGNetNetwork, *, stop: Stop, fault: faults.Fault, potential: str
) -> Iterator[ServerEvent]:
    began, cpu = time.perf_counter(), time.thread_time()
    cell = find_symmetry(task)
    electrons = sum(n * p.valence for (_, n), p in zip(task.poscar.blocks, task.potentials, strict=True))
    now = datetime.now().astimezone()
    yield Append("vasprun.xml", vasprun.head(task, potential=potential, now=now, n_electrons=electrons))
    yield Append("OUTCAR", outcar.head(task, cell, n_electrons=electrons))
    for file in ("OSZICAR", "CONTCAR"):  # there from the start, empty
        yield Append(file, "")
    if task.incar.flag("LWAVE", default=True):
        yield Replace("WAVECAR", f"{NOT_VASP}: no wave functions\n")
    yield Append(STDOUT, " entering main loop\n")
    before, reason, last = 0.0, "", None
    for last in fault.on_steps(descend(task, cell, network)):
        energies = cycle(
            last.energy, first=last.number == 1, ediff=task.ediff, nelm=task.nelm, converges=fault.converges
        )
        yield from _written(task, last, energies, change=energies[-1] - before)
        before, reason = energies[-1], last.ending
        if not reason and (reason := stop()):
            break
    assert last is not None
    yield Append("vasprun.xml", vasprun.tail(last))
    if reason:
        yield Append(STDOUT, f" {REASONS[reason]}\n")
    yield Append(
        "OUTCAR",
        outcar.ending(
            reason=REASONS.get(reason, ""),
            core_seconds=time.thread_time() - cpu,
            elapsed=time.perf_counter() - began,
            peak_memory=_peak_memory(),
        ),
    )
    yield Exit(0)


def _written(task: Task, step: IonicStep, energies: list[float], *, change: float) -> Iterator[ServerEvent]:
    """An ionic step in all files, in the order in which VASP writes it."""
    line = logs.ionic_line(step, energies[-1], change)
    yield Append("OUTCAR", outcar.ionic_step(task, step, energies))
    yield Append("OSZICAR", logs.electronic_steps(energies) + line)
    yield Append(STDOUT, line)
    yield Append("vasprun.xml", vasprun.calculation(step, energies))
    yield Replace("CONTCAR", logs.contcar(task.poscar, step))


def _peak_memory() -> int:
    """Largest memory of this process so far, in kB; macOS counts bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak // 1024 if sys.platform == "darwin" else peak
