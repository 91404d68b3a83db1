"""A campaign as one page: everything computed once, packed into a file that works offline, with a JSON twin."""

from aiida_mlhull.science.report.content import FORMAT, Report, make_report
from aiida_mlhull.science.report.material import (
    Arrival,
    Identity,
    Material,
    RoundMaterial,
    Spending,
    StageMaterial,
)

__all__ = [
    "FORMAT",
    "Arrival",
    "Identity",
    "Material",
    "Report",
    "RoundMaterial",
    "Spending",
    "StageMaterial",
    "make_report",
]
