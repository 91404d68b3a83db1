"""Pictures: nouns and measures in, a figure out; ``saving`` writes several into a folder.

matplotlib figures are made without pyplot, so that they leave no state behind.
"""

from aiida_mlhull.science.plots.campaign import draw_enrichment, draw_funnel, draw_precision_recall, draw_recall
from aiida_mlhull.science.plots.diagram import Diagram, MarkedPhases, make_diagram
from aiida_mlhull.science.plots.errors import draw_rolling_error, draw_stability_histogram
from aiida_mlhull.science.plots.interactive import interactive_phase_diagram
from aiida_mlhull.science.plots.learning import draw_learning_curves
from aiida_mlhull.science.plots.static import draw_phase_diagram
from aiida_mlhull.science.plots.uncertainty import (
    draw_calibration,
    draw_confidence,
    draw_parity,
    draw_parts,
    draw_quantiles,
    draw_z_scores,
)

__all__ = [
    "Diagram",
    "MarkedPhases",
    "draw_calibration",
    "draw_confidence",
    "draw_enrichment",
    "draw_funnel",
    "draw_learning_curves",
    "draw_parity",
    "draw_parts",
    "draw_phase_diagram",
    "draw_precision_recall",
    "draw_quantiles",
    "draw_recall",
    "draw_rolling_error",
    "draw_stability_histogram",
    "draw_z_scores",
    "interactive_phase_diagram",
    "make_diagram",
]
