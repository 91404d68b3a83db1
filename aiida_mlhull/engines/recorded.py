"""Published results instead of calculations: campaigns are replayed against the truth on the production path."""

from __future__ import annotations

from typing import Any, ClassVar

from aiida.engine import ExitCode
from pydantic import BaseModel

from aiida_mlhull.calculations.functions import look_up
from aiida_mlhull.data import LabelsData
from aiida_mlhull.engines.base import Engine, EngineSettings
from aiida_mlhull.science.errors import TableError, listed


class RecordedSettings(EngineSettings):
    """The record says everything: there is nothing to set."""


class RecordedEngine(Engine):
    """Returns what the record holds for the chosen ids."""

    Settings: ClassVar[type[BaseModel]] = RecordedSettings
    measures_cost: ClassVar[bool] = False

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the record, and one step."""
        super().define(spec)
        spec.input("record", valid_type=LabelsData, help="Published results for (at least) the chosen ids.")
        spec.outline(cls.check_record, cls.look_up)

    def check_record(self) -> ExitCode | None:
        """Refuse a record that lacks a chosen id."""
        chosen = self.inputs.chosen.to_science()
        wanted = chosen.ids[chosen.keep]
        known = self.inputs.record.to_science().has(wanted)
        if known.all():
            return None
        return self.refuse(TableError(f"the record has no result for: {listed(wanted[~known])}"))

    def look_up(self) -> None:
        """Copy the chosen rows out of the record."""
        self.out("labels", look_up(self.inputs.record, self.inputs.chosen, self.inputs.stage))
