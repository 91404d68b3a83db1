"""The contract of every engine: cells and a choice in, labels out, a row for every chosen candidate."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from aiida import orm
from aiida.engine import ExitCode, WorkChain
from pydantic import BaseModel

from aiida_mlhull.calculations.ports import plain_input
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.errors import MlhullError, SettingsError, listed
from aiida_mlhull.science.tables.shown import plainly, sections
from aiida_mlhull.science.types import Candidates
from aiida_mlhull.science.types.strict import Strict, validated


class EngineSettings(Strict):
    """Base of every engine's settings: unknown keys are refused."""


class Engine(WorkChain):
    """Relax the chosen rows of one shard through one stage.

    Whatever happens to a single crystal ends as a row of the labels: an energy, or a failure with its
    reason. Only what concerns the engine as a whole (no code, no record) is an exit code.

    Attributes:
        Settings: the pydantic class of the stage's ``settings``.
        measures_cost: whether its labels carry measured core-minutes.
        needs_cells: whether it starts from cells; one that looks results up by id does not.
        slots_per_job: slots of the daemon that one of its jobs takes, with all that waits for it alone;
            0 for engines that don't run jobs.
    """

    Settings: ClassVar[type[BaseModel]] = EngineSettings
    measures_cost: ClassVar[bool] = True
    needs_cells: ClassVar[bool] = True
    slots_per_job: ClassVar[int] = 1

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare what all engines share."""
        super().define(spec)
        spec.input("cells", valid_type=(CandidatesData, LabelsData), help="The cells that go in.")
        spec.input("chosen", valid_type=DecisionsData, help="The rows to relax are those that it keeps.")
        plain_input(spec, "stage", orm.Dict, validator=cls.validate_stage, help="StageSettings.")
        spec.output(
            "labels",
            valid_type=LabelsData,
            required=False,
            help="One row for every chosen candidate; of a campaign that was told to stop those that were done.",
        )
        spec.output(
            "steps",
            valid_type=LabelsData,
            required=False,
            help="Cells on the way, if the stage keeps them; ids as science.ensembles.steps makes them.",
        )

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
    def keeps_steps(cls, stage: StageSettings) -> bool:  # noqa: ARG003  (others depend on it)
        """Whether the stage hands over its ionic steps, so that models may learn from them."""
        return False

    @classmethod
    def load_inputs(cls, words: Mapping[str, Any]) -> dict[str, Any]:
        """Input nodes of the engine, from what a campaign file holds under ``engines: {NAME: ...}``.

        Args:
            words: keys and plain values.

        Raises:
            SettingsError: if a word is unknown, or what it names doesn't exist.
        """
        if words:
            raise SettingsError(
                f"this engine takes nothing from a campaign file, but was given: {listed(sorted(words))}"
            )
        return {}

    @classmethod
    def check(
        cls, inputs: Mapping[str, Any], candidates: Sequence[Candidates], stages: Sequence[StageSettings]
    ) -> None:
        """Refuse, before a campaign starts, inputs of the engine that can't serve its candidates.

        Args:
            inputs: what the campaign was given for this engine.
            candidates: the campaign's shards.
            stages: those that the engine is to relax.

        Raises:
            InputError: naming what is missing.
        """

    @classmethod
    def shown(cls, stage: StageSettings, inputs: Mapping[str, Any], row: Candidates) -> str:  # noqa: ARG003  (others depend on them)
        """What the calculation of a candidate would be given, as text; nothing is stored.

        Args:
            stage: that it goes through.
            inputs: what the campaign was given for this engine.
            row: the candidate, a table of one row.
        """
        return sections({"settings": plainly(cls.read_settings(stage).model_dump(mode="json"))})

    @cached_property
    def stage(self) -> StageSettings:
        """The stage's settings, checked once per loaded process."""
        return settings_of(self.inputs.stage, StageSettings)

    def refuse(self, error: MlhullError) -> ExitCode:
        """End with the exit code that belongs to ``error``."""
        return ExitCode(error.status, f"{error.label()}: {error}")
