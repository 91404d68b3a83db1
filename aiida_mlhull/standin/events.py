"""What a run wants done in its job's folder. Standard library only: the command starts without numpy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Final

STDOUT: Final = "-"
"""Stands for standard output where a file's name is expected."""


@dataclass(frozen=True)
class Append:
    """Write at the end of a file (or to :data:`STDOUT`), at once.

    Attributes:
        file: its name; a new run's first words in a file replace what an earlier run left there.
        text: what to write.
    """

    file: str
    text: str


@dataclass(frozen=True)
class Replace:
    """Write a file again.

    Attributes:
        file: its name.
        text: all that is to be in it.
    """

    file: str
    text: str


@dataclass(frozen=True)
class Sleep:
    """Wait.

    Attributes:
        seconds: how long.
    """

    seconds: float


@dataclass(frozen=True)
class Die:
    """Be killed, in the middle of whatever was going on.

    Attributes:
        signal: its number.
    """

    signal: int


@dataclass(frozen=True)
class Exit:
    """The run is over.

    Attributes:
        status: of the process.
    """

    status: int


ServerEvent = Append | Replace | Sleep | Die | Exit

_KINDS: Final[dict[str, type[ServerEvent]]] = {
    kind.__name__.lower(): kind for kind in (Append, Replace, Sleep, Die, Exit)
}


def packed(event: ServerEvent) -> dict[str, Any]:
    """An event as JSON can hold it."""
    return {"do": type(event).__name__.lower(), **asdict(event)}


def unpacked(message: dict[str, Any]) -> ServerEvent:
    """The event that :func:`packed` made this message of.

    Raises:
        ValueError: if it is not an event.
    """
    content = dict(message)
    try:
        return _KINDS[content.pop("do")](**content)
    except (KeyError, TypeError) as error:
        raise ValueError(f"not an event: {error}") from None


@dataclass(frozen=True)
class InputTexts:
    """The texts of a job's input files.

    Attributes:
        incar: INCAR.
        poscar: POSCAR.
        kpoints: KPOINTS, None where there is none.
        potcar: the headers of POTCAR.
        restarted: whether there is a WAVECAR to go on from.
        faults: failures on request, see :mod:`aiida_mlhull.standin.faults`.
    """

    incar: str
    poscar: str
    kpoints: str | None
    potcar: str
    restarted: bool
    faults: str
