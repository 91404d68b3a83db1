"""The campaign: models decide between relaxation stages which candidates still have a chance.

A stage without a gate relaxes everybody who came out of the stage before. A stage with a gate goes in
rounds: fit an ensemble on all final results so far, predict everybody who waits, decide, relax the batch.
Before the first gate a start set goes through all stages, so that there is something to learn from; where
too much of it fails, more are drawn.

The context holds nodes and a few scalars; everything per candidate lies in tables.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ToContext, WorkChain, if_, while_

from aiida_mlhull.calculations import functions
from aiida_mlhull.data import CandidatesData, DecisionsData, EnsembleData, LabelsData, ReferencesData
from aiida_mlhull.engines import ENGINES
from aiida_mlhull.job_pool.pool import job_settings_input
from aiida_mlhull.job_pool.settings import why_failed
from aiida_mlhull.science.campaign import check_start
from aiida_mlhull.science.campaign.settings import CampaignSettings, StageSettings
from aiida_mlhull.science.ensembles import needed_labels
from aiida_mlhull.science.errors import TooFewLabelsError
from aiida_mlhull.workflows.inputs import check_inputs, check_settings
from aiida_mlhull.workflows.protocol import ProtocolBuilder
from aiida_mlhull.workflows.round import Round


class Screen(ProtocolBuilder, WorkChain):
    """From candidates to a phase diagram, with a reason for every candidate that was left out."""

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the loop, outputs and what can go wrong."""
        super().define(spec)
        spec.input_namespace("candidates", dynamic=True, valid_type=CandidatesData, help="Shards of candidates.")
        spec.input("references", valid_type=ReferencesData, help="Known phases, the elements among them.")
        spec.input("settings", valid_type=orm.Dict, validator=check_settings, help="CampaignSettings.")
        spec.input("parent", valid_type=EnsembleData, required=False, help="Whose members all ensembles begin with.")
        job_settings_input(spec)
        spec.input("code", valid_type=orm.AbstractCode, help="The program mlhull-job, for fits and predictions.")
        for name, engine in ENGINES.items():
            spec.expose_inputs(
                engine,
                namespace=f"engines.{name}",
                exclude=("cells", "chosen", "stage", "jobs"),
                namespace_options={"required": False, "populate_defaults": False},
            )
        spec.inputs.validator = check_inputs
        spec.outline(
            cls.setup,
            while_(cls.stage_left)(
                cls.open_stage,
                while_(cls.start_missing)(
                    cls.choose_start,
                    while_(cls.start_unfinished)(cls.relax, cls.collect, cls.advance_start),
                ),
                if_(cls.has_gate)(
                    cls.take_stock,
                    while_(cls.go_on)(
                        cls.start_round,
                        cls.take_decisions,
                        cls.relax,
                        cls.collect,
                        cls.take_stock,
                    ),
                ).else_(cls.choose_everybody, cls.relax, cls.collect),
                cls.close_stage,
            ),
            cls.conclude,
        )
        spec.output_namespace("outcomes", dynamic=True, valid_type=DecisionsData, help="One row a candidate.")
        spec.output_namespace("results", dynamic=True, valid_type=LabelsData, help="Results of the last stage.")
        spec.output_namespace("phases", dynamic=True, valid_type=orm.StructureData, help="Phases on the hull.")
        spec.output("summary", valid_type=orm.Dict, help="Funnel, costs, why it stopped.")
        spec.exit_code(510, "ERROR_ROUND_FAILED", "The models could not decide before stage {stage}: {why}")
        spec.exit_code(520, "ERROR_ENGINE_FAILED", "The engine of stage {stage} refused or failed: {why}")
        spec.exit_code(521, "ERROR_START_FAILED", "The start set is too small to learn from: {why}")
        spec.exit_code(522, "ERROR_NO_RESULTS", "No candidate came out of the last stage; the outcomes say why: {why}")

    # ---------------------------------------------------------------- where we are

    @property
    def settings(self) -> CampaignSettings:
        """The campaign's settings."""
        return CampaignSettings.model_validate(self.inputs.settings.get_dict())

    def stage(self, index: int | None = None) -> StageSettings:
        """Settings of a stage, the present one by default."""
        return self.settings.stages[self.ctx.stage if index is None else index]

    @property
    def last(self) -> int:
        """Index of the last stage."""
        return len(self.settings.stages) - 1

    def setup(self) -> None:
        """Nothing has been relaxed yet."""
        self.ctx.stage = 0
        self.ctx.relaxing = 0
        self.ctx.round = 0
        self.ctx.starting = False
        self.ctx.learnable = None
        self.ctx.labels = {self._slot(index): {} for index in range(self.last + 1)}
        self.ctx.steps = {}
        self.ctx.pools = {}
        self.ctx.chosen = {}
        self.ctx.trail = {}
        self.ctx.merged = {}
        self.ctx.stock = None
        self.ctx.parts = functions.split_settings(self.inputs.settings)
        total = sum(node.base.attributes.get("n_rows") for node in self.inputs.candidates.values())
        self.ctx.total = total
        self.report(f"campaign {self.settings.name}: {total} candidates, {self.last + 1} stages")

    @staticmethod
    def _slot(index: int) -> str:
        return f"stage_{index:02d}"

    def cells(self, index: int) -> dict[str, Any]:
        """The cells that go into stage ``index``, by shard."""
        return dict(self.inputs.candidates) if index == 0 else dict(self.ctx.labels[self._slot(index - 1)])

    def labels(self, index: int) -> dict[str, Any]:
        """What came out of stage ``index`` so far, by shard."""
        return dict(self.ctx.labels[self._slot(index)])

    def remember(self, kind: str, decisions: dict[str, Any]) -> None:
        """Keep decisions for the outcome; a later round of the same stage replaces the one before."""
        self.ctx.trail[f"{self._slot(self.ctx.relaxing)}_{kind}"] = decisions

    # ---------------------------------------------------------------- stages

    def stage_left(self) -> bool:
        """Whether a stage is still to be done."""
        return bool(self.ctx.stage <= self.last)

    def open_stage(self) -> None:
        """Find out who may be considered for the stage."""
        self.ctx.relaxing = self.ctx.stage
        self.ctx.round = 0
        self.ctx.stock = None
        self.ctx.pools = self._enter(self.ctx.stage)
        self.remember("a_open", self.ctx.pools)

    def _enter(self, index: int) -> dict[str, Any]:
        stage = self.ctx.parts["stages"][self._slot(index)]
        if index == 0:
            return {key: functions.enter_first_stage(node, stage) for key, node in self.cells(0).items()}
        labels, merged = self.labels(index - 1), {}
        if self.stage(index - 1).merge is not None and self.ctx.stage == index:
            before = self.ctx.parts["stages"][self._slot(index - 1)]
            merged = functions.merge_same(self.inputs.settings, before, labels=labels)
            self.ctx.merged[self._slot(index - 1)] = merged
        return {
            key: functions.enter_next_stage(node, stage, **({"merged": merged[key]} if key in merged else {}))
            for key, node in labels.items()
        }

    def has_gate(self) -> bool:
        """Whether models decide who enters the stage."""
        return self.stage().gate is not None

    def choose_everybody(self) -> None:
        """Without a gate, everybody who is open goes through the stage."""
        self.ctx.chosen = self._waiting()

    def _waiting(self) -> dict[str, Any]:
        done = self.labels(self.ctx.stage)
        return {
            key: functions.still_waiting(pool, **({"done": done[key]} if key in done else {}))
            for key, pool in self.ctx.pools.items()
        }

    def close_stage(self) -> None:
        """On to the next one."""
        self.ctx.stage += 1

    # ---------------------------------------------------------------- the start set

    def _learnable(self) -> int:
        """Results that models can learn from."""
        return sum(node.base.attributes.get("n_succeeded") for node in self.labels(self.last).values())

    def start_missing(self) -> bool:
        """Whether models are about to be asked before enough has been labeled to teach them."""
        return self.has_gate() and self._learnable() < needed_labels(self.settings.ensemble)

    def choose_start(self) -> ExitCode | None:
        """Draw the start set, or more of it after failures; not again after a draw that gave nothing at all."""
        have, waiting = self._learnable(), self._waiting()
        if have == self.ctx.learnable:
            return self._failed("ERROR_START_FAILED", why=f"nothing came of the last draw; {self._failures()}")
        try:
            check_start(self.settings, candidates=_kept(waiting), total=self.ctx.total, have=have)
        except TooFewLabelsError as error:
            return self._failed("ERROR_START_FAILED", why=f"{error}; {self._failures()}")
        self.ctx.starting, self.ctx.learnable = True, have
        position = orm.Dict({"total": self.ctx.total, "have": have})
        self.ctx.chosen = functions.choose_start(self.inputs.settings, position, pools=waiting)
        self.remember("b_start", self.ctx.chosen)
        return None

    def _failed(self, label: str, **words: str) -> ExitCode:
        """An exit code with its message filled in."""
        code: ExitCode = self.exit_codes[label].format(**words)
        return code

    def _failures(self) -> str:
        """What went wrong in which stage, in words."""
        told = []
        for index in range(self.last + 1):
            reasons: Counter[str] = Counter()
            for node in self.labels(index).values():
                reasons.update(node.base.attributes.get("failure_reasons"))
            if reasons:
                counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
                told.append(f"stage {self.stage(index).name}: {counts}")
        return f"failed relaxations: {'; '.join(told) or 'none'}"

    def start_unfinished(self) -> bool:
        """Whether the start set has a stage before it."""
        return bool(self.ctx.starting)

    def advance_start(self) -> None:
        """Send what came out of this stage into the next one; merging waits for the whole stage."""
        if self.ctx.relaxing < self.last:
            self.ctx.relaxing += 1
            self.ctx.chosen = self._enter(self.ctx.relaxing)
        else:
            self.ctx.starting = False
            self.ctx.relaxing = self.ctx.stage

    # ---------------------------------------------------------------- relaxations

    def relax(self) -> Any:
        """Hand the chosen rows of every shard to the stage's engine."""
        stage = self.stage(self.ctx.relaxing)
        engine = ENGINES[stage.engine]
        inputs = dict(self.inputs.engines[stage.engine])
        inputs["stage"] = self.ctx.parts["stages"][self._slot(self.ctx.relaxing)]
        if "jobs" in engine.spec().inputs:
            inputs["jobs"] = self.inputs.jobs
        running = {}
        for key, chosen in self.ctx.chosen.items():
            if chosen.base.attributes.get("n_kept"):
                shard = {"cells": self.cells(self.ctx.relaxing)[key], "chosen": chosen}
                label = {"label": f"{stage.name}, round {self.ctx.round}, {key}"}
                running[f"engine_{key}"] = self.submit(engine, {**inputs, **shard, "metadata": label})
        return ToContext(**running)

    def collect(self) -> ExitCode | None:
        """Add the new rows to the stage's results."""
        slot, failed = self._slot(self.ctx.relaxing), []
        for key, chosen in self.ctx.chosen.items():
            if not chosen.base.attributes.get("n_kept"):
                continue
            node = self.ctx[f"engine_{key}"]
            if not node.is_finished_ok:
                failed.append(f"{key}: {why_failed(node)}")
                continue
            old, new = self.ctx.labels[slot].get(key), node.outputs.labels
            self.ctx.labels[slot][key] = new if old is None else functions.extend_labels(old=old, new=new)
            if "steps" in node.outputs:
                self.ctx.steps[f"{slot}_{key}_part_{len(self.ctx.steps):04d}"] = node.outputs.steps
        if failed:
            stage = self.stage(self.ctx.relaxing).name
            return self._failed("ERROR_ENGINE_FAILED", stage=stage, why="; ".join(failed))
        return None

    # ---------------------------------------------------------------- rounds at a gate

    def take_stock(self) -> None:
        """See what the results amount to, who still waits, and whether to go on."""
        self.ctx.waiting = self._waiting()
        waiting = _kept(self.ctx.waiting)
        position = orm.Dict({"round": self.ctx.round, "total": self.ctx.total, "waiting": waiting})
        previous = {} if self.ctx.stock is None else {"previous": self.ctx.stock}
        self.ctx.stock = functions.assess(
            self.inputs.settings,
            self.ctx.parts["stages"][self._slot(self.ctx.stage)],
            position,
            self.inputs.references,
            **previous,
            results=self.labels(self.last),
        )
        stock = self.ctx.stock
        self.report(
            f"{self.stage().name}, round {self.ctx.round}: {stock['relaxed']} of {self.ctx.total} relaxed, "
            f"{len(stock['stable'])} on the hull ({len(stock['new_phases'])} new), {waiting} wait"
            + (f"; stop: {stock['stop']}" if stock["stop"] else "")
        )

    def go_on(self) -> bool:
        """Whether another round is worth it."""
        return not self.ctx.stock["stop"]

    def start_round(self) -> Any:
        """Have the models decide about everybody who waits."""
        self.ctx.round += 1
        node = self.submit(
            Round,
            code=self.inputs.code,
            jobs=self.inputs.jobs,
            cells=self.cells(self.ctx.stage),
            unrelaxed=dict(self.inputs.candidates) if self.ctx.stage else {},
            waiting=self.ctx.waiting,
            results=self.labels(self.last),
            steps=dict(self.ctx.steps) if self.settings.ensemble.ionic_steps else {},
            references=self.inputs.references,
            settings=self.inputs.settings,
            ensemble_settings=self.ctx.parts["ensemble"],
            stage=self.ctx.parts["stages"][self._slot(self.ctx.stage)],
            position=orm.Dict({"round": self.ctx.round, "total": self.ctx.total}),
            **({"parent": self.inputs.parent} if "parent" in self.inputs else {}),
            metadata={"label": f"{self.stage().name}, round {self.ctx.round}"},
        )
        return ToContext(decided=node)

    def take_decisions(self) -> ExitCode | None:
        """What the round decided is relaxed next."""
        if not self.ctx.decided.is_finished_ok:
            return self._failed("ERROR_ROUND_FAILED", stage=self.stage().name, why=why_failed(self.ctx.decided))
        self.ctx.chosen = dict(self.ctx.decided.outputs.decisions)
        self.remember("c_round", self.ctx.chosen)
        return None

    # ---------------------------------------------------------------- the end

    def conclude(self) -> ExitCode | None:
        """One row for every candidate, the phases on the hull as structures, and the account."""
        results = self.labels(self.last)
        outcomes = functions.conclude(
            self.inputs.references,
            candidates=dict(self.inputs.candidates),
            results=results,
            trail=dict(self.ctx.trail),
        )
        for key, outcome in outcomes.items():
            self.out(f"outcomes.{key}", outcome)
            if key in results:
                self.out(f"results.{key}", results[key])
                promoted = functions.promote(self.inputs.candidates[key], outcome, results[key])
                for name, node in promoted.get("phases", {}).items():
                    self.out(f"phases.{key}_{name}", node)
        stages = {slot: labels for slot, labels in self.ctx.labels.items() if labels}
        told = {"outcomes": outcomes, "stages": stages, "merged": dict(self.ctx.merged)}
        self.out("summary", functions.summarize(self.inputs.settings, **told))
        return None if self._learnable() else self._failed("ERROR_NO_RESULTS", why=self._failures())


def _kept(decisions: dict[str, Any]) -> int:
    """Rows that decisions keep, all shards together."""
    return sum(node.base.attributes.get("n_kept") for node in decisions.values())
