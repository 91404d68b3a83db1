"""Cells for what was chosen of shards of labels, one job per shard."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode
from aiida.plugins import CalculationFactory

from aiida_mlhull import names
from aiida_mlhull.calculations.ports import plain_input
from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.job_pool.pool import JobPool

MakeCellsCalculation = CalculationFactory(names.MAKE_CELLS.entry_point)


class MakeCells(JobPool):
    """Cells for all chosen candidates, and which of them have one now.

    Names in the context are those of a :class:`~aiida_mlhull.job_pool.pool.JobPool`.
    """

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the waves of jobs, and what can go wrong."""
        super().define(spec)
        spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job.")
        spec.input_namespace("candidates", dynamic=True, valid_type=CandidatesData, help="Shards of labels.")
        for name, told in (("chosen", "Which rows get cells."), ("pool", "Which may enter the stage.")):
            spec.input_namespace(name, dynamic=True, valid_type=DecisionsData, help=f"{told} By shard.")
        plain_input(spec, "seed", orm.Int, help="Of cells that are drawn.")
        spec.outline(cls.setup, cls.waves(), cls.require_all)
        spec.output_namespace("cells", dynamic=True, required=False, valid_type=CandidatesData, help="By shard.")
        spec.output_namespace("chosen", dynamic=True, valid_type=DecisionsData, help="By shard.")
        spec.output_namespace("pool", dynamic=True, valid_type=DecisionsData, help="By shard.")
        spec.exit_code(515, "ERROR_CELLS_NOT_MADE", "Cells could not be made: {why}")

    def setup(self) -> None:
        """Every shard in which something was chosen."""
        self.wait_for(list(self.inputs.chosen))

    def job(self, key: str) -> tuple[Any, dict[str, Any]]:
        """The cells of a shard."""
        return MakeCellsCalculation, {
            "code": self.inputs.code,
            "candidates": self.inputs.candidates[key],
            "chosen": self.inputs.chosen[key],
            "pool": self.inputs.pool[key],
            "seed": self.inputs.seed,
            "metadata": {"label": f"cells of {key}", "options": self.options},
        }

    def accept(self, key: str, node: orm.ProcessNode) -> None:
        """Hand on the tables."""
        for name in ("cells", "chosen", "pool"):
            if name in node.outputs:
                self.out(f"{name}.{key}", node.outputs[name])

    def give_up(self, failed: dict[str, str]) -> ExitCode | None:
        """What was chosen can't go on without."""
        why = "; ".join(f"{key}: {reason}" for key, reason in failed.items())
        code: ExitCode = self.exit_codes.ERROR_CELLS_NOT_MADE.format(why=why)
        return code
