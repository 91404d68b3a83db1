"""Predict all shards with one ensemble, one job per shard."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode
from aiida.plugins import CalculationFactory

from aiida_mlhull import names
from aiida_mlhull.calculations.base import count_of
from aiida_mlhull.calculations.ports import cells_inputs, plain_input, pool_rows_input
from aiida_mlhull.data import DecisionsData, EnsembleData, PredictionsData, ReferencesData
from aiida_mlhull.job_pool.pool import JobPool

PredictCalculation = CalculationFactory(names.PREDICT.entry_point)


class PredictShards(JobPool):
    """What an ensemble says about all candidates that wait.

    Names in the context are those of a :class:`~aiida_mlhull.job_pool.pool.JobPool`.
    """

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the waves of jobs, and what can go wrong."""
        super().define(spec)
        spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job.")
        spec.input("ensemble", valid_type=EnsembleData, help="The models.")
        cells_inputs(spec)
        spec.input_namespace(
            "waiting",
            dynamic=True,
            required=False,
            valid_type=DecisionsData,
            help="Whose rows are predicted; all rows of shards without.",
        )
        pool_rows_input(spec)
        spec.input(
            "references", valid_type=ReferencesData, required=False, help="For the baselines 'references' and 'hull'."
        )
        plain_input(spec, "baseline", orm.Str, help="The one that the ensemble was fitted with.")
        spec.outline(cls.setup, cls.waves(), cls.require_all)
        spec.output_namespace("predictions", dynamic=True, valid_type=PredictionsData, help="By shard.")
        spec.exit_code(512, "ERROR_PREDICTION_FAILED", "Shards could not be predicted: {why}")

    def setup(self) -> None:
        """Every shard in which a row is asked about; where nothing is said of what waits, those are all."""
        rows, waiting = self.inputs.pool_rows.value, self.inputs.get("waiting", {})
        asked = waiting or self.inputs.cells
        self.wait_for([key for key in asked if key not in waiting or count_of(waiting[key], rows)])

    def job(self, key: str) -> tuple[Any, dict[str, Any]]:
        """The prediction of a shard."""
        before = self.inputs.get("unrelaxed", {})
        return PredictCalculation, {
            "code": self.inputs.code,
            "ensemble": self.inputs.ensemble,
            "cells": self.inputs.cells[key],
            **({"unrelaxed": before[key]} if key in before else {}),
            **({"pool": self.inputs.waiting[key]} if key in self.inputs.get("waiting", {}) else {}),
            "pool_rows": self.inputs.pool_rows,
            **({"references": self.inputs.references} if "references" in self.inputs else {}),
            "baseline": self.inputs.baseline,
            "metadata": {"label": f"predict {key}", "options": self.options},
        }

    def accept(self, key: str, node: orm.ProcessNode) -> None:
        """Hand on the predictions."""
        self.out(f"predictions.{key}", node.outputs.predictions)

    def give_up(self, failed: dict[str, str]) -> ExitCode | None:
        """A decision over part of the candidates would not be one."""
        why = "; ".join(f"{key}: {reason}" for key, reason in failed.items())
        code: ExitCode = self.exit_codes.ERROR_PREDICTION_FAILED.format(why=why)
        return code
