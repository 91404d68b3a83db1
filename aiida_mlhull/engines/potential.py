"""A universal potential relaxes the chosen crystals, many to a job."""

from __future__ import annotations

from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode, while_
from aiida.plugins import CalculationFactory
from pydantic import BaseModel

from aiida_mlhull.calculations.functions import extend_labels, mark_failed, split_chosen
from aiida_mlhull.calculations.waves import Waves
from aiida_mlhull.engines.base import Engine
from aiida_mlhull.science.program.settings import PotentialSettings
from aiida_mlhull.science.relaxation import POTENTIALS

RelaxCalculation = CalculationFactory("mlhull.relax")


class PotentialEngine(Waves, Engine):
    """Jobs of ``rows_per_job`` crystals each; rows of a job that failed for good are failures with a reason."""

    Settings: ClassVar[type[BaseModel]] = PotentialSettings

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the program and the waves of jobs."""
        super().define(spec)
        spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job.")
        spec.outline(cls.setup, while_(cls.keys_left)(cls.submit_wave, cls.inspect_wave), cls.finish)

    def setup(self) -> None:
        """Cut the chosen rows into portions."""
        self.ctx.portions = split_chosen(self.inputs.chosen, orm.Int(self.jobs.rows_per_job))
        self.ctx.labels = None
        self.wait_for(sorted(self.ctx.portions))

    def job(self, key: str) -> tuple[Any, dict[str, Any]]:
        """The relaxation of a portion; a second try goes on after the rows that the first one finished."""
        earlier = self.ctx.get(key)
        again = {} if earlier is None or "remote_folder" not in earlier.outputs else {"restart_from": earlier.outputs.remote_folder}
        return RelaxCalculation, {
            "code": self.inputs.code,
            "cells": self.inputs.cells,
            "chosen": self.ctx.portions[key],
            "stage": self.inputs.stage,
            "metadata": {"label": f"{self.stage.name} {key}", "options": self.options},
            **again,
        }

    def accept(self, key: str, node: orm.ProcessNode) -> None:
        """Add a portion's rows."""
        self._add(node.outputs.labels)

    def give_up(self, failed: dict[str, str]) -> ExitCode | None:
        """Mark every row of a portion whose job gave nothing; the campaign goes on."""
        scheme = orm.Str(POTENTIALS[self.read_settings(self.stage).potential].scheme)
        for key in failed:
            reason = orm.Str(f"engine_error: exit status {self.ctx[key].exit_status}")
            portion = self.ctx.portions[key]
            self._add(mark_failed(self.inputs.cells, portion, self.inputs.stage, reason, scheme))
        return None

    def _add(self, labels: Any) -> None:
        self.ctx.labels = labels if self.ctx.labels is None else extend_labels(labels, self.ctx.labels)

    def finish(self) -> None:
        """Hand over all rows."""
        self.out("labels", self.ctx.labels)
