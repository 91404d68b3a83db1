"""CalcJob ``mlhull.make_cells``: cells for candidates that were kept as labels.

A hundred labels take a third of a minute, which is too long for a daemon's worker. Up to 0.1 a calcfunction of this name did it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm

from aiida_mlhull import names
from aiida_mlhull.calculations.base import CELLS_FILE, Files, MlhullJob, check_any, has_cells, table
from aiida_mlhull.calculations.ports import plain_input
from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.program.settings import CHOSEN_FILE, LEFT_FILE, MADE_FILE, POOL_FILE, TOLD_FILE, MakeCellsJob


class MakeCellsCalculation(MlhullJob):
    """Cells for the chosen candidates of a shard of labels; those that get none are not chosen a second time."""

    _parser: ClassVar[str] = names.MAKE_CELLS.entry_point

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs and outputs."""
        super().define(spec)
        spec.input("candidates", valid_type=CandidatesData, help="A shard of labels.")
        spec.input("chosen", valid_type=DecisionsData, help="The rows that get cells are those that it keeps.")
        spec.input("pool", valid_type=DecisionsData, help="Which candidates may enter the stage.")
        plain_input(spec, "seed", orm.Int, help="Of cells that are drawn.")
        spec.output("cells", valid_type=CandidatesData, required=False, help="Missing if none could be made.")
        spec.output("chosen", valid_type=DecisionsData, help="Without the candidates that have no cell.")
        spec.output("pool", valid_type=DecisionsData, help="Without them, too.")

    @classmethod
    def describe(cls, inputs: Mapping[str, Any], **shared: Any) -> MakeCellsJob:
        """What ``job.json`` says."""
        return MakeCellsJob.model_validate({"seed": inputs["seed"].value, **shared})

    @classmethod
    def check(cls, inputs: Mapping[str, Any]) -> None:
        """Refuse candidates that have cells, and a choice of none."""
        if has_cells(inputs["candidates"]):
            raise InputError("these candidates have cells: none are to be made")
        check_any(inputs["chosen"])

    @classmethod
    def files(cls, inputs: Mapping[str, Any]) -> Files:
        """The shard, the choice and the pool."""
        given = {"candidates": CELLS_FILE, "chosen": CHOSEN_FILE, "pool": POOL_FILE}
        return [table(inputs[port], name) for port, name in given.items()]

    @classmethod
    def result_files(cls, inputs: Mapping[str, Any]) -> list[str]:  # noqa: ARG003  (others depend on them)
        """The cells, and what is left of choice and pool."""
        return [MADE_FILE, TOLD_FILE, LEFT_FILE]
