"""What the models of a campaign have said, and the truth that it may be compared with."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from aiida_mlhull import names
from aiida_mlhull.science.errors import InputError

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import EnsembleData, PredictionsData
    from aiida_mlhull.science.types import Labels, Predictions


def deciding_step(pk: int | None, *, number: int, stage: str | None = None) -> orm.ProcessNode | None:
    """The process that has decided a round: predictions, results and settings are its inputs.

    Args:
        pk: of the campaign.
        number: of the round.
        stage: that the round stood before; the first one with such a round if None.
    """
    from aiida import orm

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", filters=names.any_of(names.ROUND), tag="round")
    query.append(
        orm.CalcFunctionNode,
        with_incoming="round",
        filters=names.any_of(names.DECIDE_ROUND) | {"attributes.exit_status": 0},
        tag="step",
        project="*",
    )
    edge = {"label": names.POSITION}
    query.append(orm.Dict, with_outgoing="step", edge_filters=edge, filters={"attributes.round": number})
    query.order_by({"step": {"ctime": "asc"}})
    steps: list[orm.ProcessNode] = query.all(flat=True)
    return next((step for step in steps if stage in (None, step.inputs[names.STAGE]["name"])), None)


def said_before(step: orm.ProcessNode) -> dict[str, Predictions]:
    """What a round was decided by: predictions by ensemble, all shards together; a single ensemble has no name.

    Args:
        step: of :func:`deciding_step`.
    """
    from aiida_mlhull.calculations.ports import predictions_by_name
    from aiida_mlhull.science.types import concatenate

    return {
        name: concatenate([node.to_science() for _, node in sorted(shards.items())])
        for name, shards in predictions_by_name(step.inputs[names.PREDICTIONS]).items()
    }


def prediction_nodes(pk: int | None) -> list[PredictionsData]:
    """Everything that the models of a campaign have predicted, the oldest first."""
    from aiida import orm

    from aiida_mlhull.data import PredictionsData

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", filters=names.any_of(names.ROUND), tag="round")
    query.append(orm.WorkChainNode, with_incoming="round", filters=names.any_of(names.PREDICT_SHARDS), tag="wave")
    query.append(orm.CalcJobNode, with_incoming="wave", filters=names.any_of(names.PREDICT), tag="job")
    query.append(PredictionsData, with_incoming="job", tag="predictions", project="*")
    query.order_by({"predictions": {"ctime": "asc"}})
    nodes: list[PredictionsData] = query.all(flat=True)
    return nodes


def predictions(pk: int | None) -> Iterator[Predictions]:
    """What the models of a campaign have said, round by round, the oldest first; of several ensembles their mean."""
    from aiida import orm

    from aiida_mlhull.science.triage.committee import as_one, side_by_side

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", filters=names.any_of(names.ROUND), tag="round")
    decided = names.any_of(names.DECIDE_ROUND) | {"attributes.exit_status": 0}
    query.append(orm.CalcFunctionNode, with_incoming="round", filters=decided, tag="step", project="*")
    query.order_by({"step": {"ctime": "asc"}})
    return (as_one(side_by_side(said_before(step))) for step in query.all(flat=True))


def last_ensembles(pk: int | None) -> dict[str, dict[str, EnsembleData]]:
    """The newest ensembles of every gate of a campaign, by the gate's stage and their names; a single one has none."""
    from aiida import orm

    from aiida_mlhull.data import EnsembleData

    query = orm.QueryBuilder()
    query.append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.WorkChainNode, with_incoming="campaign", filters=names.any_of(names.ROUND), tag="round")
    fits = names.any_of(names.FIT_ENSEMBLE)
    query.append(
        orm.WorkChainNode, with_incoming="round", filters=fits, tag="fit", edge_tag="call", edge_project="label"
    )
    edge = {"label": names.ENSEMBLE}
    query.append(EnsembleData, with_incoming="fit", edge_filters=edge, tag="ensemble", project="*")
    edge = {"label": names.STAGE}
    query.append(orm.Dict, with_outgoing="round", edge_filters=edge, tag="stage", project="attributes.name")
    query.order_by({"ensemble": {"ctime": "asc"}})
    found: dict[str, dict[str, EnsembleData]] = {}
    for row in query.iterdict():
        name = names.ensemble_called(row["call"]["label"])
        found.setdefault(str(row["stage"]["attributes.name"]), {})[name] = row["ensemble"]["*"]
    return found


def fit_of(ensemble: EnsembleData) -> orm.ProcessNode | None:
    """The process that has fitted an ensemble: its baseline and references are inputs. None if it came otherwise."""
    from aiida import orm

    query = orm.QueryBuilder().append(type(ensemble), filters={"id": ensemble.pk}, tag="ensemble")
    query.append(
        orm.WorkChainNode, with_outgoing="ensemble", filters=names.any_of(names.FIT_ENSEMBLE), tag="fit", project="*"
    )
    fits: list[orm.ProcessNode] = query.order_by({"fit": {"ctime": "asc"}}).all(flat=True)
    return fits[0] if fits else None


def cells_after(campaign: orm.ProcessNode, stage: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Results of a campaign's stage by part, and the candidates that they were before, by the same names.

    Raises:
        InputError: if nothing has come out of the stage, or a part of it belongs to no shard.
    """
    from aiida_mlhull.graph.heritage import heritage

    found = heritage(campaign)["results"].get(stage, {})
    if not found:
        raise InputError(f"campaign {campaign.pk} has no results of stage {stage}, whose cells the ensemble reads")
    shards = [(node, node.to_science()) for node in campaign.inputs[names.CANDIDATES].values()]
    before = {}
    for key, part in found.items():
        rows = part.to_science().ids
        # Shards that people have made need not follow one another.
        of = next((node for node, candidates in shards if candidates.has(rows).all()), None)
        if of is None:  # taken over from elsewhere
            raise InputError(
                f"results {part.pk} of campaign {campaign.pk} are not those of one shard: name the node instead"
            )
        before[key] = of
    return dict(found), before


def record_of(campaign: orm.ProcessNode) -> Labels | None:
    """Published results of the last stage that the campaign was given; None if it has to calculate."""
    from aiida_mlhull.data import LabelsData

    last = campaign.inputs[names.SETTINGS]["stages"][-1]["name"]
    by_link = {link.link_label: link.node for link in campaign.base.links.get_incoming(node_class=LabelsData).all()}
    node = by_link.get(names.RECORD_LINK) or by_link.get(f"{names.LEVELS_LINK}__{last}")
    if node is None:
        return None
    record: Labels = node.to_science()
    return record
