"""Published results instead of calculations: campaigns are replayed against the truth on the production path.

A record of one stage is one table, one of several stages a table for each, under the stage's name.
"""

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
from aiida_mlhull.science.errors import InputError, TableError, listed
from aiida_mlhull.science.reading.levels.staged import describe_gaps, missing_rows
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import Candidates, Labels


class RecordedSettings(EngineSettings):
    """The record holds everything: there is nothing to set."""


class RecordedEngine(Engine):
    """Returns what the record holds for the chosen ids; the context holds nothing."""

    Settings: ClassVar[type[BaseModel]] = RecordedSettings
    measures_cost: ClassVar[bool] = False
    needs_cells: ClassVar[bool] = False
    slots_per_job: ClassVar[int] = 0

    @classmethod
    def define(cls, spec: Any) -> None:
        """Declare the record, and one step."""
        super().define(spec)
        spec.input("record", valid_type=LabelsData, required=False, help="Published results of one stage.")
        spec.input_namespace(
            "levels", dynamic=True, required=False, valid_type=LabelsData, help="Published results by stage."
        )
        spec.outline(cls.check_chosen, cls.look_up)

    @classmethod
    def scheme(cls, stage: StageSettings, inputs: Mapping[str, Any]) -> str:
        """The record's."""
        scheme: str = record_of(stage.name, inputs).base.attributes.get("scheme")
        return scheme

    @classmethod
    def shown(cls, stage: StageSettings, inputs: Mapping[str, Any], row: Candidates) -> str:  # noqa: ARG003
        """Where the result comes from."""
        return "  nothing is calculated: the result is looked up in the record"

    @classmethod
    def check(
        cls,
        inputs: Mapping[str, Any],
        candidates: Sequence[Candidates],
        stages: Sequence[StageSettings],
    ) -> None:
        """Refuse a record that lacks candidates, or knows them as other compounds.

        Candidates that failed at one stage need no row of those after it.

        Raises:
            InputError: if there is no record, or one table is to answer for several stages.
            TableError: naming the candidates.
        """
        check_stages(stages, inputs)
        nodes = [record_of(stage.name, inputs) for stage in stages] if inputs.get("levels") else [inputs["record"]]
        levels = [node.to_science() for node in nodes]
        gaps = missing_rows(np.concatenate([shard.ids for shard in candidates]), levels)
        if gaps and len(levels) == 1:
            lacking = next(iter(gaps.values())).tolist()
            raise TableError(f"the record has no result for {len(lacking)} candidates: {listed(lacking)}")
        if gaps:
            raise TableError(f"the record is not whole: {describe_gaps(gaps)}")
        others = [
            pair
            for record in levels
            for shard in candidates
            for pair in _other_compounds(shard.select(shard.ids[record.has(shard.ids)]), record)
        ]
        if others:
            raise TableError(f"the record knows {len(others)} candidates as other compounds: {listed(others)}")

    @property
    def record(self) -> LabelsData:
        """What is known of this stage."""
        return record_of(self.stage.name, self.inputs)

    def check_chosen(self) -> ExitCode | None:
        """Refuse a record that lacks a chosen id."""
        chosen = self.inputs.chosen.columns("ids", "keep")
        wanted = chosen["ids"][chosen["keep"]]
        known = np.isin(wanted, self.record.rows(wanted).ids)
        if known.all():
            return None
        lacking = wanted[~known]
        return self.refuse(TableError(f"the record has no result for {len(lacking)} candidates: {listed(lacking)}"))

    def look_up(self) -> None:
        """Copy the chosen rows out of the record."""
        self.out("labels", look_up(self.record, self.inputs.chosen, self.inputs.stage))


def check_stages(stages: Sequence[StageSettings], inputs: Mapping[str, Any]) -> None:
    """Refuse a record that can't answer for these stages.

    Raises:
        InputError: if there is none, one table is to answer for several stages, or levels have other names.
    """
    names = [stage.name for stage in stages]
    levels = inputs.get("levels") or {}
    if levels:
        lacking = [name for name in names if name not in levels]
        if lacking:
            raise InputError(
                f"the record has no level for the stages {listed(lacking)}; it has {listed(sorted(levels))}"
            )
    elif "record" not in inputs:
        raise InputError("engines.recorded needs a record: 'record' of one stage, or 'levels' by stage")
    elif len(names) > 1:
        raise InputError(f"a record knows one stage, but several look it up: {listed(names)}; give one for each")


def record_of(stage: str, inputs: Mapping[str, Any]) -> LabelsData:
    """What is known of a stage, in the engine's inputs."""
    levels = inputs.get("levels") or {}
    table: LabelsData = levels[stage] if stage in levels else inputs["record"]
    return table


def _other_compounds(shard: Candidates, known: Labels) -> list[str]:
    """Candidates whose results are of another composition, in words."""
    known = known.select(shard.ids)
    _, which = distinct([*shard.formulas.tolist(), *known.formulas.tolist()])
    rows = np.flatnonzero(which[: len(shard)] != which[len(shard) :]).tolist()
    return [f"{shard.ids[row]} ({shard.formulas[row]} is {known.formulas[row]} there)" for row in rows]
