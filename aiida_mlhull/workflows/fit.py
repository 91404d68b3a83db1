"""Fit an ensemble: one job a member (or a few), in waves, each tried again before it counts as failed."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ToContext, WorkChain, while_
from aiida.plugins import CalculationFactory

from aiida_mlhull.calculations.functions import gather_ensemble
from aiida_mlhull.data import CandidatesData, EnsembleData, LabelsData, ReferencesData
from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.calculations.jobs import JobSettings, portions_of, why_failed

FitCalculation = CalculationFactory("mlhull.fit")


class FitEnsemble(WorkChain):
    """All members of one ensemble, fitted on the same rows, each from its own start and split."""

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the waves of jobs, and what can go wrong."""
        super().define(spec)
        spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job.")
        spec.input_namespace("cells", dynamic=True, valid_type=(CandidatesData, LabelsData), help="Input cells.")
        spec.input_namespace("results", dynamic=True, valid_type=LabelsData, help="Results of the last stage.")
        spec.input("references", valid_type=ReferencesData, help="They hold the elemental baseline.")
        spec.input("settings", valid_type=orm.Dict, help="EnsembleSettings.")
        spec.input("baseline", valid_type=orm.Str, help="'references' or 'stage'.")
        spec.input("seed", valid_type=orm.Int, help="The only source of chance.")
        spec.input("jobs", valid_type=orm.Dict, default=lambda: orm.Dict(JobSettings().model_dump()), help="Job sizes.")
        spec.outline(
            cls.setup,
            while_(cls.members_missing)(cls.submit_wave, cls.inspect_wave),
            cls.gather,
        )
        spec.output("ensemble", valid_type=EnsembleData, help="The members together.")
        spec.exit_code(510, "ERROR_FIT_FAILED", "Members could not be fitted: {why}")

    def setup(self) -> None:
        """Nothing is fitted yet, nothing was tried."""
        members = EnsembleSettings.model_validate(self.inputs.settings.get_dict()).members
        self.ctx.missing = portions_of(range(members), self.jobs.members_per_job)
        self.ctx.attempt = 1
        self.ctx.fitted = {}

    @property
    def jobs(self) -> JobSettings:
        """Sizes and limits of jobs."""
        return JobSettings.model_validate(self.inputs.jobs.get_dict())

    def members_missing(self) -> bool:
        """Whether a job is still to be done."""
        return bool(self.ctx.missing)

    def submit_wave(self) -> Any:
        """Submit as many jobs as may run at once."""
        wave = self.ctx.missing[: self.jobs.max_in_flight]
        return ToContext(**{_key(members): self.submit(FitCalculation, **self._job(members)) for members in wave})

    def _job(self, members: list[int]) -> dict[str, Any]:
        return {
            "code": self.inputs.code,
            "cells": self.inputs.cells,
            "labels": self.inputs.results,
            "references": self.inputs.references,
            "settings": self.inputs.settings,
            "baseline": self.inputs.baseline,
            "seed": self.inputs.seed,
            "members": orm.List(members),
            "metadata": {
                "label": f"fit members {members[0]}-{members[-1]}",
                "options": {"max_wallclock_seconds": self.jobs.max_wallclock_seconds},
            },
        }

    def inspect_wave(self) -> ExitCode | None:
        """Keep what was fitted; try the rest again, or give up and say why."""
        wave, rest = self.ctx.missing[: self.jobs.max_in_flight], self.ctx.missing[self.jobs.max_in_flight :]
        failed = [members for members in wave if not self.ctx[_key(members)].is_finished_ok]
        for members in wave:
            if members not in failed:
                self.ctx.fitted[_key(members)] = self.ctx[_key(members)].outputs.ensemble
        self.ctx.missing = failed + rest
        if not failed:
            self.ctx.attempt = 1
            return None
        why = "; ".join(f"{_key(members)}: {why_failed(self.ctx[_key(members)])}" for members in failed)
        if self.ctx.attempt >= self.jobs.max_attempts:
            return self.exit_codes.ERROR_FIT_FAILED.format(why=why)
        self.report(f"attempt {self.ctx.attempt} failed, once more: {why}")
        self.ctx.attempt += 1
        return None

    def gather(self) -> None:
        """One ensemble out of all parts."""
        self.out("ensemble", gather_ensemble(self.inputs.settings, **self.ctx.fitted))


def _key(members: list[int]) -> str:
    return f"members_{members[0]:03d}"

