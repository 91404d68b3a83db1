"""One round at a gate: fit on what is known, predict all that wait, one ensemble after another, decide which go on."""

from __future__ import annotations

from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ToContext, WorkChain, while_

from aiida_mlhull import names
from aiida_mlhull.calculations import functions
from aiida_mlhull.calculations.ports import (
    cells_inputs,
    plain_input,
    pool_rows_input,
    results_input,
    steps_input,
    warm_inputs,
)
from aiida_mlhull.data import DecisionsData, EnsembleData, ReferencesData
from aiida_mlhull.job_pool.pool import job_settings_input
from aiida_mlhull.job_pool.settings import why_failed
from aiida_mlhull.science.campaign.settings import UNNAMED
from aiida_mlhull.workflows.fit import FitEnsemble
from aiida_mlhull.workflows.predict import PredictShards


class Round(WorkChain):
    """Every row that waits gets a decision with a reason, made with the models that this round fitted.

    Names in the context:
        fit: the process that has fitted the ensemble at hand.
        predict: the process that has asked it about all rows that wait.
        said: predictions by ensemble and shard.
    """

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the three steps, and what can go wrong."""
        super().define(spec)
        job_settings_input(spec)
        spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job.")
        cells_inputs(spec)
        spec.input_namespace("waiting", dynamic=True, valid_type=DecisionsData, help="Whose rows are decided about.")
        pool_rows_input(spec)
        results_input(spec)
        steps_input(spec)
        warm_inputs(spec)
        spec.input("references", valid_type=ReferencesData, help="Known phases.")
        spec.input("parent", valid_type=EnsembleData, required=False, help="Whose members an ensemble begins with.")
        spec.input_namespace(
            "parents", dynamic=True, required=False, valid_type=EnsembleData, help="The same, by the ensemble's name."
        )
        plain_input(spec, "settings", orm.Dict, help="CampaignSettings.")
        plain_input(spec, "ensemble_settings", orm.Dict, required=False, help="EnsembleSettings of a single ensemble.")
        spec.input_namespace(
            names.ENSEMBLES, dynamic=True, required=False, valid_type=orm.Dict, help="The same of several, by name."
        )
        plain_input(spec, "stage", orm.Dict, help="StageSettings of the stage with the gate.")
        plain_input(spec, "position", orm.Dict, help="Round, and number of candidates in the campaign.")
        spec.outline(cls.setup, while_(cls.ensemble_left)(cls.fit, cls.predict, cls.hear), cls.decide)
        spec.output_namespace("decisions", dynamic=True, valid_type=DecisionsData, help="By shard.")
        spec.exit_code(510, "ERROR_FIT_FAILED", "No ensemble: {why}")
        spec.exit_code(512, "ERROR_PREDICTION_FAILED", "No predictions: {why}")

    @property
    def ensembles(self) -> dict[str, orm.Dict]:
        """Settings by name, in alphabetical order; a single ensemble has none."""
        if "ensemble_settings" in self.inputs:
            return {UNNAMED: self.inputs.ensemble_settings}
        return dict(sorted(self.inputs[names.ENSEMBLES].items()))

    @property
    def name(self) -> str:
        """The ensemble at hand: the first one that was not asked."""
        return next(name for name in self.ensembles if name not in self.ctx.said)

    def setup(self) -> None:
        """No ensemble was asked yet."""
        self.ctx.said = {}

    def ensemble_left(self) -> bool:
        """Whether an ensemble is still to be asked."""
        return len(self.ctx.said) < len(self.ensembles)

    @property
    def shared(self) -> dict[str, Any]:
        """Inputs that fitting and predicting have in common."""
        title = f"{self.inputs.stage['name']}, round {self.inputs.position['round']}"
        return {
            "code": self.inputs.code,
            "references": self.inputs.references,
            "baseline": orm.Str(self.inputs.stage["gate"]["baseline"]),
            "jobs": self.inputs.jobs,
            "metadata": {
                "label": f"{title}, {self.name}" if self.name else title,
                "call_link_label": names.ensemble_call(self.name),
            },
        }

    def parent(self) -> dict[str, EnsembleData]:
        """What the members of the ensemble at hand begin with, if anything."""
        if "parent" in self.inputs:
            return {"parent": self.inputs.parent}
        of_named = self.inputs.get("parents", {})
        return {"parent": of_named[self.name]} if self.name in of_named else {}

    def fit(self) -> Any:
        """Fit an ensemble on all results so far."""
        results = dict(self.inputs.results)
        node = self.submit(
            FitEnsemble,
            cells={key: node for key, node in self.inputs.cells.items() if key in results},
            unrelaxed={key: node for key, node in self.inputs.get("unrelaxed", {}).items() if key in results},
            results=results,
            steps=dict(self.inputs.get("steps", {})),
            warm=dict(self.inputs.get("warm", {})),
            settings=self.ensembles[self.name],
            seed=orm.Int(self.inputs.settings["seed"]),
            **self.parent(),
            **self.shared,
        )
        return ToContext(fit=node)

    def predict(self) -> Any:
        """Ask the ensemble about all candidates that wait."""
        if not self.ctx.fit.is_finished_ok:
            return self._failed("ERROR_FIT_FAILED", self.ctx.fit)
        node = self.submit(
            PredictShards,
            ensemble=self.ctx.fit.outputs.ensemble,
            cells=dict(self.inputs.cells),
            unrelaxed=dict(self.inputs.get("unrelaxed", {})),
            waiting=dict(self.inputs.waiting),
            pool_rows=self.inputs.pool_rows,
            **self.shared,
        )
        return ToContext(predict=node)

    def hear(self) -> ExitCode | None:
        """Keep what the ensemble at hand has predicted."""
        if not self.ctx.predict.is_finished_ok:
            return self._failed("ERROR_PREDICTION_FAILED", self.ctx.predict)
        self.ctx.said[self.name] = dict(self.ctx.predict.outputs.predictions)
        return None

    def decide(self) -> None:
        """Let the rule keep or drop all candidates that wait, with a reason."""
        said = self.ctx.said
        decisions = functions.decide_round(
            self.inputs.settings,
            self.inputs.stage,
            self.inputs.position,
            self.inputs.references,
            predictions=said.get(UNNAMED, said),
            results=dict(self.inputs.results),
        )
        self.out("decisions", decisions)

    def _failed(self, label: str, node: orm.ProcessNode) -> ExitCode:
        """An exit code that hands on why a child failed."""
        why = f"{self.name}: {why_failed(node)}" if self.name else why_failed(node)
        code: ExitCode = self.exit_codes[label].format(why=why)
        return code
