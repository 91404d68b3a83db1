"""A job's folder: inputs are read here, and what a run says is done here. Standard library only."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Final

from aiida_mlhull.standin.events import STDOUT, Append, Die, Exit, InputTexts, Replace, ServerEvent, Sleep

FAULTS: Final = "MLHULL_STANDIN_FAULTS"
"""Environment variable with failures on request."""

WALL_TIME: Final = "MLHULL_STANDIN_WALLTIME"
"""Environment variable: seconds after which the job is killed, as a scheduler would."""

_HEADERS: Final = re.compile(r"TITEL|POMASS|ZVAL")


@dataclass
class Folder:
    """Where a job runs.

    Attributes:
        path: the folder.
        begun: files that this run has written to.
    """

    path: Path
    begun: set[str] = field(default_factory=set)

    def inputs(self) -> InputTexts:
        """The texts of the input files.

        Of POTCAR only the headers' lines are read: what is licensed never leaves its file.

        Raises:
            FileNotFoundError: if INCAR, POSCAR or POTCAR is missing.
        """
        kpoints, wavecar = self.path / "KPOINTS", self.path / "WAVECAR"
        with (self.path / "POTCAR").open(encoding="utf-8", errors="replace") as potcar:
            headers = "".join(line for line in potcar if _HEADERS.search(line))
        return InputTexts(
            incar=_text(self.path / "INCAR"),
            poscar=_text(self.path / "POSCAR"),
            kpoints=_text(kpoints) if kpoints.exists() else None,
            potcar=headers,
            restarted=wavecar.exists() and wavecar.stat().st_size > 0,
            faults=os.environ.get(FAULTS, ""),
        )

    def carry_out(self, events: Iterable[ServerEvent]) -> int:
        """Do what a run says; the status that it ends with."""
        for event in events:
            match event:
                case Append(file, text) if file == STDOUT:
                    sys.stdout.write(text)
                    sys.stdout.flush()
                case Append(file, text):
                    with (self.path / file).open("a" if file in self.begun else "w", encoding="utf-8") as stream:
                        stream.write(text)
                    self.begun.add(file)
                case Replace(file, text):
                    (self.path / file).write_text(text, encoding="utf-8")
                case Sleep(seconds):
                    time.sleep(seconds)
                case Die(number):
                    os.kill(os.getpid(), number)
                case Exit(status):
                    return status
        raise EOFError("the run ended without saying so")

    def stop(self) -> str:
        """What STOPCAR asks for: ``soft`` (LSTOP), ``hard`` (LABORT), or nothing."""
        stopcar = self.path / "STOPCAR"
        if not stopcar.exists():
            return ""
        asked = dict(re.findall(r"^\s*(LSTOP|LABORT)\s*=\s*\.?([TF])", _text(stopcar).upper(), flags=re.MULTILINE))
        return "hard" if asked.get("LABORT") == "T" else "soft" if asked.get("LSTOP") == "T" else ""


def wall_time(path: Path) -> float | None:
    """Seconds that the job in folder ``path`` may take.

    From the environment; or what AiiDA has written beside the inputs, because its scheduler for a single
    machine (``core.direct``) keeps no time itself; or a limit of processor time, which a job whose work is
    done by a server would never reach.
    """
    if asked := os.environ.get(WALL_TIME):
        return float(asked)
    template = path / ".aiida" / "job_tmpl.json"
    if template.exists() and (seconds := json.loads(_text(template)).get("max_wallclock_seconds")):
        return float(seconds)
    limit = resource.getrlimit(resource.RLIMIT_CPU)[0]
    return None if limit == resource.RLIM_INFINITY else float(limit)


def limit_wall_time(seconds: float | None) -> None:
    """Be killed after ``seconds``, without a word, as a scheduler kills; None sets no limit."""
    if seconds is not None:
        signal.signal(signal.SIGALRM, _kill)
        signal.setitimer(signal.ITIMER_REAL, seconds)


def _kill(_number: int, _frame: FrameType | None) -> None:
    sys.stderr.write("the wall time limit is reached\n")
    sys.stderr.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
