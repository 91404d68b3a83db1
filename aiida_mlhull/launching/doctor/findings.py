"""What a check of the profile, of its services or of the installation has found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Grade = Literal["ok", "note", "bad"]
GOOD: Final = "ok"
NOTE: Final = "note"
BAD: Final = "bad"
PLUGIN_IS: Final = "plug-in"
"""Stands before the entry point by which AiiDA runs a code."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        grade: ``ok``, ``note`` (works, with a limit) or ``bad`` (campaigns can't run).
        what: was checked.
        says: what was found.
        advice: what to do about it; empty if nothing.
    """

    grade: Grade
    what: str
    says: str
    advice: str = ""
