"""VASP relaxes the chosen crystals: aiida-vasp's WorkChain for each, a few lanes of them side by side.

The WorkChain is ``vasp.vasp`` with an explicit INCAR: one calculation a stage. ``vasp.relax`` around it would add a
static calculation to every relaxation of a cell, and a level to the processes that wait for one another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ToContext
from pydantic import BaseModel

from aiida_mlhull.calculations.functions import extend_labels, still_waiting
from aiida_mlhull.calculations.vasp import share_out
from aiida_mlhull.engines.base import Engine
from aiida_mlhull.engines.vasp.account import is_standin
from aiida_mlhull.engines.vasp.lane import VaspLane, read_row, rows_of, vasp_inputs_of
from aiida_mlhull.engines.vasp.words import load_inputs, missing_potentials
from aiida_mlhull.job_pool.pool import job_settings_input
from aiida_mlhull.job_pool.settings import JobSettings, why_failed
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.errors import MissingPotentialError, listed
from aiida_mlhull.science.not_vasp import NOT_VASP
from aiida_mlhull.science.types import Candidates
from aiida_mlhull.science.vasp.outcome import Account
from aiida_mlhull.science.vasp.settings import VaspSettings, VaspStep, read_step


class VaspEngine(Engine):
    """One calculation a candidate, as many at once as ``max_in_flight`` says; whatever becomes of it is a row.

    Names in the context:
        shares: chosen rows by lane.
        lanes: the lanes' processes.
    """

    Settings: ClassVar[type[BaseModel]] = VaspSettings
    slots_per_job: ClassVar[int] = 3  # lane, aiida-vasp's WorkChain, its calculation

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare what VASP needs, and the lanes."""
        super().define(spec)
        vasp_inputs_of(spec)
        job_settings_input(spec)
        spec.outline(cls.share_out, cls.run_lanes, cls.finish)

    @classmethod
    def read_settings(cls, stage: StageSettings) -> Any:
        """The stage's settings; the protocol's step behind them has to exist.

        Raises:
            SettingsError: if they are wrong.
            UnknownNameError: if there is no such protocol or step.
        """
        settings = super().read_settings(stage)
        read_step(settings, stage=stage.name)
        return settings

    @classmethod
    def asked(cls, stage: StageSettings) -> VaspStep:
        """The calculation that a stage asks for."""
        return read_step(cls.read_settings(stage), stage=stage.name)

    @classmethod
    def keeps_steps(cls, stage: StageSettings) -> bool:
        """Whether the stage's settings say so."""
        return cls.asked(stage).keep_steps

    @classmethod
    def scheme(cls, stage: StageSettings, inputs: Mapping[str, Any]) -> str:  # noqa: ARG003  (others depend on them)
        """The protocol's, with the corrections that the stage asks for."""
        return cls.asked(stage).full_scheme

    @classmethod
    def load_inputs(cls, words: Mapping[str, Any]) -> dict[str, Any]:
        """Code, family of potentials and options, as a campaign file gives them."""
        return load_inputs(words)

    @classmethod
    def check(
        cls, inputs: Mapping[str, Any], candidates: Sequence[Candidates], stages: Sequence[StageSettings]
    ) -> None:
        """Refuse a family that lacks potentials.

        Raises:
            MissingPotentialError: naming them.
        """
        missing = missing_potentials(
            inputs["potential_family"].value, candidates, [cls.asked(stage) for stage in stages]
        )
        if missing:
            raise MissingPotentialError(
                f"the potential family {inputs['potential_family'].value!r} lacks {listed(missing)}; upload them with "
                f"'aiida-vasp potcar uploadfamily', or name others in the stage's settings (elements: potential)"
            )

    def share_out(self) -> None:
        """Give every lane about as much work; if this is a rehearsal, say so."""
        if is_standin(self.inputs.code):
            self.report(f"stage {self.stage.name} is a rehearsal: {self.inputs.code.full_label} is {NOT_VASP}")
        most = JobSettings.model_validate(self.inputs.jobs.get_dict()).max_in_flight
        self.ctx.shares = share_out(self.inputs.cells, self.inputs.chosen, orm.Int(most))

    def run_lanes(self) -> Any:
        """Send all of them off."""
        own = {
            key: self.inputs[key]
            for key in ("code", "potential_family", "options", "jobs", "references")
            if key in self.inputs
        }
        lanes = {
            key: self.submit(
                VaspLane,
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
            for output, found in parts.items():
                if output in lane.outputs:
                    found[key] = lane.outputs[output]
                elif not lane.is_finished_ok:
                    found |= {f"{key}_{row}": table for row, table in rows_of(lane, output).items()}
        for key, table in rows_of(self.node, "labels").items():
            parts["labels"][f"lost_{key}"] = table
        for output, found in parts.items():
            if found:
                self.out(output, extend_labels(**found) if len(found) > 1 else next(iter(found.values())))

    def _give_up(self, lane: orm.ProcessNode, share: Any) -> None:
        """Read the rows that a lane didn't come to as lost."""
        done = rows_of(lane, "labels")
        rest = still_waiting(share, **({"done": extend_labels(**done)} if done else {}))
        waiting = rest.to_science()
        account = Account(chain_status=None, chain_message=f"its lane was lost: {why_failed(lane)}")
        for name in waiting.ids[waiting.keep].tolist():
            read_row(self.inputs, name, account, {})
