"""What a campaign does with ensembles of other properties than energies: asks them before its gates, and heeds what they say."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final

from aiida import orm
from aiida.engine import ExitCode, ToContext

from aiida_mlhull import names
from aiida_mlhull.calculations import functions
from aiida_mlhull.calculations.base import count_of
from aiida_mlhull.calculations.requiring import require_property
from aiida_mlhull.data import EnsembleData
from aiida_mlhull.job_pool.settings import why_failed
from aiida_mlhull.science.triage.requirements import read_requirement
from aiida_mlhull.workflows.predict import PredictShards
from aiida_mlhull.workflows.takes_over import TakesOver

REQUIRED: Final = "require_"
"""Begins the kind of the steps whose decisions requirements have made."""


class AsksProperties(TakesOver):
    """Base of the campaign's WorkChain: candidates that are not predicted to be as a gate requires leave the pool before it.

    Ensembles of properties are fitted before, and say the same in every round, so that each is asked once before a gate, about
    the cells that the gate's models see. The names in the context are those of
    :class:`~aiida_mlhull.workflows.screen.Screen`.
    """

    @abstractmethod
    def stage_node(self, index: int) -> orm.Dict:
        """The settings of stage ``index`` as a node."""

    @abstractmethod
    def cells(self) -> dict[str, Any]:
        """The cells that go into the stage that is relaxed, by shard."""

    @abstractmethod
    def waiting_before(self) -> dict[str, Any]:
        """Decisions about the candidates that may enter the stage and did not, by shard."""

    @property
    def asked_properties(self) -> dict[str, EnsembleData]:
        """Ensembles of the properties that are asked before the stage at hand, by name."""
        given = self.inputs.get(names.PROPERTIES, {})
        return {name: given[name] for name in self.settings.properties_before(self.stage.name, given)}

    def ask_properties(self) -> Any:
        """Have the ensembles predict all candidates that may enter the stage, at the same time."""
        if not self.may_go_on():
            return None
        pool = {key: node for key, node in self.ctx.waiting["pool"].items() if count_of(node)}
        running = {}
        for name, ensemble in self.asked_properties.items() if pool else ():
            running[f"running.{names.property_call(name)}"] = self.submit(
                PredictShards,
                code=self.inputs.code,
                jobs=self.inputs.jobs,
                ensemble=ensemble,
                cells={key: node for key, node in self.cells().items() if key in pool},
                waiting=pool,
                baseline=orm.Str("none"),
                metadata={"label": f"{self.stage.name}, {name}", "call_link_label": names.property_call(name)},
            )
        return ToContext(**running)

    def require_properties(self) -> ExitCode | None:
        """Let go of candidates that the gate's requirements drop, one requirement after another."""
        running, required = self.ctx.get("running", {}), self.stage.gate.require if self.stage.gate else {}
        waiting = self.waiting_before() if required else {}
        stage = self.stage_node(self.ctx.at["stage"])
        for name, ensemble in self.asked_properties.items():
            node = running.pop(names.property_call(name), None)
            if node is None or (not node.is_finished_ok and not self.may_go_on()):
                continue
            if not node.is_finished_ok:
                why = f"{name}: {why_failed(node)}"
                code: ExitCode = self.exit_codes.ERROR_PREDICTION_FAILED.format(stage=self.stage.name, why=why)
                return code
            asked = {key: one for key, one in waiting.items() if count_of(one)}
            if name not in required or not asked:
                continue
            predictions = {key: node.outputs.predictions[key] for key in asked}
            decided = require_property(stage, orm.Str(name), ensemble, waiting=asked, predictions=predictions)
            self.remember(f"{REQUIRED}{name}", decided)
            waiting = {**waiting, **{key: functions.still_waiting(one) for key, one in decided.items()}}
            text = read_requirement(name, required[name]).text
            counts = [sum(map(count_of, tables.values())) for tables in (decided, asked)]
            self.report(
                f"{self.stage.name} requires {text}: {counts[0]} of {counts[1]} candidates are predicted to be so"
            )
        if required:
            self.ctx.waiting["pool"] = waiting
        return None

    def unmet(self) -> int:
        """Candidates that requirements have dropped so far."""
        steps = {step: tables for step, tables in self.ctx.decided["trail"].items() if REQUIRED in step}
        return sum(count_of(node, "dropped") for tables in steps.values() for node in tables.values())
