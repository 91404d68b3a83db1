"""Campaigns in the graph: which there are, and how far they are."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull import names
from aiida_mlhull.science.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from aiida import orm

UNFINISHED: Final = ("created", "running", "waiting")
"""AiiDA's states of processes that haven't ended."""


TOLD_TO_STOP: Final = "told_to_stop"
"""Why a campaign has stopped asking the models, beside the reasons that its stock-taking finds."""


@dataclass(frozen=True)
class State:
    """How far a campaign is.

    Attributes:
        pk: of its node.
        name: its label.
        begun: when it was created.
        state: AiiDA's process state, with the exit status if it has ended otherwise than well.
        stage: the stage whose gate is at work, empty before the first gate.
        round: rounds done at that gate.
        relaxed: results of the last stage.
        stable: of those, on the hull of references and results.
        waiting: candidates that could still be relaxed.
        stop: why it stopped asking the models, or empty.
        promise: what the models claim to have found of all rows near the hull, see
            :func:`~aiida_mlhull.science.campaign.promise.claim`; None where they don't.
    """

    pk: int | None
    name: str
    begun: datetime
    state: str
    stage: str = ""
    round: int | None = None
    relaxed: int | None = None
    stable: int | None = None
    waiting: int | None = None
    stop: str = ""
    promise: dict[str, Any] | None = None


def find(identifier: str | None) -> orm.ProcessNode:
    """The campaign with this pk, uuid or label; the newest one if None.

    Raises:
        UnknownNameError: if there is none, or there are several of that label.
        InputError: if the node is not a campaign's.
    """
    from aiida import orm
    from aiida.common.exceptions import MultipleObjectsError, NotExistent

    if identifier is None:
        known = newest(limit=1)
        if not known:
            raise UnknownNameError("there is no campaign in this profile; start one with 'aiida-mlhull launch'")
        return known[0]
    labeled = [] if identifier.isdigit() else newest(label=identifier)
    if len(labeled) > 1:
        pks = ", ".join(str(one.pk) for one in labeled)
        raise UnknownNameError(f"{len(labeled)} campaigns are called {identifier!r}: name one by its pk ({pks})")
    if labeled:
        return labeled[0]
    try:
        node = orm.load_node(identifier)
    except NotExistent:
        raise UnknownNameError(f"there is no node {identifier}; see 'aiida-mlhull status --all'") from None
    except (MultipleObjectsError, ValueError) as error:
        raise UnknownNameError(f"{identifier}: {error}") from None
    if not isinstance(node, orm.ProcessNode) or not names.SCREEN.matches(node.process_type):
        raise InputError(
            f"node {node.pk} is a {node.node_type.split('.')[-2]}, not a campaign; see 'aiida-mlhull status --all'"
        )
    return node


def newest(*, limit: int | None = None, running: bool = False, label: str | None = None) -> list[orm.ProcessNode]:
    """Campaigns, the newest first; only those that haven't ended if ``running``, only those of this ``label``."""
    from aiida import orm

    filters = names.any_of(names.SCREEN)
    if label is not None:
        filters["label"] = label
    if running:
        filters["attributes.process_state"] = {"in": list(UNFINISHED)}
    query = orm.QueryBuilder(limit=limit)
    query.append(orm.WorkChainNode, filters=filters, tag="campaign")
    query.order_by({"campaign": {"ctime": "desc"}})
    found: list[orm.ProcessNode] = query.all(flat=True)
    return found


def stock(pk: int | None) -> dict[str, Any] | None:
    """What the newest stock-taking of a campaign found; None before the first one."""
    from aiida import orm

    query = orm.QueryBuilder(limit=1)
    query.append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    query.append(orm.CalcFunctionNode, with_incoming="campaign", filters=names.any_of(names.ASSESS), tag="assess")
    query.append(orm.Dict, with_incoming="assess", project="attributes", tag="stock")
    query.order_by({"stock": {"ctime": "desc"}})
    found = query.first(flat=True)
    return None if found is None else dict(found)


def state(node: orm.ProcessNode) -> State:
    """How far a campaign is."""
    from aiida_mlhull.job_pool.steering import told

    found, stops = stock(node.pk), told(node.pk).stops
    told_to = TOLD_TO_STOP if stops else ""
    known = State(pk=node.pk, name=node.label, begun=node.ctime, state=process_state(node), stop=told_to)
    if found is None:
        return known
    return replace(
        known,
        stage=found["stage"],
        round=found["round"],
        relaxed=found["relaxed"],
        stable=len(found["stable"]),
        waiting=found["waiting"],
        stop=told_to or found["stop"],
        promise=found.get("promise"),  # earlier versions made no claim
    )


def paused(campaign: orm.ProcessNode) -> list[orm.ProcessNode]:
    """Processes of a campaign that wait for a person: a machine couldn't be reached, its disk is full, or so asked."""
    from aiida import orm

    unfinished = {"attributes.paused": True, "attributes.process_state": {"in": list(UNFINISHED)}}
    found = orm.QueryBuilder().append(orm.ProcessNode, filters=unfinished, tag="process")
    found.order_by({"process": {"ctime": "asc"}})
    return [node for node in found.all(flat=True) if campaign.pk in _callers(node)]


def _callers(node: orm.ProcessNode) -> Iterator[int | None]:
    """The process itself and all that it works for."""
    process: orm.ProcessNode | None = node
    while process is not None:
        yield process.pk
        process = process.caller


def process_state(node: orm.ProcessNode) -> str:
    """One word, with the exit status where a process has ended otherwise than well."""
    word = node.process_state.value if node.process_state else "unknown"
    if node.is_finished and not node.is_finished_ok:
        return f"{word} [{node.exit_status}]"
    return f"{word} (paused)" if node.paused and not node.is_terminated else word
