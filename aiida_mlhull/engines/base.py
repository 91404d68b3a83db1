"""The contract of every engine: cells and a choice in, labels out, a row for every chosen candidate."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode, WorkChain
from pydantic import BaseModel, ConfigDict

from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData
from aiida_mlhull.science.campaign.settings import StageSettings, validated
from aiida_mlhull.science.errors import MlhullError
from aiida_mlhull.science.types import Candidates


class EngineSettings(BaseModel):
    """Base of every engine's settings: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Engine(WorkChain):
    """Relax the chosen rows of one shard through one stage.

    Whatever happens to a single crystal ends as a row of the labels: an energy, or a failure with its
    reason. Only what concerns the engine as a whole (no code, no record) is an exit code.

    Attributes:
        Settings: the pydantic class of the stage's ``settings``.
        measures_cost: whether its labels carry measured core-minutes.
    """

    Settings: ClassVar[type[BaseModel]] = EngineSettings
    measures_cost: ClassVar[bool] = True

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare what all engines share."""
        super().define(spec)
        spec.input("cells", valid_type=(CandidatesData, LabelsData), help="The cells that go in.")
        spec.input("chosen", valid_type=DecisionsData, help="The rows to relax are those that it keeps.")
        spec.input("stage", valid_type=orm.Dict, validator=cls.validate_stage, help="The stage's settings.")
        spec.output("labels", valid_type=LabelsData, help="One row for every chosen candidate.")

    @classmethod
    def validate_stage(cls, stage: orm.Dict, _: Any) -> str | None:
        """Check the stage's settings before the engine is launched."""
        try:
            cls.read_settings(StageSettings.model_validate(stage.get_dict()))
        except (MlhullError, ValueError) as error:
            return str(error)
        return None

    @classmethod
    def read_settings(cls, stage: StageSettings) -> Any:
        """The engine's own settings out of the stage's.

        Raises:
            SettingsError: if they are wrong.
        """
        return validated(cls.Settings, stage.settings, what=f"stage {stage.name}, engine {stage.engine}")

    @classmethod
    @abstractmethod
    def scheme(cls, stage: StageSettings, inputs: Mapping[str, Any]) -> str:
        """Functional, settings and corrections of the energies it will give, known before anything runs."""

    @classmethod
    def check(cls, inputs: Mapping[str, Any], candidates: Sequence[Candidates]) -> None:
        """Refuse, before a campaign starts, inputs of the engine that can't serve its candidates.

        Args:
            inputs: what the campaign was given for this engine.
            candidates: the campaign's shards.

        Raises:
            InputError: naming what is missing.
        """

    @property
    def stage(self) -> StageSettings:
        """The stage's settings."""
        return StageSettings.model_validate(self.inputs.stage.get_dict())

    def refuse(self, error: MlhullError) -> ExitCode:
        """End with the exit code that belongs to ``error``."""
        return ExitCode(error.status, f"{error.label()}: {error}")
