"""Nodes that people name: by pk, UUID or label, or by the group that they are in."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from aiida_mlhull import names
from aiida_mlhull.science.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from pathlib import Path

    from aiida import orm

    from aiida_mlhull.data import CandidatesData, EnsembleData, RecipesData, ReferencesData
    from aiida_mlhull.science.reading import Intake
    from aiida_mlhull.science.reading.sieve import BadRows

N = TypeVar("N", bound="orm.Node")


def node(identifier: str, kind: type[N], *, what: str) -> N:
    """The stored node that ``identifier`` names.

    Args:
        identifier: pk, the beginning of a UUID, or a label.
        kind: class that it has to be of.
        what: what such a node is called, for messages: ``"mlhull.references"``.

    Raises:
        UnknownNameError: if there is no such node, or several have that label.
        InputError: if it is of another class.
    """
    from aiida import orm
    from aiida.common.exceptions import MultipleObjectsError, NotExistent

    try:
        loaded = _labeled(identifier, kind, what=what) or orm.load_node(identifier)
    except (NotExistent, MultipleObjectsError, ValueError) as error:
        raise UnknownNameError(f"{identifier}: {error}") from None
    if not isinstance(loaded, kind):
        raise InputError(f"node {loaded.pk} is not an {what} but a {type(loaded).__name__}")
    return loaded


def _labeled(label: str, kind: type[orm.Node], *, what: str) -> orm.Node | None:
    """The one node of this class and label, if there is any."""
    from aiida import orm

    query = orm.QueryBuilder().append(kind, filters={"label": label})
    nodes: list[orm.Node] = query.all(flat=True)
    if len(nodes) > 1:
        pks = ", ".join(str(one.pk) for one in nodes)
        raise UnknownNameError(f"{len(nodes)} {what} have the label {label!r}: name one by pk ({pks})")
    return nodes[0] if nodes else None


def candidates(identifier: str) -> CandidatesData:
    """The shard of candidates that people name; see :func:`node`."""
    from aiida_mlhull.data import CandidatesData

    return node(identifier, CandidatesData, what=names.CANDIDATES_NODE)


def references(identifier: str) -> ReferencesData:
    """The snapshot of references that people name; see :func:`node`."""
    from aiida_mlhull.data import ReferencesData

    return node(identifier, ReferencesData, what=names.REFERENCES_NODE)


def recipes(identifier: str) -> RecipesData:
    """The published recipes that people name; see :func:`node`."""
    from aiida_mlhull.data import RecipesData

    return node(identifier, RecipesData, what=names.RECIPES_NODE)


def ensemble(identifier: str) -> EnsembleData:
    """The ensemble that people name; see :func:`node`."""
    from aiida_mlhull.data import EnsembleData

    return node(identifier, EnsembleData, what=names.ENSEMBLE_NODE)


def published(path: Path) -> str:
    """Store weights of others, a published network or an exported ensemble; lines about what they became.

    Raises:
        WeightsError: see :func:`~aiida_mlhull.science.ensembles.published.read_cgcnn` and
            :func:`~aiida_mlhull.science.wire.weights.read_ensemble`.
    """
    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.ensembles.published import read_cgcnn
    from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE, read_ensemble

    exported = path.is_dir() or path.name == ENSEMBLE_FILE
    noun = read_ensemble(path) if exported else read_cgcnn(path)
    named = path.parent if path.name == ENSEMBLE_FILE else path
    made = EnsembleData.from_science(noun, label=named.resolve().name.split(".")[0]).store()
    made_by = noun.versions.get("aiida_mlhull") or noun.versions.get("aiida-mlhull") or "of unknown version"
    whence = noun.versions.get("source", f"made by aiida-mlhull {made_by}")
    return f"Ensemble {made.pk}: {made.description}\n  {whence}"


def in_group(label: str, kind: type[orm.Node], filters: dict[str, Any] | None = None) -> list[Any]:
    """Nodes of a class in a group, in the order in which they were stored.

    Raises:
        UnknownNameError: if there is no such group.
    """
    from aiida import orm

    if not orm.QueryBuilder().append(orm.Group, filters={"label": label}).count():
        raise UnknownNameError(f"there is no group {label!r}: 'verdi group list' names those that are")
    query = orm.QueryBuilder().append(orm.Group, filters={"label": label}, tag="group")
    query.append(kind, with_group="group", filters=filters or {}, tag="node")
    query.order_by({"node": {"id": "asc"}})
    nodes: list[Any] = query.all(flat=True)
    return nodes


def candidates_in(label: str, *, bad_rows: BadRows) -> tuple[list[CandidatesData], Intake | None, str]:
    """What a group holds of candidates: shards, structures as one table, and how many nodes are neither, in words.

    Raises:
        UnknownNameError: if there is no such group.
        InputError: if neither of the two is in it, or structures can't be used; see :func:`~aiida_mlhull.data.structures.take_in`.
    """
    from aiida import orm

    from aiida_mlhull.data import CandidatesData
    from aiida_mlhull.data.structures import READ, not_taken, take_in

    nodes = in_group(label, orm.Node)
    shards = [node for node in nodes if isinstance(node, CandidatesData)]
    rest = [node for node in nodes if not isinstance(node, CandidatesData)]
    structures = [node for node in rest if isinstance(node, READ)]
    others = not_taken(rest)
    if not shards and not structures:
        raise InputError(
            f"group {label!r} holds neither mlhull.candidates nor structures{f' ({others})' if others else ''}"
        )
    intake = take_in(structures, source=f"group {label}", bad_rows=bad_rows) if structures else None
    return shards, intake, f"group {label}: {others}" if others else ""
