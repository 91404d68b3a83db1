"""Inputs that several jobs and workflows have in common, declared once."""

from __future__ import annotations

from typing import Any

from aiida import orm

from aiida_mlhull.calculations.base import CELLS
from aiida_mlhull.data import CandidatesData, LabelsData


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


def steps_input(spec: Any) -> None:
    """Declare ``steps``, cells on the way through stages."""
    spec.input_namespace(
        "steps",
        dynamic=True,
        required=False,
        valid_type=LabelsData,
        help="Ionic steps of any stage, learned from if the settings say so.",
    )


def restart_input(spec: Any) -> None:
    """Declare the input ``restart_from`` of a job that can go on where an earlier try was stopped."""
    spec.input(
        "restart_from", valid_type=orm.RemoteData, required=False, help="Folder of an earlier try at the same job."
    )
