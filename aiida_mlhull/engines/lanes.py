"""Engines that calculate one crystal at a time, in a few lanes side by side."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from aiida import orm
from aiida.common.exceptions import MultipleObjectsError, NotExistent
from aiida.engine import ToContext

from aiida_mlhull.calculations.functions import extend_labels, still_waiting
from aiida_mlhull.calculations.lanes import share_out
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.engines.base import Engine
from aiida_mlhull.job_pool.lane import DEFAULT_OPTIONS, Lane, lane_inputs_of, rows_read
from aiida_mlhull.job_pool.options import check_options, check_plugin
from aiida_mlhull.job_pool.settings import JobSettings, why_failed
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.dft.account import Account
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.representations.composition import elements_of
from aiida_mlhull.science.types import Candidates


class LaneEngine(Engine):
    """One calculation for each candidate, as many at once as ``max_in_flight`` says; whatever becomes of it is a row.

    Attributes:
        lane_class: what works off a share of the candidates.
        read_step: from settings and the stage's name to the calculation that they amount to.
        handed_on: inputs of the engine that its lanes get.

    Names in the context:
        shares: chosen rows by lane.
        lanes: the lanes, by the same keys.
    """

    lane_class: ClassVar[type[Lane]]
    read_step: ClassVar[Callable[..., Any]]
    handed_on: ClassVar[tuple[str, ...]] = ("code", "options", "jobs", "references")
    slots_per_job: ClassVar[int] = 3  # lane, the plug-in's WorkChain, its calculation

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the program, and the lanes."""
        super().define(spec)
        lane_inputs_of(spec)
        spec.outline(cls.share_out, cls.run_lanes, cls.finish)

    @classmethod
    def read_settings(cls, stage: StageSettings) -> Any:
        """The stage's settings; the protocol's step behind them has to exist.

        Raises:
            SettingsError: if they are wrong.
            UnknownNameError: if there is no such protocol or step.
        """
        settings = super().read_settings(stage)
        cls.read_step(settings, stage=stage.name)
        return settings

    @classmethod
    def asked(cls, stage: StageSettings) -> Any:
        """The calculation that a stage asks for."""
        return cls.read_step(cls.read_settings(stage), stage=stage.name)

    @classmethod
    def keeps_steps(cls, stage: StageSettings) -> bool:
        """Whether the stage's settings say so."""
        return bool(cls.asked(stage).keep_steps)

    @classmethod
    def check_calculation(
        cls, inputs: Mapping[str, Any], options: Mapping[str, Mapping[str, Any]], *, plugin: str
    ) -> None:
        """Refuse a code of another program, and options that its scheduler can't take.

        Args:
            inputs: what the campaign was given for this engine.
            options: those that stages have of their own, by stage.
            plugin: AiiDA's name of the program's calculations.

        Raises:
            SettingsError: naming what is wrong.
        """
        code = inputs["code"]
        check_plugin(code, plugin, what="engines")
        given = inputs["options"].get_dict() if "options" in inputs else {}
        for stage, own in options.items():
            check_options({**given, **own}, code, what=f"stage {stage}")

    def share_out(self) -> None:
        """Give every lane about as much work."""
        most = settings_of(self.inputs.jobs, JobSettings).max_in_flight
        self.ctx.shares = share_out(self.inputs.cells, self.inputs.chosen, orm.Int(most))

    def run_lanes(self) -> Any:
        """Send all of them off."""
        own = {key: self.inputs[key] for key in self.handed_on if key in self.inputs}
        lanes = {
            key: self.submit(
                self.lane_class,
                cells=self.inputs.cells,
                stage=self.inputs.stage,
                chosen=share,
                metadata={"label": f"{self.stage.name} {key}"},
                **own,
            )
            for key, share in self.ctx.shares.items()
        }
        return ToContext(**{f"lanes.{key}": lane for key, lane in lanes.items()})

    def finish(self) -> None:
        """Hand over all rows; those that a lost lane didn't come to are failures with its reason."""
        parts: dict[str, dict[str, Any]] = {"labels": {}, "steps": {}}
        for key, share in self.ctx.shares.items():
            lane = self.ctx.lanes[key]
            if not lane.is_finished_ok:
                self.report(f"{key} was lost: {why_failed(lane)}")
                self._give_up(lane, share)
            for output, tables in parts.items():
                if output in lane.outputs:
                    tables[key] = lane.outputs[output]
                elif not lane.is_finished_ok:
                    tables |= {f"{key}_{row}": table for row, table in self._read_by(lane, output).items()}
        for key, table in self._read_by(self.node, "labels").items():
            parts["labels"][f"lost_{key}"] = table
        for output, tables in parts.items():
            if tables:
                self.out(output, extend_labels(**tables) if len(tables) > 1 else next(iter(tables.values())))

    def _give_up(self, lane: orm.ProcessNode, share: Any) -> None:
        """Read the rows that a lane didn't come to as lost."""
        done = self._read_by(lane, "labels")
        rest = still_waiting(share, **({"done": extend_labels(**done)} if done else {}))
        waiting = rest.to_science()
        account = Account(chain_status=None, chain_message=f"its lane was lost: {why_failed(lane)}")
        for name in waiting.ids[waiting.keep].tolist():
            self.lane_class.row(self.inputs, name, account, {})

    def _read_by(self, node: orm.ProcessNode, output: str) -> dict[str, Any]:
        return rows_read(node, output, reader=self.lane_class.reader)


def usable_code(label: str, *, what: str, advice: str = "") -> orm.AbstractCode:
    """The code of that name.

    Args:
        label: AiiDA's name of it: ``vasp@cluster``.
        what: where it is named, for messages: ``"engines.vasp"``.
        advice: how to make one.

    Raises:
        SettingsError: if there is none, or its computer can't be used.
    """
    try:
        code = orm.load_code(label)
    except (NotExistent, MultipleObjectsError, ValueError) as error:
        raise SettingsError(
            f"{what}: no code {label!r} ({error}); 'verdi code list' shows those that are{advice}"
        ) from None
    if code.computer is not None and not code.computer.is_configured:
        raise SettingsError(
            f"{what}: the computer of code {label!r} is not configured: 'verdi computer configure "
            f"{code.computer.transport_type} {code.computer.label}'"
        )
    return code


def options_node(options: Mapping[str, Any]) -> orm.Dict:
    """The scheduler's options with defaults for what is not said."""
    return orm.Dict({**DEFAULT_OPTIONS, **options})


def elements_in(candidates: Sequence[Candidates]) -> list[str]:
    """Symbols of all elements of all shards, in alphabetical order."""
    return sorted({element for shard in candidates for element in elements_of(shard.formulas.tolist())})
