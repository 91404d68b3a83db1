"""A campaign as a table to make maps of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.reading.columns import Columns
    from aiida_mlhull.science.types import Predictions


def columns(node: orm.ProcessNode) -> Columns:
    """What a campaign that has ended well knows of its relaxed candidates.

    Raises:
        click.ClickException: if it hasn't.
        TableError: if no candidate was relaxed to the end.
    """
    from aiida_mlhull.graph import results
    from aiida_mlhull.science.maps.points import campaign_columns

    if not node.is_finished_ok:
        raise click.ClickException(f"campaign {node.pk} has not ended well, so there is nothing to map yet")
    name = node.label or f"campaign {node.pk}"
    return campaign_columns(results.results(node), results.outcomes(node), last_predictions(node.pk), name=name)


def last_predictions(pk: int | None) -> Predictions | None:
    """What the last models that were asked about each candidate have said; None if none was."""
    from aiida import orm

    from aiida_mlhull.data import PredictionsData
    from aiida_mlhull.science.types import concatenate

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", tag="round")
    query.append(orm.WorkChainNode, with_incoming="round", tag="wave")
    query.append(orm.CalcJobNode, with_incoming="wave", tag="job")
    query.append(PredictionsData, with_incoming="job", tag="predictions", project="*")
    query.order_by({"predictions": {"id": "desc"}})
    kept: list[Predictions] = []
    for node in query.all(flat=True):
        table = node.to_science()
        kept.append(table.without([name for earlier in kept for name in earlier.ids.tolist()]))
    return concatenate(kept) if kept else None
