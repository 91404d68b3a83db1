"""From one's own crystals to candidates that may be stable, on labels alone (Goodall's thesis, 6.7)."""

from aiida_mlhull.science.prospecting.folder import ProspectFolder, asked_for, known_once
from aiida_mlhull.science.prospecting.known import Known, read_known
from aiida_mlhull.science.prospecting.prospect import Prospect, ProspectSettings, prospect
from aiida_mlhull.science.prospecting.retrospect import Retrospect, retrospect

__all__ = [
    "Known",
    "Prospect",
    "ProspectFolder",
    "ProspectSettings",
    "Retrospect",
    "asked_for",
    "known_once",
    "prospect",
    "read_known",
    "retrospect",
]
