"""Phase diagrams of a campaign: known phases, candidates relaxed to the end, candidates decided against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from aiida_mlhull.graph import models, results

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.plots import Diagram, MarkedPhases
    from aiida_mlhull.science.types import Decisions, Labels

DRAWN_ELEMENTS: Final = (2, 3, 4)


def systems(campaign: orm.ProcessNode) -> list[tuple[str, ...]]:
    """Chemical systems of two to four elements, larger ones and those with more new phases first.

    Returns:
        Elements of each, in alphabetical order.
    """
    from aiida_mlhull.science.representations.composition import distinct

    outcomes, phases = results.outcomes(campaign), results.phases(campaign)
    chemical_systems = {tuple(sorted(composition.symbols)) for composition in distinct(outcomes.formulas.tolist())[0]}
    new = [set(composition.symbols) for composition in distinct(phases.formulas.tolist())[0]]
    drawable = [system for system in chemical_systems if len(system) in DRAWN_ELEMENTS]

    def rank(system: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
        return -len(system), -sum(phase <= set(system) for phase in new), system

    return sorted(drawable, key=rank)


def diagrams(campaign: orm.ProcessNode, chosen: Sequence[Sequence[str]]) -> dict[str, Diagram]:
    """Phase diagrams of chemical systems, by name, ``"As-Be-Rb"``.

    Args:
        campaign: whose candidates are shown.
        chosen: elements of every system, two to four.

    Raises:
        InputError: if a system has fewer or more elements, or the references lack one of them.
    """
    from aiida_mlhull.science.plots import make_diagram

    labels = results.results(campaign)
    kept, dropped = _relaxed(labels), _not_relaxed(campaign, results.outcomes(campaign))
    references = campaign.inputs.references.to_science()
    return {
        "-".join(elements): make_diagram(references, kept=kept, dropped=dropped, elements=tuple(elements))
        for elements in chosen
    }


def _relaxed(labels: Labels) -> MarkedPhases:
    """Candidates with a final energy."""
    from aiida_mlhull.science.plots import MarkedPhases

    succeeded = labels.take(labels.succeeded)
    return MarkedPhases(ids=succeeded.ids, formulas=succeeded.formulas, energies=succeeded.energies)


def _not_relaxed(campaign: orm.ProcessNode, outcomes: Decisions) -> MarkedPhases:
    """Candidates that were decided against, with the energy that the last models asked about them predicted."""
    import numpy as np

    from aiida_mlhull.science.plots import MarkedPhases

    dropped = outcomes.take(~outcomes.keep)
    energies = np.full(len(dropped), np.nan)
    for predictions in models.predictions(campaign.pk):
        rows = predictions.take(np.isin(predictions.ids, dropped.ids))
        energies[dropped.positions(rows.ids)] = rows.mean
    return MarkedPhases(ids=dropped.ids, formulas=dropped.formulas, energies=energies)
