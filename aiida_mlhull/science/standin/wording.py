"""What the stand-in says of itself, so that nobody takes its numbers for VASP's."""

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

_WIDTH: Final = 77


def banner(potential: str) -> str:
    """The first lines of a log."""
    return (
        f" running on    1 total cores\n"
        f" vasp-standin: {VERSION}\n"
        f" *** {NOT_VASP} *** energies, forces and moments are those of the universal potential {potential}\n"
        f" *** {NOT_VASP} *** use them to rehearse a campaign, never as results of density functional theory\n"
    )


def error_box(message: str) -> str:
    """A box as VASP draws it before it gives up."""
    rule = " " + "-" * (_WIDTH + 2) + "\n"
    heading = "EEEEEEE  R     R  R     R  OOOOOOO  R     R     ###     ###     ###"
    goodbye = "---->  I REFUSE TO CONTINUE WITH THIS SICK JOB ... BYE!!! <----"
    lines = ["", heading, "", *textwrap.wrap(f"{NOT_VASP}: {message}", _WIDTH - 8), "", goodbye, ""]
    return rule + "".join(f"|     {line:<{_WIDTH - 5}}|\n" for line in lines) + rule
