"""Pictures of a campaign: phase diagrams on paper and to turn, the funnel."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiida_mlhull.graph.campaign import Campaign

MOST: Final = 12
"""Chemical systems that are drawn; a campaign over hundreds of them would fill a folder."""


def draw_diagrams(campaign: Campaign, folder: Path) -> list[Path]:
    """Phase diagrams of a campaign's chemical systems, each as PNG and as HTML.

    Systems with the most elements come first, among them those with the most new phases.
    """
    from aiida_mlhull.science.plots import draw_phase_diagram, interactive_phase_diagram

    written = []
    for name, diagram in campaign.diagrams(campaign.systems()[:MOST]).items():
        title = f"{name}, campaign {campaign.label}"
        picture, page = folder / f"phase_diagram_{name}.png", folder / f"phase_diagram_{name}.html"
        draw_phase_diagram(diagram, title=title).savefig(picture)
        interactive_phase_diagram(diagram, title=title).write_html(page, include_plotlyjs="directory")
        written += [picture, page]
    return written


def draw_funnel(campaign: Campaign, path: Path) -> Path:
    """The funnel of a campaign that has ended."""
    from aiida_mlhull.science.campaign.outcomes import funnel_steps
    from aiida_mlhull.science.plots import draw_funnel as draw

    draw(funnel_steps(campaign.funnel()), title=f"Campaign {campaign.label}").savefig(path)
    return path
