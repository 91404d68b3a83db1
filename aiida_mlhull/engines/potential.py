"""A universal potential relaxes the chosen crystals, many to a job."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode
from aiida.plugins import CalculationFactory
from pydantic import BaseModel

from aiida_mlhull import names
from aiida_mlhull.calculations.functions import extend_labels, mark_failed, split_chosen
from aiida_mlhull.engines.base import Engine
from aiida_mlhull.job_pool.breaker import trip
from aiida_mlhull.job_pool.pool import JobPool
from aiida_mlhull.job_pool.settings import has_refused, how_it_ended
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.program.settings import PotentialSettings
from aiida_mlhull.science.types.reasons import Reason, with_detail

RelaxCalculation = CalculationFactory(names.RELAX.entry_point)


class PotentialEngine(JobPool, Engine):
    """Jobs of ``rows_per_job`` crystals each; rows of a job that failed for good are failures with a reason.

    Names in the context, beside those of a :class:`~aiida_mlhull.job_pool.pool.JobPool`:
        portions: chosen rows by job.
        parts: their results by job.
    """

    Settings: ClassVar[type[BaseModel]] = PotentialSettings

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the program and the waves of jobs."""
        super().define(spec)
        spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job.")
        spec.outline(cls.setup, cls.waves(), cls.finish)
        spec.exit_code(312, "ERROR_PROGRAM_REFUSED", "The program refused to relax: {why}")

    @classmethod
    def scheme(cls, stage: StageSettings, inputs: Mapping[str, Any]) -> str:  # noqa: ARG003  (others depend on them)
        """The potential's own convention."""
        settings: PotentialSettings = cls.read_settings(stage)
        return settings.energies_scheme

    def setup(self) -> None:
        """Cut the chosen rows into portions."""
        self.ctx.portions = split_chosen(self.inputs.chosen, orm.Int(self.jobs.rows_per_job))
        self.ctx.parts = {}
        self.wait_for(sorted(self.ctx.portions))

    def job(self, key: str) -> tuple[Any, dict[str, Any]]:
        """The relaxation of a portion; a second try goes on after the rows that the first one finished."""
        again = {}
        if self.was_tried(key) and "remote_folder" in self.ended(key).outputs:
            again = {"restart_from": self.ended(key).outputs.remote_folder}
        return RelaxCalculation, {
            "code": self.inputs.code,
            "cells": self.inputs.cells,
            "chosen": self.ctx.portions[key],
            "stage": self.inputs.stage,
            "metadata": {"label": f"{self.stage.name} {key}", "options": self.options},
            **again,
        }

    def accept(self, key: str, node: orm.ProcessNode) -> None:
        """Keep a portion's rows."""
        self.ctx.parts[key] = node.outputs.labels
        if node.outputs.labels.base.attributes.get("n_failed"):
            self.break_circuit()

    def give_up(self, failed: dict[str, str]) -> ExitCode | None:
        """Mark every row of a portion whose job was lost; the campaign goes on unless the program refused."""
        refused = [f"{key}: {why}" for key, why in failed.items() if has_refused(self.ended(key))]
        if refused:
            code: ExitCode = self.exit_codes.ERROR_PROGRAM_REFUSED.format(why="; ".join(refused))
            return code
        scheme = orm.Str(self.scheme(self.stage, self.inputs))
        for key in failed:
            reason = orm.Str(with_detail(Reason.ENGINE_ERROR, how_it_ended(self.ended(key))))
            portion = self.ctx.portions[key]
            self.ctx.parts[key] = mark_failed(self.inputs.cells, portion, self.inputs.stage, reason, scheme)
        self.break_circuit()
        return None

    def break_circuit(self) -> None:
        """Pause the campaign if the first rows are all the same failure."""
        if self.campaign is not None and self.jobs.same_failures is not None:
            trip(self.campaign, self.node, first=self.jobs.same_failures)

    def finish(self) -> None:
        """Hand over all rows; none if the campaign was told to stop before any had come."""
        parts = dict(self.ctx.parts)
        if parts:
            self.out("labels", extend_labels(**parts) if len(parts) > 1 else next(iter(parts.values())))
