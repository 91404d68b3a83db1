"""A universal potential relaxes the chosen crystals, many to a job."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from aiida import orm
from aiida.engine import ExitCode, while_
from aiida.plugins import CalculationFactory
from pydantic import field_validator

from aiida_mlhull.calculations.functions import extend_labels, mark_failed, split_chosen
from aiida_mlhull.calculations.waves import Waves
from aiida_mlhull.engines.base import Engine, EngineSettings
from aiida_mlhull.science.relaxation import POTENTIALS
from aiida_mlhull.science.relaxation.base import RelaxationSettings

RelaxCalculation = CalculationFactory("mlhull.relax")


class PotentialSettings(EngineSettings):
    """What a stage by potential may set.

    Attributes:
        potential: name in the registry of potentials.
        volume: volume to start from: ``predicted`` from the composition and the cell (DLS), for
            candidates that still carry their parent's volume, or ``as_given``.
        relaxation: freedom, forces, steps.
    """

    potential: str = "chgnet"
    volume: Literal["predicted", "as_given"] = "predicted"
    relaxation: RelaxationSettings = RelaxationSettings()

    @field_validator("potential")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in POTENTIALS:
            raise ValueError(f"unknown potential {name!r}; known: {', '.join(POTENTIALS)}")
        return name


class PotentialEngine(Waves, Engine):
    """Jobs of ``rows_per_job`` crystals each; rows of a job that failed for good are failures with a reason."""

    Settings: ClassVar[type[EngineSettings]] = PotentialSettings

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
        """The relaxation of a portion."""
        return RelaxCalculation, {
            "code": self.inputs.code,
            "cells": self.inputs.cells,
            "chosen": self.ctx.portions[key],
            "stage": self.inputs.stage,
            "metadata": {"label": f"{self.stage.name} {key}", "options": self.options},
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
