"""What ensembles of properties have predicted of a campaign's candidates, and what its gates required of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from aiida_mlhull import names
from aiida_mlhull.graph.rows import TABLE, holding
from aiida_mlhull.graph.story import story_pks

if TYPE_CHECKING:
    import pyarrow as pa
    from aiida import orm

    from aiida_mlhull.data import DecisionsData, EnsembleData
    from aiida_mlhull.science.types import Predictions
    from aiida_mlhull.science.types.properties import Property
    from aiida_mlhull.science.types.table import Strings

WAVE: Final = "wave"
"""Tag of the processes that have asked an ensemble about all shards."""


class PredictedProperty(NamedTuple):
    """What was predicted of one candidate.

    Attributes:
        pk: of the node with the prediction.
        when: that node was created.
        where: stage and property.
        words: mean and σ, or the chance of a class.
        ensemble: that has predicted it.
    """

    pk: int | None
    when: datetime
    where: str
    words: str
    ensemble: EnsembleData


def said_of_candidate(pk: int | None, identifier: str) -> Iterator[PredictedProperty]:
    """What a campaign's ensembles of properties have predicted of a candidate, the oldest first."""
    from aiida_mlhull.science.types.properties import said_of

    for wave, node in holding(_tables([pk]), identifier):
        row = node.row(identifier)
        if row is not None:
            known, ensemble = _known(wave)
            where = f"{wave.label.partition(', ')[0]}: {known.name}"
            yield PredictedProperty(node.pk, node.ctime, where, said_of(row, known, 0), ensemble)


def predicted(pk: int | None) -> list[tuple[Property, Predictions]]:
    """Every property of a campaign, and of those that it goes on from, with what was predicted last of each candidate."""
    from aiida_mlhull.science.triage.committee import as_one_member
    from aiida_mlhull.science.types import concatenate

    query = _tables(story_pks(pk))
    query.add_projection(TABLE, "*")
    query.order_by({TABLE: {"ctime": "desc"}})
    tables: dict[str, list[Predictions]] = {}
    properties: dict[str, Property] = {}
    for wave, node in query.all():
        known, _ = _known(wave)
        properties.setdefault(known.name, known)
        rows: Predictions = node.to_science()
        for newer in tables.setdefault(known.name, []):
            rows = rows.without(newer.ids)
        tables[known.name].append(as_one_member(rows))
    return [(properties[name], concatenate(tables[name])) for name in sorted(tables)]


def beside(pk: int | None, ids: Strings) -> pa.Table | None:
    """Columns for tables whose rows are candidates; missing where nothing was predicted; None without any property.

    Args:
        pk: of the campaign.
        ids: (n,) of the rows.
    """
    import pyarrow as pa

    from aiida_mlhull.science.types.properties import columns_for

    columns = {name: values for one in predicted(pk) for name, values in columns_for(ids, *one).items()}
    return pa.table({name: pa.array(values, from_pandas=True) for name, values in columns.items()}) if columns else None


def required(pk: int | None, *, stage: str | None = None) -> list[tuple[EnsembleData, str, list[DecisionsData]]]:
    """What requirements have decided in a campaign, one item for each, the oldest first.

    Args:
        pk: of the campaign.
        stage: only before this stage.

    Returns:
        The ensemble that was believed, the property's name, and decisions by shard.
    """
    from aiida import orm

    from aiida_mlhull.data import DecisionsData

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": {"in": story_pks(pk)}}, tag="campaign")
    steps = names.any_of(names.REQUIRE_PROPERTY)
    query.append(orm.CalcFunctionNode, with_incoming="campaign", filters=steps, tag="step", project="*")
    filters = {} if stage is None else {"attributes.stage": stage}
    query.append(DecisionsData, with_incoming="step", filters=filters, tag=TABLE, project="*")
    query.order_by({"step": {"ctime": "asc"}, TABLE: {"id": "asc"}})
    found: dict[int, tuple[EnsembleData, str, list[DecisionsData]]] = {}
    for step, table in query.all():
        inputs = step.inputs
        found.setdefault(step.pk, (inputs[names.ENSEMBLE], inputs["name"].value, []))[2].append(table)
    return list(found.values())


def _tables(pks: list[int | None]) -> orm.QueryBuilder:
    """Predictions of properties; projects the process that has asked for them."""
    from aiida import orm

    from aiida_mlhull.data import PredictionsData

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": {"in": pks}}, tag="campaign")
    query.append(
        orm.WorkChainNode,
        with_incoming="campaign",
        filters=names.any_of(names.PREDICT_SHARDS),
        tag=WAVE,
        project="*",
    )
    query.append(PredictionsData, with_incoming=WAVE, tag=TABLE)
    return query


def _known(wave: Any) -> tuple[Property, EnsembleData]:
    """Which property it was, by the link that called for it, and who predicted it."""
    from aiida.common.links import LinkType

    from aiida_mlhull.calculations.requiring import property_of

    ensemble = wave.inputs[names.ENSEMBLE]
    call = wave.base.links.get_incoming(link_type=LinkType.CALL_WORK).one()
    return property_of(names.property_called(call.link_label), ensemble), ensemble
