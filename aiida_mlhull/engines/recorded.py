"""Published results instead of calculations: campaigns are replayed against the truth on the production path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from aiida.engine import ExitCode
from pydantic import BaseModel

from aiida_mlhull.calculations.functions import look_up
from aiida_mlhull.data import LabelsData
from aiida_mlhull.engines.base import Engine, EngineSettings
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import Candidates, Labels


class RecordedSettings(EngineSettings):
    """The record holds everything: there is nothing to set."""


class RecordedEngine(Engine):
    """Returns what the record holds for the chosen ids; the context holds nothing."""

    Settings: ClassVar[type[BaseModel]] = RecordedSettings
    measures_cost: ClassVar[bool] = False
    slots_per_job: ClassVar[int] = 0

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the record, and one step."""
        super().define(spec)
        spec.input("record", valid_type=LabelsData, help="Published results for (at least) the chosen ids.")
        spec.outline(cls.check_chosen, cls.look_up)

    @classmethod
    def scheme(cls, stage: StageSettings, inputs: Mapping[str, Any]) -> str:  # noqa: ARG003  (others depend on it)
        """The record's."""
        scheme: str = inputs["record"].base.attributes.get("scheme")
        return scheme

    @classmethod
    def check(
        cls,
        inputs: Mapping[str, Any],
        candidates: Sequence[Candidates],
        stages: Sequence[StageSettings],  # noqa: ARG003  (others depend on them)
    ) -> None:
        """Refuse a record that lacks candidates, or knows them as other compounds.

        Raises:
            TableError: naming the candidates.
        """
        record = inputs["record"].to_science()
        lacking = [name for shard in candidates for name in shard.ids[~record.has(shard.ids)].tolist()]
        if lacking:
            raise TableError(f"the record has no result for {len(lacking)} candidates: {listed(lacking)}")
        others = [pair for shard in candidates for pair in _other_compounds(shard, record.select(shard.ids))]
        if others:
            raise TableError(f"the record knows {len(others)} candidates as other compounds: {listed(others)}")

    def check_chosen(self) -> ExitCode | None:
        """Refuse a record that lacks a chosen id."""
        chosen = self.inputs.chosen.to_science()
        wanted = chosen.ids[chosen.keep]
        known = self.inputs.record.to_science().has(wanted)
        if known.all():
            return None
        lacking = wanted[~known]
        return self.refuse(TableError(f"the record has no result for {len(lacking)} candidates: {listed(lacking)}"))

    def look_up(self) -> None:
        """Copy the chosen rows out of the record."""
        self.out("labels", look_up(self.inputs.record, self.inputs.chosen, self.inputs.stage))


def _other_compounds(shard: Candidates, known: Labels) -> list[str]:
    """Candidates whose results are of another composition, in words."""
    _, which = distinct([*shard.formulas.tolist(), *known.formulas.tolist()])
    rows = np.flatnonzero(which[: len(shard)] != which[len(shard) :]).tolist()
    return [f"{shard.ids[row]} ({shard.formulas[row]} is {known.formulas[row]} there)" for row in rows]
