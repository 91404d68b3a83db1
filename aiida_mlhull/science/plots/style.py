"""One look for all pictures: colors that survive color blindness and gray printers, formulas with subscripts."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

STABLE: Final = "#1b7837"
"""On the hull."""
KEPT: Final = "#e08214"
"""Relaxed to the end, above the hull."""
DROPPED: Final = "#9e9e9e"
"""Decided against."""
KNOWN: Final = "#4d4d4d"
"""References."""
LINE: Final = "#2b2b2b"
ACCENTS: Final = ("#2166ac", "#b2182b", "#1b7837", "#762a83")

ENERGY_AXIS: Final = "Formation energy (eV/atom)"
ABOVE_HULL_AXIS: Final = "Energy above hull (eV/atom)"

ONE_A_COMPOSITION: Final = (
    "One mark for all phases of a composition: the lowest calculated one, else a dropped one (drawn of all)"
)

_COUNT = re.compile(r"(?<=[A-Za-z)\]])(\d+(?:\.\d+)?)")


def tally(shown: int, there: int) -> str:
    """How many phases a legend's mark stands for: ``"(97 of 1,100)"``, or ``"(97)"`` where all are shown."""
    return f"({there:,})" if shown == there else f"({shown:,} of {there:,})"


@lru_cache(maxsize=1 << 14)
def chemist(formula: str) -> str:
    """The formula as chemists write it, electropositive elements first: ``"As1Rb3"`` is ``"Rb3As"``."""
    from pymatgen.core import Composition  # noqa: PLC0415  (slow import)

    return str(Composition(formula).reduced_formula)


def mathtext(formula: str) -> str:
    """A formula with subscripts for matplotlib."""
    return _COUNT.sub(r"$_{\1}$", chemist(formula))


def html(formula: str) -> str:
    """A formula with subscripts for plotly."""
    return _COUNT.sub(r"<sub>\1</sub>", chemist(formula))
