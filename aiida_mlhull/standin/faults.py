"""Failures on request, to see what handlers, engines and reports make of them.

A rule names a failure, and may say which structures it meets and what cures it::

    killed in TiN, Zn3N2 unless restarted; electronic in Ti-Zn-N unless NELM=150; slow 5 in 10%

Rules are separated by semicolons; the first that fits is taken. After ``in`` come reduced formulas,
chemical systems (elements joined by hyphens) or a share of all inputs in percent, drawn from the POSCAR's
text, so that the same inputs always meet the same fate. After ``unless`` comes ``restarted`` (there is a
WAVECAR to go on from) or a tag of the INCAR with its value.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final, TypeGuard

import numpy as np

from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.standin.descent import IonicStep
from aiida_mlhull.standin.events import STDOUT, Append, Die, Exit, InputTexts, Replace, ServerEvent, Sleep
from aiida_mlhull.standin.inputs import RefusalError
from aiida_mlhull.standin.task import Task

OUT_OF_MEMORY_STATUS: Final = 41
"""As Fortran's run time ends when memory can't be had."""

KILLED_IN_STEP: Final = 3

KINDS: Final = {
    "electronic": "no electronic cycle converges",
    "killed": "killed by a signal in the electronic cycle of the third ionic step (or of the last)",
    "truncated": "ends well, but vasprun.xml breaks off in the last ionic step's cell",
    "negative_volume": "the cell vectors turn left-handed after the first ionic step",
    "out_of_memory": "the run time finds no memory for the first ionic step",
    "no_start": "ends before anything is written",
    "slow": "waits after every ionic step; followed by seconds",
}

_RULE: Final = re.compile(
    r"(?P<kind>[a-z_]+)(\s+(?P<seconds>\d+(\.\d+)?))?(\s+in\s+(?P<where>.+?))?(\s+unless\s+(?P<cure>\S+))?"
)


@dataclass(frozen=True)
class Fault:
    """What goes wrong in one run; the default is nothing.

    Attributes:
        kind: one of :data:`KINDS`, or empty.
        seconds: of a slow run's waiting.
    """

    kind: str = ""
    seconds: float = 0.0

    @property
    def converges(self) -> bool:
        """Whether electronic cycles converge."""
        return self.kind != "electronic"

    def on_steps(self, steps: Iterator[IonicStep]) -> Iterator[IonicStep]:
        """The relaxation's steps as they come about."""
        return _turned_over(steps) if self.kind == "negative_volume" else steps

    def on_events(self, events: Iterator[ServerEvent]) -> Iterator[ServerEvent]:
        """What gets written."""
        changed: dict[str, Callable[[Iterator[ServerEvent]], Iterator[ServerEvent]]] = {
            "killed": _killed,
            "truncated": _truncated,
            "out_of_memory": _out_of_memory,
            "no_start": _not_started,
            "slow": lambda events: _slowed(events, self.seconds),
        }
        return changed.get(self.kind, iter)(events)


def chosen(inputs: InputTexts, task: Task) -> Fault:
    """The first fault that is asked for and fits this job.

    Raises:
        RefusalError: if a rule can't be understood.
    """
    for text in filter(None, (rule.strip() for rule in inputs.faults.split(";"))):
        rule = _RULE.fullmatch(text)
        if rule is None or rule["kind"] not in KINDS or (rule["kind"] == "slow") != bool(rule["seconds"]):
            raise RefusalError(
                f"the fault {text!r} can't be understood; it must read 'KIND [in FORMULAS or PERCENT%] [unless "
                f"restarted or TAG=VALUE]' with one of the kinds {', '.join(KINDS)}, slow followed by seconds"
            )
        if _meets(rule["where"], inputs, task) and not _cured(rule["cure"], inputs, task):
            return Fault(rule["kind"], float(rule["seconds"] or 0.0))
    return Fault()


def _meets(where: str | None, inputs: InputTexts, task: Task) -> bool:
    """Whether one of the words after ``in`` means this job."""
    if where is None:
        return True
    composition = reduce_formula("".join(f"{symbol}{count}" for symbol, count in task.poscar.blocks))
    system = sorted(set(task.poscar.symbols))
    drawn = 100.0 * int.from_bytes(sha256(inputs.poscar.encode()).digest()[:4], "big") / 2.0**32
    try:
        for word in where.replace(",", " ").split():
            if word.endswith("%"):
                met = drawn < float(word[:-1])
            elif "-" in word:
                met = sorted(word.split("-")) == system
            else:
                met = reduce_formula(word) == composition
            if met:
                return True
    except ValueError as error:  # also FormulaError
        raise RefusalError(f"the fault's 'in {where}' can't be understood: {error}") from None
    return False


def _cured(cure: str | None, inputs: InputTexts, task: Task) -> bool:
    if cure is None:
        return False
    if cure == "restarted":
        return inputs.restarted
    tag, equals, value = cure.partition("=")
    if not equals:
        raise RefusalError(f"the fault's 'unless {cure}' can't be understood; write 'restarted' or TAG=VALUE")
    return task.incar.word(tag.upper(), "").upper() == value.upper()


def _turned_over(steps: Iterator[IonicStep]) -> Iterator[IonicStep]:
    first = next(steps)
    yield first
    mirrored = first.lattice * np.array([[-1.0], [1.0], [1.0]])
    yield replace(first, number=2, lattice=mirrored, ending="")
    raise RefusalError(
        f"the volume of the cell of ionic step 2 is negative: {np.linalg.det(mirrored):.3f} A^3; the triple product "
        f"of the basis vectors is negative"
    )


def _killed(events: Iterable[ServerEvent]) -> Iterator[ServerEvent]:
    """Stop in the electronic cycle of the third ionic step, or of the last, as vasprun.xml tells it."""
    steps = 0
    since: list[ServerEvent] = []  # the latest step in vasprun.xml, and what came after it
    for event in events:
        new_step = _in_vasprun(event) and "<scstep>" in event.text
        if new_step:
            steps += 1
            yield from since
            since = [event]
        elif since:
            since.append(event)
        else:
            yield event
        if since and (steps == KILLED_IN_STEP or (_in_vasprun(event) and not new_step)):
            yield _cut(since[0], '<i name="e_wo_entrp">')
            yield Die(signal.SIGKILL)
            return


def _truncated(events: Iterable[ServerEvent]) -> Iterator[ServerEvent]:
    """Keep vasprun.xml back by one piece, and drop all that follows the last cell's first vector."""
    kept: Append | None = None
    for event in events:
        if not _in_vasprun(event):
            yield event
        elif "<scstep>" in event.text or kept is None:
            if kept is not None:
                yield kept
            kept = event
        else:
            yield _cut(kept, "</v>")


def _in_vasprun(event: ServerEvent) -> TypeGuard[Append]:
    return isinstance(event, Append) and event.file == "vasprun.xml"


def _cut(event: ServerEvent, mark: str) -> Append:
    """What is written up to the first ``mark``."""
    assert isinstance(event, Append)
    return replace(event, text=event.text.partition(mark)[0] + mark)


def _out_of_memory(events: Iterable[ServerEvent]) -> Iterator[ServerEvent]:
    for event in events:
        yield event
        if event == Append(STDOUT, " entering main loop\n"):
            yield Append(STDOUT, "forrtl: severe (41): insufficient virtual memory\n")
            yield Exit(OUT_OF_MEMORY_STATUS)
            return


def _not_started(_events: Iterable[ServerEvent]) -> Iterator[ServerEvent]:
    yield Append(STDOUT, "error while loading shared libraries: libmkl_intel_lp64.so: cannot open shared object file\n")
    yield Exit(127)


def _slowed(events: Iterable[ServerEvent], seconds: float) -> Iterator[ServerEvent]:
    for event in events:
        yield event
        if isinstance(event, Replace) and event.file == "CONTCAR":
            yield Sleep(seconds)
