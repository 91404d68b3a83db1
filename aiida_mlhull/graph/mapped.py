"""A campaign as a table to make maps of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiida_mlhull.science.errors import InputError

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.reading.columns import Columns
    from aiida_mlhull.science.types import Predictions


def columns(node: orm.ProcessNode) -> Columns:
    """What a campaign that has ended well knows of its relaxed candidates.

    Raises:
        InputError: if it hasn't.
        TableError: if no candidate was relaxed to the end.
    """
    from aiida_mlhull.graph import results
    from aiida_mlhull.science.maps.points import campaign_columns

    if not node.is_finished_ok:
        raise InputError(f"campaign {node.pk} has not ended well, so there is nothing to map yet")
    name = node.label or f"campaign {node.pk}"
    return campaign_columns(results.results(node), results.outcomes(node), last_predictions(node.pk), name=name)


def last_predictions(pk: int | None) -> Predictions | None:
    """What the last models that were asked about each candidate have said; None if none was."""
    from aiida_mlhull.graph.models import predictions
    from aiida_mlhull.science.triage.committee import as_one_member
    from aiida_mlhull.science.types import concatenate

    kept: list[Predictions] = []
    for table in reversed(list(predictions(pk))):
        kept.append(table.without([name for later in kept for name in later.ids.tolist()]))
    if len({table.members.shape[1] for table in kept}) > 1:
        kept = [as_one_member(table) for table in kept]
    return concatenate(kept) if kept else None
