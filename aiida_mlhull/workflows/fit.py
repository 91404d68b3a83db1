"""Fit an ensemble: one job per member, or a few members to a job."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode
from aiida.plugins import CalculationFactory

from aiida_mlhull import names
from aiida_mlhull.calculations.functions import gather_ensemble
from aiida_mlhull.calculations.ports import cells_inputs, plain_input, results_input, steps_input, warm_inputs
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import EnsembleData, ReferencesData
from aiida_mlhull.job_pool.pool import JobPool
from aiida_mlhull.job_pool.settings import portions_of
from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.program.settings import check_parent
from aiida_mlhull.science.types.strict import validated

FitCalculation = CalculationFactory(names.FIT.entry_point)


class FitEnsemble(JobPool):
    """All members of one ensemble, fitted on the same rows, each from its own start and split.

    Names in the context, beside those of a :class:`~aiida_mlhull.job_pool.pool.JobPool`:
        portions: members by job.
        fitted: parts of the ensemble by job.
    """

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the waves of jobs, and what can go wrong."""
        super().define(spec)
        spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job.")
        cells_inputs(spec)
        results_input(spec)
        steps_input(spec)
        warm_inputs(spec)
        spec.input("references", valid_type=ReferencesData, required=False, help="They hold the elemental baseline.")
        plain_input(spec, "settings", orm.Dict, help="EnsembleSettings.")
        plain_input(spec, "baseline", orm.Str, help="'references', 'hull', 'stage', or 'none'.")
        plain_input(spec, "seed", orm.Int, help="The only source of chance.")
        spec.input("parent", valid_type=EnsembleData, required=False, help="Whose members these begin with.")
        spec.input_namespace(
            "stopped",
            dynamic=True,
            required=False,
            valid_type=orm.RemoteData,
            help="Folders of jobs of an earlier such fit that was stopped, by key: they go on after their last whole epoch.",
        )
        spec.inputs.validator = _check_transfer
        spec.outline(cls.setup, cls.waves(), cls.require_all, cls.gather)
        spec.output("ensemble", valid_type=EnsembleData, help="The members together.")
        spec.exit_code(510, "ERROR_FIT_FAILED", "Members could not be fitted: {why}")

    def setup(self) -> None:
        """Share the members out among jobs."""
        members = settings_of(self.inputs.settings, EnsembleSettings).members
        portions = portions_of(range(members), self.jobs.members_per_job)
        self.ctx.portions = {
            "_".join(["members", *(f"{member:03d}" for member in portion)]): portion for portion in portions
        }
        self.ctx.fitted = {}
        self.wait_for(sorted(self.ctx.portions))

    def job(self, key: str) -> tuple[Any, dict[str, Any]]:
        """The fit of a few members; a second try goes on after the last whole epoch of the first one."""
        also = {name: self.inputs[name] for name in ("references", "parent") if name in self.inputs}
        if self.was_tried(key) and "remote_folder" in self.ended(key).outputs:
            also["restart_from"] = self.ended(key).outputs.remote_folder
        elif key in self.inputs.get("stopped", {}):
            also["restart_from"] = self.inputs.stopped[key]
        return FitCalculation, {
            "code": self.inputs.code,
            "cells": self.inputs.cells,
            "unrelaxed": dict(self.inputs.get("unrelaxed", {})),
            "labels": self.inputs.results,
            "steps": dict(self.inputs.get("steps", {})),
            "warm": dict(self.inputs.get("warm", {})),
            "settings": self.inputs.settings,
            "baseline": self.inputs.baseline,
            "seed": self.inputs.seed,
            "members": orm.List(self.ctx.portions[key]),
            "metadata": {"label": f"fit {key}", "options": self.options},
            **also,
        }

    def accept(self, key: str, node: orm.ProcessNode) -> None:
        """Keep the fitted members."""
        self.ctx.fitted[key] = node.outputs.ensemble

    def give_up(self, failed: dict[str, str]) -> ExitCode | None:
        """An ensemble with members missing would not be the one that was asked for."""
        why = "; ".join(f"{key}: {reason}" for key, reason in failed.items())
        code: ExitCode = self.exit_codes.ERROR_FIT_FAILED.format(why=why)
        return code

    def gather(self) -> None:
        """One ensemble out of all parts."""
        self.out("ensemble", gather_ensemble(self.inputs.settings, **self.ctx.fitted))


def _check_transfer(inputs: Any, _: Any) -> str | None:
    """Refuse settings that are wrong, and a parent that they leave no use for."""
    try:
        settings = validated(EnsembleSettings, inputs["settings"].get_dict(), what="ensemble")
        check_parent(settings, has_parent="parent" in inputs)
    except InputError as error:
        return str(error)
    return None
