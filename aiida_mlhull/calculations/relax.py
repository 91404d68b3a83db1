"""CalcJob ``mlhull.relax``: relax a portion of crystals with a universal potential."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.calculations.base import (
    CELLS,
    CELLS_FILE,
    Files,
    MlhullJob,
    check_any,
    check_cells,
    noun_of,
    table,
)
from aiida_mlhull.calculations.ports import plain_input, restart_input
from aiida_mlhull.data import DecisionsData, LabelsData
from aiida_mlhull.science.program.settings import LABELS_FILE, POOL_FILE, RelaxJob


class RelaxCalculation(MlhullJob):
    """One row for every chosen crystal: an energy and a relaxed cell, or the reason why there is none.

    A job that was stopped (exit codes 41x) has kept its finished rows: give its ``remote_folder`` as
    ``restart_from`` to go on after them.
    """

    _parser: ClassVar[str] = names.RELAX.entry_point

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs and outputs."""
        super().define(spec)
        spec.input("cells", valid_type=CELLS, help="Candidates, or labels of the stage before.")
        spec.input("chosen", valid_type=DecisionsData, help="The rows to relax are those that it keeps.")
        plain_input(spec, "stage", orm.Dict, help="Its name, and under 'settings' PotentialSettings.")
        restart_input(spec)
        spec.output("labels", valid_type=LabelsData, help="One row for every chosen crystal.")

    @classmethod
    def describe(cls, inputs: Mapping[str, Any], **shared: Any) -> RelaxJob:
        """What ``job.json`` says."""
        stage = inputs["stage"].get_dict()
        return RelaxJob.model_validate(
            {
                "cells": {CELLS_FILE: noun_of(inputs["cells"])},
                "stage": stage.get("name"),
                "how": stage.get("settings", {}),
                **shared,
            }
        )

    @classmethod
    def check(cls, inputs: Mapping[str, Any]) -> None:
        """Refuse what has no cells, and a choice of nothing."""
        check_cells([inputs["cells"]])
        check_any(inputs["chosen"])

    @classmethod
    def files(cls, inputs: Mapping[str, Any]) -> Files:
        """The shard and the choice."""
        return [table(inputs["cells"], CELLS_FILE), table(inputs["chosen"], POOL_FILE)]

    @classmethod
    def result_files(cls, inputs: Mapping[str, Any]) -> list[str]:  # noqa: ARG003  (others depend on them)
        """The labels."""
        return [LABELS_FILE]
