"""How the stand-in marks its output, so that its numbers are never taken for those of VASP."""

from __future__ import annotations

import textwrap
from typing import Final

from aiida_mlhull import __version__

PROGRAM: Final = "mlhull-vasp-standin"
NOT_VASP: Final = "NOT VASP"
VERSION: Final = f"0.0.0-{NOT_VASP.replace(' ', '-')} ({PROGRAM} {__version__})"
"""Parsers look for three numbers with dots; no VASP ever had these."""

PLACEHOLDER: Final = "PLACEHOLDER"
"""In the titles of potentials that hold no data."""

FUNCTIONAL: Final = "PBE"
"""What the potential was trained on; it knows no other."""

_NONE: Final = ("", "NONE", "--")
_WIDTH: Final = 77


def other_functional(*, gga: str, metagga: str) -> str:
    """The tag that asks for another functional than the potential's; empty if none does.

    Args:
        gga: value of ``GGA``, empty if it isn't said: the potentials are PBE's then.
        metagga: value of ``METAGGA``, likewise.
    """
    if metagga.upper() not in _NONE:
        return f"METAGGA = {metagga.upper()}"
    return "" if gga.upper() in (*_NONE, "PE") else f"GGA = {gga.upper()}"


def banner(potential: str) -> str:
    """The first lines of a log."""
    return (
        f" running on    1 total cores\n"
        f" vasp-standin: {VERSION}\n"
        f" *** {NOT_VASP} *** energies, forces and moments are those of the universal potential {potential}\n"
        f" *** {NOT_VASP} *** use them to rehearse a campaign, never as results of density functional theory\n"
    )


def warning_box(message: str) -> str:
    """A box as VASP draws it before it goes on."""
    rule = " " + "-" * (_WIDTH + 2) + "\n"
    lines = ["", "W    W    AA    RRRRR   N    N  II  N    N   GGGG   !!!", "", *textwrap.wrap(message, _WIDTH - 8), ""]
    return rule + "".join(f"|     {line:<{_WIDTH - 5}}|\n" for line in lines) + rule


def error_box(message: str) -> str:
    """A box as VASP draws it before it gives up."""
    rule = " " + "-" * (_WIDTH + 2) + "\n"
    heading = "EEEEEEE  R     R  R     R  OOOOOOO  R     R     ###     ###     ###"
    goodbye = "---->  I REFUSE TO CONTINUE WITH THIS SICK JOB ... BYE!!! <----"
    lines = ["", heading, "", *textwrap.wrap(f"{NOT_VASP}: {message}", _WIDTH - 8), "", goodbye, ""]
    return rule + "".join(f"|     {line:<{_WIDTH - 5}}|\n" for line in lines) + rule
