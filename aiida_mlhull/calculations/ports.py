"""Inputs that several jobs and workflows have in common, declared once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from aiida import orm
from aiida.orm import to_aiida_type

from aiida_mlhull.calculations.base import CELLS
from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData
from aiida_mlhull.science.campaign.settings import UNNAMED


def cells_inputs(spec: Any) -> None:
    """Declare ``cells`` by shard, and ``unrelaxed``, the candidates that a stage's cells were before."""
    spec.input_namespace(
        "cells", dynamic=True, valid_type=CELLS, help="What models see: candidates, or labels of the stage before."
    )
    spec.input_namespace(
        "unrelaxed",
        dynamic=True,
        required=False,
        valid_type=CandidatesData,
        help="The candidates before any stage, where the cells are a stage's.",
    )


def results_input(spec: Any, name: str = "results") -> None:
    """Declare results of the last stage."""
    spec.input_namespace(
        name,
        dynamic=True,
        valid_type=LabelsData,
        help="Results of the last stage, by shard; a shard's may come in increments, each by a name of its own.",
    )


def steps_input(spec: Any) -> None:
    """Declare ``steps``, cells on the way through stages."""
    spec.input_namespace(
        "steps",
        dynamic=True,
        required=False,
        valid_type=LabelsData,
        help="Ionic steps of any stage, learned from if the settings say so.",
    )


def warm_inputs(spec: Any, **described: Any) -> None:
    """Declare ``warm``: ``cells``, ``unrelaxed`` and ``labels`` of earlier campaigns by part, and their ``references``."""
    spec.input_namespace(
        "warm",
        dynamic=True,
        required=False,
        valid_type=(CandidatesData, LabelsData, ReferencesData),
        **{"help": "Labels of earlier campaigns to be learned from as well: cells, unrelaxed, labels, references."}
        | described,
    )


def restart_input(spec: Any) -> None:
    """Declare the input ``restart_from`` of a job that can go on where an earlier try was stopped."""
    spec.input(
        "restart_from", valid_type=orm.RemoteData, required=False, help="Folder of an earlier try at the same job."
    )


def plain_input(spec: Any, name: str, kind: type[orm.Data], **described: Any) -> None:
    """Declare an input that a Python value may be given for: a ``dict`` where a :class:`~aiida.orm.Dict` is meant."""
    spec.input(name, valid_type=kind, serializer=to_aiida_type, **described)


def pool_rows_input(spec: Any) -> None:
    """Declare which rows of decisions are meant: those kept, or, after a round, those that it left over."""
    plain_input(
        spec,
        "pool_rows",
        orm.Str,
        default=lambda: orm.Str("kept"),
        validator=_check_pool_rows,
        help="Which rows of the decisions are asked about: 'kept', or 'dropped', which a round before has left over.",
    )


def _check_pool_rows(rows: orm.Str, _: Any) -> str | None:
    return None if rows.value in {"kept", "dropped"} else f"{rows.value!r} is neither 'kept' nor 'dropped'"


def predictions_by_name(namespace: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Predictions by ensemble and shard; those of a single ensemble, which lie by shard alone, go by the empty name."""
    named = {key: dict(shards) for key, shards in sorted(namespace.items()) if isinstance(shards, Mapping)}
    return named or {UNNAMED: dict(namespace)}


def leaves(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Nodes of a namespace and of all namespaces in it, by the names on the way joined by underscores."""
    return dict(_leaves(namespace))


def _leaves(namespace: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in namespace.items():
        if isinstance(value, Mapping):
            yield from ((f"{key}_{inner}", node) for inner, node in _leaves(value))
        else:
            yield key, value
