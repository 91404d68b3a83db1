"""The campaign: models decide between relaxation stages which candidates still have a chance.

A stage without a gate relaxes all candidates that came out of the stage before. A stage with a gate goes in
rounds: fit an ensemble on all final results so far, predict all candidates that wait, decide, relax the batch.
Before the first gate a start set goes through all stages, so that there is something to learn from; where
too much of it fails, more are drawn.

Every relaxation adds its rows as an increment; a stage's increments become one table per shard when it is over.
The context holds nodes and a few scalars; everything per candidate lies in tables.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from functools import cached_property
from typing import Any

from aiida import orm
from aiida.engine import ExitCode, ToContext, if_, while_

from aiida_mlhull import names
from aiida_mlhull.calculations import functions
from aiida_mlhull.calculations.base import count_of, has_cells
from aiida_mlhull.calculations.ports import leaves
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import DecisionsData, LabelsData, ReactionsData
from aiida_mlhull.engines import ENGINES
from aiida_mlhull.job_pool.settings import why_failed
from aiida_mlhull.science.campaign import check_start
from aiida_mlhull.science.campaign.settings import CampaignSettings, StageSettings
from aiida_mlhull.science.errors import TooFewLabelsError
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.workflows.asks_properties import AsksProperties
from aiida_mlhull.workflows.inputs import campaign_inputs
from aiida_mlhull.workflows.make_cells import MakeCells
from aiida_mlhull.workflows.protocol import ProtocolBuilder
from aiida_mlhull.workflows.recipes import recipes_for_new_phases
from aiida_mlhull.workflows.round import Round


class Screen(ProtocolBuilder, AsksProperties):
    """From candidates to a phase diagram, with a reason for every candidate that was left out.

    Names in the context:
        at: scalars: ``stage`` at hand; ``relaxing``, the stage that is relaxed, a later one where a start set goes
            on; ``round`` at the stage's gate; ``starting``, whether a start set is under way; ``learnable``, results
            before its last draw; ``draw``, how many draws of an earlier campaign were gone through.
        parts: the settings' parts: ``stages`` by stage, and ``ensemble``, or ``ensembles`` by name.
        waiting: ``pool``, which candidates may enter the stage; ``shards``, decisions about those that wait still,
            and ``rows``, which rows of these that are: kept, or dropped by the last round; ``sent``, shards of which
            rows were sent to an engine; ``cells`` that were made for labels, and the rows that have one now. By shard.
        chosen: decisions about those that are relaxed next, by shard.
        labels: results: ``increments`` by stage, shard and number, ``new`` ones by shard, ``whole`` tables of ended
            stages by stage and shard; ``steps``, ionic steps.
        decided: ``trail``, decisions by step and shard, the ``order`` of its steps, and ``merged`` by stage and shard.
        stock: what the results amounted to after the last round.
        running: the processes that were waited for last: engines by shard, the round, and who predicts properties.
    """

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare inputs, the loop, outputs and what can go wrong."""
        super().define(spec)
        campaign_inputs(spec)
        spec.outline(
            cls.setup,
            while_(cls.stage_left)(
                cls.open_stage,
                cls.ask_properties,
                cls.require_properties,
                while_(cls.start_missing)(
                    cls.choose_start,
                    while_(cls.start_unfinished)(cls.heed, cls.make_cells, cls.relax, cls.collect, cls.advance_start),
                ),
                if_(cls.round_left)(cls.take_over_round, cls.heed, cls.make_cells, cls.relax, cls.collect),
                if_(cls.has_gate)(
                    cls.take_stock,
                    while_(cls.go_on)(
                        cls.heed,
                        cls.start_round,
                        cls.take_decisions,
                        cls.heed,
                        cls.make_cells,
                        cls.relax,
                        cls.collect,
                        cls.take_stock,
                    ),
                ).else_(cls.choose_all, cls.heed, cls.make_cells, cls.relax, cls.collect),
                cls.close_stage,
            ),
            cls.conclude,
            cls.ask_for_recipes,
        )
        spec.output_namespace(names.OUTCOMES, dynamic=True, valid_type=DecisionsData, help="One row per candidate.")
        spec.output_namespace(names.RESULTS, dynamic=True, valid_type=LabelsData, help="Results of the last stage.")
        spec.output_namespace(names.PHASES, dynamic=True, valid_type=orm.StructureData, help="Phases on the hull.")
        spec.output_namespace(names.REACTIONS, dynamic=True, valid_type=ReactionsData, help="By new phase, on request.")
        spec.output(names.SUMMARY, valid_type=orm.Dict, help="Funnel, costs, why it stopped.")
        spec.exit_code(510, "ERROR_ROUND_FAILED", "The models could not decide before stage {stage}: {why}")
        spec.exit_code(512, "ERROR_PREDICTION_FAILED", "No prediction of a property before stage {stage}: {why}")
        spec.exit_code(515, "ERROR_CELLS_NOT_MADE", "There are no cells for what was chosen: {why}")
        spec.exit_code(520, "ERROR_ENGINE_FAILED", "The engine of stage {stage} refused or failed: {why}")
        spec.exit_code(521, "ERROR_START_FAILED", "The start set is too small to learn from: {why}")
        spec.exit_code(522, "ERROR_NO_RESULTS", "No candidate came out of the last stage; the outcomes say why: {why}")

    # ---------------------------------------------------------------- where we are

    @cached_property
    def settings(self) -> CampaignSettings:
        """The campaign's settings, checked once per loaded process."""
        return settings_of(self.inputs.settings, CampaignSettings)

    @property
    def stage(self) -> StageSettings:
        """Settings of the stage at hand."""
        index: int = self.ctx.at["stage"]
        return self.settings.stages[index]

    @property
    def last(self) -> int:
        """Index of the last stage."""
        return len(self.settings.stages) - 1

    @property
    def total(self) -> int:
        """The campaign's candidates."""
        return sum(node.n_rows for node in self.inputs.candidates.values())

    def setup(self) -> None:
        """Nothing has been relaxed yet."""
        self.ctx.at = {"stage": 0, "relaxing": 0, "round": 0, "starting": False, "learnable": None, "draw": 0}
        self.ctx.parts = functions.split_settings(self.inputs.settings)
        self.ctx.waiting = {"pool": {}, "shards": {}, "rows": "kept", "sent": [], "cells": {}}
        self.ctx.chosen = {}
        self.ctx.labels = {
            "increments": self.results_taken_over(),
            "new": {},
            "whole": {},
            "steps": self.earlier("steps"),
        }
        self.ctx.decided = {"trail": {}, "order": [], "merged": {}}
        self.ctx.stock = None
        stages = "1 stage" if self.last == 0 else f"{self.last + 1} stages"
        self.report(f"campaign {self.settings.name}: {self.total} candidates, {stages}")

    @staticmethod
    def slot(index: int) -> str:
        """Name of a stage among the parts of the context."""
        return f"stage_{index}"

    def stage_node(self, index: int) -> orm.Dict:
        """The settings of stage ``index`` as a node."""
        node: orm.Dict = self.ctx.parts["stages"][self.slot(index)]
        return node

    def cells(self) -> dict[str, Any]:
        """The cells that go into the stage that is relaxed, by shard."""
        at = self.ctx.at
        if at["relaxing"] == 0:
            return dict(self.inputs.candidates)
        # A start set that has gone through a stage goes on with what came out of it, which is not yet a whole table.
        before = self.ctx.labels["whole"].get(self.slot(at["relaxing"] - 1))
        return dict(self.ctx.labels["new"] if before is None else before)

    def increments(self, index: int) -> dict[str, dict[str, Any]]:
        """What came out of stage ``index`` so far, by shard and increment."""
        return dict(self.ctx.labels["increments"].get(self.slot(index), {}))

    def remember(self, kind: str, decisions: dict[str, Any]) -> None:
        """Keep decisions for the outcome; a later round of the same stage replaces the one before."""
        step, decided = f"{self.slot(self.ctx.at['stage'])}_{kind}", self.ctx.decided
        if step not in decided["order"]:
            decided["order"].append(step)
        decided["trail"][step] = decisions

    # ---------------------------------------------------------------- stages

    def stage_left(self) -> bool:
        """Whether a stage is still to be done; the first one is opened in any case, so that every candidate is told of."""
        begun = bool(self.ctx.decided["order"])
        return bool(self.ctx.at["stage"] <= self.last) and (not begun or self.may_go_on())

    def open_stage(self) -> None:
        """Find out which candidates may be considered for the stage."""
        at = self.ctx.at
        at["relaxing"], at["round"], at["draw"], self.ctx.stock = at["stage"], 0, 0, None
        pool = self._entered_first() if at["stage"] == 0 else self._entered_next(at["stage"])
        self.ctx.waiting["pool"] = pool
        self.remember("open", pool)

    def _entered_first(self) -> dict[str, Any]:
        return {key: functions.enter_first_stage(node, self.stage_node(0)) for key, node in self.cells().items()}

    def _entered_next(self, index: int) -> dict[str, Any]:
        """Merge what has become the same, and open the stage to the rest."""
        labels, merged = self.cells(), {}
        if labels and self.settings.stages[index - 1].merge is not None:
            merged = functions.merge_same(self.inputs.settings, self.stage_node(index - 1), labels=labels)
            self.ctx.decided["merged"][self.slot(index - 1)] = merged
        return {
            key: functions.enter_next_stage(
                node, self.stage_node(index), **({"merged": merged[key]} if key in merged else {})
            )
            for key, node in labels.items()
        }

    def has_gate(self) -> bool:
        """Whether models decide which candidates enter the stage."""
        return self.stage.gate is not None

    def choose_all(self) -> None:
        """Without a gate, all candidates that are open go through the stage."""
        self.ctx.chosen = self.waiting_before()

    def waiting_before(self) -> dict[str, Any]:
        """Decisions about the candidates that may enter the stage and did not, by shard."""
        done = self.increments(self.ctx.at["stage"])
        return {
            key: functions.still_waiting(pool, **done[key]) if key in done else pool
            for key, pool in self.ctx.waiting["pool"].items()
        }

    def close_stage(self) -> None:
        """One table per shard of what the stage gave, and on to the next one."""
        self._close(self.slot(self.ctx.at["stage"]))
        self.ctx.at["stage"] += 1

    def _close(self, slot: str) -> None:
        self.ctx.labels["whole"][slot] = {
            key: functions.extend_labels(**parts) if len(parts) > 1 else next(iter(parts.values()))
            for key, parts in self.ctx.labels["increments"].pop(slot, {}).items()
        }

    # ---------------------------------------------------------------- the start set

    def _learnable(self) -> int:
        """Results that models can learn from."""
        results = leaves(self.increments(self.last)).values()
        return sum(node.base.attributes.get("n_succeeded") for node in results)

    def start_missing(self) -> bool:
        """Whether models are about to be asked before enough has been labeled to teach them."""
        missing = self._learnable() < self.settings.needed_labels
        return self.has_gate() and (missing or self.draw_left()) and self.may_go_on()

    def choose_start(self) -> ExitCode | None:
        """Draw the start set, or more of it after failures; not again after a draw that gave nothing at all."""
        if self.draw_left():
            self.take_over_draw()
            return None
        have, waiting = self._learnable(), self.waiting_before()
        if have == self.ctx.at["learnable"]:
            return self._failed("ERROR_START_FAILED", why=f"nothing came of the last draw; {self._failures()}")
        n_waiting = sum(count_of(node) for node in waiting.values())
        try:
            check_start(self.settings, candidates=n_waiting, total=self.total, have=have)
        except TooFewLabelsError as error:
            return self._failed("ERROR_START_FAILED", why=f"{error}; {self._failures()}")
        self.ctx.at["starting"], self.ctx.at["learnable"] = True, have
        position = orm.Dict({"total": self.total, "have": have})
        self.ctx.chosen = functions.choose_start(self.inputs.settings, position, pools=waiting)
        self.remember("start", self.ctx.chosen)
        return None

    def _failed(self, label: str, **words: str) -> ExitCode:
        """An exit code with its message filled in."""
        code: ExitCode = self.exit_codes[label].format(**words)
        return code

    def _failures(self) -> str:
        """What went wrong in which stage, in words."""
        by_stage = []
        for index, stage in enumerate(self.settings.stages):
            reasons: Counter[str] = Counter()
            whole = self.ctx.labels["whole"].get(self.slot(index), {})
            for node in leaves(whole or self.increments(index)).values():
                reasons.update(node.base.attributes.get("failure_reasons"))
            if reasons:
                counts = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
                by_stage.append(f"stage {stage.name}: {counts}")
        dropped = f"; requirements dropped {unmet} candidates" if (unmet := self.unmet()) else ""
        return f"failed relaxations: {'; '.join(by_stage) or 'none'}{dropped}"

    def start_unfinished(self) -> bool:
        """Whether the start set has a stage before it."""
        return bool(self.ctx.at["starting"]) and self.may_go_on()

    def advance_start(self) -> None:
        """Send what came out of this stage into the next one; merging waits for the whole stage."""
        at = self.ctx.at
        if at["relaxing"] < self.last:
            at["relaxing"] += 1
            stage = self.stage_node(at["relaxing"])
            self.ctx.chosen = {key: functions.enter_next_stage(node, stage) for key, node in self.cells().items()}
        else:
            at["starting"], at["relaxing"] = False, at["stage"]

    # ---------------------------------------------------------------- relaxations

    @property
    def relaxing(self) -> StageSettings:
        """Settings of the stage that is relaxed."""
        index: int = self.ctx.at["relaxing"]
        return self.settings.stages[index]

    def make_cells(self) -> Any:
        """Have cells made for what was chosen of shards of labels, where the stage's engine starts from cells."""
        self.ctx.waiting["cells"] = {}
        if not self.may_go_on() or not ENGINES[self.relaxing.engine].needs_cells:
            return None
        cells, chosen = self.cells(), self.ctx.chosen
        wanted = {key: self.not_done(key, decided) for key, decided in chosen.items() if not has_cells(cells[key])}
        wanted = {key: decided for key, decided in wanted.items() if count_of(decided)}
        if not wanted:
            return None
        node = self.submit(
            MakeCells,
            code=self.inputs.code,
            jobs=self.inputs.jobs,
            candidates={key: self.inputs.candidates[key] for key in wanted},
            chosen=wanted,
            pool={key: self.ctx.waiting["pool"][key] for key in wanted},
            seed=orm.Int(self.settings.seed),
            metadata={"label": f"cells, {self.relaxing.name}, round {self.ctx.at['round']}"},
        )
        return ToContext(**{"running.cells": node})

    def relax(self) -> Any:
        """Hand the chosen rows of every shard to the stage's engine; none once the campaign was told to stop."""
        failed = self._take_cells()
        if not self.may_go_on():
            self.ctx.chosen = {}
        elif failed is not None:
            return failed
        cells, made, stage = self.cells(), self.ctx.waiting["cells"], self.relaxing
        engine = ENGINES[stage.engine]
        inputs = {**self.inputs.engines[stage.engine], "stage": self.stage_node(self.ctx.at["relaxing"])}
        if "jobs" in engine.spec().inputs:
            inputs["jobs"] = self.inputs.jobs
        running = {}
        for key, decided in self.ctx.chosen.items():
            shard = made.get(key) or {"cells": cells[key], "chosen": self.not_done(key, decided)}
            if count_of(shard["chosen"]):
                label = {"label": f"{stage.name}, round {self.ctx.at['round']}, {key}"}
                running[f"running.engine_{key}"] = self.submit(engine, {**inputs, **shard, "metadata": label})
        self.ctx.waiting["sent"] = [name.removeprefix("running.engine_") for name in running]
        return ToContext(**running)

    def _take_cells(self) -> ExitCode | None:
        """Cells that were made, with the rows that have one now; the others leave the pool, with the reason."""
        node, decided = self.ctx.get("running", {}).pop("cells", None), self.ctx.decided
        if node is None:
            return None
        if not node.is_finished_ok:
            return self._failed("ERROR_CELLS_NOT_MADE", why=why_failed(node))
        made = dict(node.outputs.cells) if "cells" in node.outputs else {}
        for key, chosen in node.outputs.chosen.items():
            self.ctx.waiting["cells"][key] = {"cells": made.get(key), "chosen": chosen}
            self.ctx.waiting["pool"][key] = node.outputs.pool[key]
            asked = count_of(node.inputs.chosen[key])
            failed = asked - count_of(chosen)
            if failed:  # a step of its own: a later round has nothing to say about these
                step = f"{self.slot(0)}_cells_{len(decided['order'])}"
                decided["order"].append(step)
                decided["trail"][step] = {key: chosen}
                self.report(f"{key}: no cell could be made for {failed} of {asked} chosen labels")
        return None

    def collect(self) -> ExitCode | None:
        """Keep the new rows beside the stage's results so far."""
        slot, failed = self.slot(self.ctx.at["relaxing"]), []
        labels = self.ctx.labels
        labels["new"] = {}
        for key in self.ctx.waiting["sent"]:
            node = self.ctx.running[f"engine_{key}"]
            if not node.is_finished_ok:
                failed.append(f"{key}: {why_failed(node)}")
                continue
            if names.LABELS not in node.outputs:  # it was told to stop before anything had come
                continue
            parts = labels["increments"].setdefault(slot, {}).setdefault(key, {})
            part = f"part_{len(parts)}"
            parts[part] = labels["new"][key] = node.outputs.labels
            if names.STEPS in node.outputs:
                labels["steps"][f"{slot}_{key}_{part}"] = node.outputs.steps
        self.add_taken_over()
        if failed:
            stage = self.settings.stages[self.ctx.at["relaxing"]].name
            return self._failed("ERROR_ENGINE_FAILED", stage=stage, why="; ".join(failed))
        return None

    # ---------------------------------------------------------------- rounds at a gate

    def take_stock(self) -> None:
        """See what the results amount to, which candidates still wait, and whether to go on."""
        if not self.may_go_on():
            return
        number, open_to = self.ctx.at["round"], self.ctx.waiting
        first = self.ctx.stock is None
        previous = self.earlier("stocks").get(self.stage.name) if first else self.ctx.stock
        if first:
            open_to |= {"shards": self.waiting_before(), "rows": "kept"}
        else:  # what the round has not chosen waits for the next one
            open_to |= {"shards": self.ctx.chosen, "rows": "dropped"}
        waiting = sum(count_of(node, open_to["rows"]) for node in open_to["shards"].values())
        self.ctx.stock = stock = functions.assess(
            self.inputs.settings,
            self.stage_node(self.ctx.at["stage"]),
            orm.Dict({"round": number, "total": self.total, "waiting": waiting}),
            self.inputs.references,
            **({} if previous is None else {"previous": previous}),
            results=self.increments(self.last),
            **({"decided": dict(self.ctx.chosen)} if number else {}),
        )
        self.report(
            f"{self.stage.name}, round {number}: {stock['relaxed']} of {self.total} relaxed, "
            f"{len(stock['stable'])} on the hull ({len(stock['new_phases'])} new), {waiting} wait"
            + (f", {stock['promise']['claim']:.1%} of the near ones found by the model" if stock["promise"] else "")
            + (f"; stop: {stock['stop']}" if stock["stop"] else "")
        )

    def go_on(self) -> bool:
        """Whether another round is worth it."""
        return self.may_go_on() and not self.ctx.stock["stop"]

    def start_round(self) -> Any:
        """Have the models decide about all candidates that wait."""
        if not self.may_go_on():
            return None
        at, open_to, asked = self.ctx.at, self.ctx.waiting, self.settings.asked_before(self.stage.name)
        at["round"] += 1
        node = self.submit(
            Round,
            code=self.inputs.code,
            jobs=self.inputs.jobs,
            cells=self.cells(),
            unrelaxed={key: one for key, one in self.inputs.candidates.items() if at["stage"] and has_cells(one)},
            waiting=open_to["shards"],
            pool_rows=orm.Str(open_to["rows"]),
            results=self.increments(self.last),
            steps=dict(self.ctx.labels["steps"]) if any(one.ionic_steps for one in asked.values()) else {},
            references=self.inputs.references,
            settings=self.inputs.settings,
            **self._ensembles(asked),
            stage=self.stage_node(at["stage"]),
            position=orm.Dict({"round": at["round"], "total": self.total}),
            warm=dict(self.inputs.get("warm", {}).get(self.stage.name, {})),
            metadata={"label": f"{self.stage.name}, round {at['round']}"},
        )
        return ToContext(**{"running.round": node})

    def _ensembles(self, asked: Collection[str]) -> dict[str, Any]:
        """Settings of the gate's ensembles, and what their members begin with, if anything."""
        parts, given = self.ctx.parts, self.inputs.get("parents", {}).get(self.stage.name)
        if names.ENSEMBLES in parts:
            parents = {name: node for name, node in (given or {}).items() if name in asked}
            return {names.ENSEMBLES: {name: parts[names.ENSEMBLES][name] for name in asked}, "parents": parents}
        parent = self.inputs.get("parent") if given is None else given
        return {"ensemble_settings": parts["ensemble"], **({} if parent is None else {"parent": parent})}

    def take_decisions(self) -> ExitCode | None:
        """What the round decided is relaxed next."""
        node = self.ctx.get("running", {}).get("round")
        if not self.may_go_on() and (node is None or not node.is_finished_ok):
            return None
        if not node.is_finished_ok:
            return self._failed("ERROR_ROUND_FAILED", stage=self.stage.name, why=why_failed(node))
        self.ctx.chosen = dict(node.outputs.decisions)
        self.remember("round", self.ctx.chosen)
        return None

    # ---------------------------------------------------------------- the end

    def conclude(self) -> ExitCode | None:
        """One row for every candidate, the phases on the hull as structures, and the account."""
        for slot in sorted(self.ctx.labels["increments"]):  # of stages that the campaign was stopped in
            self._close(slot)
        results, decided = self.ctx.labels["whole"].get(self.slot(self.last), {}), self.ctx.decided
        outcomes = functions.conclude(
            self.inputs.references,
            orm.List(decided["order"]),
            candidates=dict(self.inputs.candidates),
            results=results,
            trail=decided["trail"],
        )
        for key, outcome in outcomes.items():
            self.out(f"{names.OUTCOMES}.{key}", outcome)
            if key in results:
                self.out(f"{names.RESULTS}.{key}", results[key])
                if Reason.ON_HULL not in outcome.base.attributes.get("kept_reasons"):
                    continue
                promoted = functions.promote(self.inputs.candidates[key], outcome, results[key])
                for name, node in promoted.get("phases", {}).items():
                    self.out(f"{names.PHASES}.{key}_{name}", node)
        stages = {slot: tables for slot, tables in self.ctx.labels["whole"].items() if tables}
        tables = {"outcomes": outcomes, "stages": stages, "merged": decided["merged"]}
        self.out(names.SUMMARY, functions.summarize(self.inputs.settings, **tables))
        learned_from = sum(node.base.attributes.get("n_succeeded") for node in results.values())
        return None if learned_from else self._failed("ERROR_NO_RESULTS", why=self._failures())

    def ask_for_recipes(self) -> None:
        """Ways to make what has been found; a phase that can't be asked about is told, and changes nothing else."""
        if "recipes" not in self.inputs:
            return
        for target, answer in recipes_for_new_phases(self.inputs, self.outputs[names.RESULTS], said=self._said()):
            if isinstance(answer, str):
                self.report(f"no recipes for {target}: {answer}")
            else:
                self.out(f"{names.REACTIONS}.{target}", answer)
        found = self.outputs.get(names.REACTIONS, {})
        self.report(f"recipes for {len(found)} new phases: {', '.join(found) or 'none was found'}")

    def _said(self) -> list[Any]:
        """What the models have predicted in all rounds, the oldest first; of several ensembles the last one's word counts."""
        waves = [
            one for node in self.node.called for one in node.called if names.PREDICT_SHARDS.matches(one.process_type)
        ]
        tables = [table for wave in waves for table in wave.outputs.predictions.values()]
        return sorted(tables, key=lambda node: node.pk)
