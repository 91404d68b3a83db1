"""A universal potential relaxes the chosen crystals, many to a job."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from aiida import orm
from aiida.engine import ToContext, while_
from aiida.plugins import CalculationFactory
from pydantic import field_validator

from aiida_mlhull.calculations.functions import extend_labels, mark_failed, split_chosen
from aiida_mlhull.calculations.jobs import JobSettings, why_failed
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


class PotentialEngine(Engine):
    """Jobs of ``rows_per_job`` crystals each; rows of a job that failed for good are failures with a reason."""

    Settings: ClassVar[type[EngineSettings]] = PotentialSettings

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the program and the waves of jobs."""
        super().define(spec)
        spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job.")
        spec.input("jobs", valid_type=orm.Dict, default=lambda: orm.Dict(JobSettings().model_dump()), help="Job sizes.")
        spec.outline(cls.setup, while_(cls.portions_left)(cls.submit_wave, cls.inspect_wave), cls.finish)

    @property
    def jobs(self) -> JobSettings:
        """Sizes and limits of jobs."""
        return JobSettings.model_validate(self.inputs.jobs.get_dict())

    def setup(self) -> None:
        """Cut the chosen rows into portions."""
        self.ctx.portions = split_chosen(self.inputs.chosen, orm.Int(self.jobs.rows_per_job))
        self.ctx.waiting = sorted(self.ctx.portions)
        self.ctx.attempt = 1
        self.ctx.labels = None

    def portions_left(self) -> bool:
        """Whether a portion is still to be done."""
        return bool(self.ctx.waiting)

    def submit_wave(self) -> Any:
        """Submit as many jobs as may run at once."""
        wave = self.ctx.waiting[: self.jobs.max_in_flight]
        return ToContext(**{key: self.submit(RelaxCalculation, **self._job(key)) for key in wave})

    def _job(self, key: str) -> dict[str, Any]:
        return {
            "code": self.inputs.code,
            "cells": self.inputs.cells,
            "chosen": self.ctx.portions[key],
            "stage": self.inputs.stage,
            "metadata": {
                "label": f"{self.stage.name} {key}",
                "options": {"max_wallclock_seconds": self.jobs.max_wallclock_seconds},
            },
        }

    def inspect_wave(self) -> None:
        """Collect results; a portion that failed is tried again, then marked row by row."""
        wave, rest = self.ctx.waiting[: self.jobs.max_in_flight], self.ctx.waiting[self.jobs.max_in_flight :]
        failed = [key for key in wave if not self.ctx[key].is_finished_ok]
        for key in wave:
            if key not in failed:
                self._add(self.ctx[key].outputs.labels)
        if failed:
            self.report("; ".join(f"{key}: {why_failed(self.ctx[key])}" for key in failed))
        if failed and self.ctx.attempt >= self.jobs.max_attempts:
            for key in failed:
                self._add(self._failures(key))
            failed = []
        self.ctx.attempt = self.ctx.attempt + 1 if failed else 1
        self.ctx.waiting = failed + rest

    def _failures(self, key: str) -> Any:
        node = self.ctx[key]
        scheme = orm.Str(POTENTIALS[self.read_settings(self.stage).potential].scheme)
        return mark_failed(
            self.inputs.cells,
            self.ctx.portions[key],
            self.inputs.stage,
            orm.Str(f"engine_error: {why_failed(node)}"),
            scheme,
        )

    def _add(self, labels: Any) -> None:
        self.ctx.labels = labels if self.ctx.labels is None else extend_labels(labels, self.ctx.labels)

    def finish(self) -> None:
        """Hand over all rows."""
        self.out("labels", self.ctx.labels)
