"""Pictures of a campaign: phase diagrams on paper and to turn, the funnel, the recall curve."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.metrics import RecallCurve
    from aiida_mlhull.science.plots import Diagram, MarkedPhases
    from aiida_mlhull.science.types import Decisions

MOST: Final = 12
"""Chemical systems that are drawn; a campaign over hundreds of them would fill a folder."""
DRAWN_ELEMENTS: Final = (2, 3, 4)


def draw_diagrams(node: orm.ProcessNode, folder: Path) -> list[Path]:
    """Phase diagrams of a campaign's chemical systems, each as PNG and as HTML.

    Systems with the most elements come first, among them those with the most new phases.
    """
    from aiida_mlhull.graph import results
    from aiida_mlhull.science.plots import draw_phase_diagram, interactive_phase_diagram, make_diagram

    kept, dropped = relaxed(node), not_relaxed(node)
    references = node.inputs.references.to_science()
    written = []
    for elements in worth_drawing(results.phases(node).formulas.tolist(), results.outcomes(node))[:MOST]:
        diagram: Diagram = make_diagram(references, kept=kept, dropped=dropped, elements=elements)
        name = "-".join(elements)
        title = f"{name}, campaign {node.label}"
        picture, page = folder / f"phase_diagram_{name}.png", folder / f"phase_diagram_{name}.html"
        draw_phase_diagram(diagram, title=title).savefig(picture)
        interactive_phase_diagram(diagram, title=title).write_html(page, include_plotlyjs="directory")
        written += [picture, page]
    return written


def worth_drawing(phases: list[str], outcomes: Decisions) -> list[tuple[str, ...]]:
    """Chemical systems of two to four elements, larger ones and those with more new phases first.

    Args:
        phases: formulas of the new phases.
        outcomes: one row per candidate.

    Returns:
        Elements, in alphabetical order.
    """
    from aiida_mlhull.science.representations.composition import distinct

    systems = {tuple(sorted(composition.symbols)) for composition in distinct(outcomes.formulas.tolist())[0]}
    found = [set(composition.symbols) for composition in distinct(phases)[0]]
    drawable = [system for system in systems if len(system) in DRAWN_ELEMENTS]

    def rank(system: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
        return -len(system), -sum(phase <= set(system) for phase in found), system

    return sorted(drawable, key=rank)


def relaxed(node: orm.ProcessNode) -> MarkedPhases:
    """Candidates with a final energy."""
    from aiida_mlhull.graph import results
    from aiida_mlhull.science.plots import MarkedPhases

    everything = results.results(node)
    done = everything.take(everything.succeeded)
    return MarkedPhases(ids=done.ids, formulas=done.formulas, energies=done.energies)


def not_relaxed(node: orm.ProcessNode) -> MarkedPhases:
    """Candidates that were decided against, with the energy that the last models asked about them said."""
    import numpy as np

    from aiida_mlhull.graph import models, results
    from aiida_mlhull.science.plots import MarkedPhases

    outcomes = results.outcomes(node)
    dropped = outcomes.take(~outcomes.keep)
    energies = np.full(len(dropped), np.nan)
    for predictions in models.predictions(node.pk):
        here = predictions.take(np.isin(predictions.ids, dropped.ids))
        energies[dropped.positions(here.ids)] = here.mean
    return MarkedPhases(ids=dropped.ids, formulas=dropped.formulas, energies=energies)


def draw_funnel(node: orm.ProcessNode, path: Path) -> Path:
    """The funnel of a campaign that has ended."""
    from aiida_mlhull.science.plots import draw_funnel as draw

    counts = node.outputs.summary["funnel"]
    steps = {
        "candidates": counts["candidates"],
        "left after merging": counts["candidates"] - counts["merged"],
        "relaxed to the end": counts["relaxed"],
        "on the hull": counts["on_hull"],
    }
    if not counts["merged"]:
        del steps["left after merging"]
    draw(steps, title=f"Campaign {node.label}").savefig(path)
    return path


def draw_recall(curve: RecallCurve, path: Path, *, name: str) -> Path:
    """What had been found after ever more relaxations."""
    from aiida_mlhull.science.plots import draw_recall as draw

    draw({name: curve}).savefig(path)
    return path
