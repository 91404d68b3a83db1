"""What a campaign that goes on from an earlier one may change, and what of the earlier one then still counts."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import Field, field_validator

from aiida_mlhull.science.campaign.file import (
    CandidatesSources,
    EnsemblesOfProperties,
    ReferencesPlace,
    ResultsPlace,
    pks_as_text,
    read_mapping,
    results_in,
)
from aiida_mlhull.science.campaign.settings import CampaignSettings, changed
from aiida_mlhull.science.errors import InputError, SettingsError
from aiida_mlhull.science.reading.sieve import BadRows
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.strict import Amount, Strict, validated

RETRIED: Final = (str(Reason.ENGINE_ERROR.value), str(Reason.MISSING_POTENTIAL.value))
"""Failures that say nothing about the crystal: they are tried again unless something else is said."""


class Extension(Strict):
    """What is different from the earlier campaign; everything else stays.

    Attributes:
        name: of the new campaign; the earlier one's with the next number if None.
        budget: at most so many relaxations of the last stage, the earlier ones included.
        rule: keep-rule of all gates.
        rule_settings: its settings.
        candidates: more of them, at one place or several.
        bad_rows: whether rows that can't be used are an error or left out and counted.
        references: known phases instead of the earlier ones.
        results: calculations that were done elsewhere, by the stage whose results they are, as in a campaign file; where
            the earlier campaign has a result of its own that has not failed, that one counts.
        properties: ensembles of properties that are asked as well, or instead of the earlier one of that name.
        retry: codes of failures that are tried again.
        jobs: sizes and limits of jobs that differ.
        overrides: campaign settings that differ; mappings are merged, lists replaced.
    """

    name: str | None = Field(default=None, min_length=1)
    budget: Amount | None = None
    rule: str | None = None
    rule_settings: dict[str, Any] = Field(default_factory=dict)
    candidates: CandidatesSources = ()
    bad_rows: BadRows = "refuse"
    references: ReferencesPlace | None = None
    results: dict[str, ResultsPlace] = Field(default_factory=dict)
    properties: EnsemblesOfProperties = Field(default_factory=dict)
    retry: tuple[str, ...] = RETRIED
    jobs: dict[str, Any] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)

    @field_validator("properties", mode="before")
    @classmethod
    def _pks_as_text(cls, value: Any) -> Any:
        return pks_as_text(value)

    @field_validator("retry")
    @classmethod
    def _known_reasons(cls, codes: tuple[str, ...]) -> tuple[str, ...]:
        known = {str(reason.value) for reason in Reason}
        unknown = [code for code in codes if code not in known and not code.startswith("x_")]
        if unknown:
            raise ValueError(f"no reason of that code: {', '.join(unknown)}; see docs/reference/reasons.md")
        return codes

    def settings(self, earlier: Mapping[str, Any]) -> CampaignSettings:
        """The new campaign's settings.

        Args:
            earlier: the earlier campaign's, as they are stored.

        Raises:
            SettingsError: if they don't add up.
        """
        content = changed(earlier, self.overrides, what=f"campaign {earlier['name']}")
        content["name"] = self.name or next_name(str(content["name"]))
        if self.budget is not None:
            content["budget"] = self.budget
        if self.rule is not None:
            gate = {"rule": self.rule, "rule_settings": self.rule_settings}
            content["stages"] = [
                {**stage, "gate": {**stage["gate"], **gate}} if stage.get("gate") else stage
                for stage in content["stages"]
            ]
        elif self.rule_settings:
            raise SettingsError("rule_settings without a rule: say which one with 'rule'")
        return validated(CampaignSettings, content, what="extension")


def read_extension(path: Path) -> Extension:
    """Read what is different from a YAML file; paths in it are relative to its folder.

    Raises:
        WireError: if the file is missing or can't be read.
        SettingsError: if it is not valid.
    """
    return check_extension(read_mapping(path), folder=path.resolve().parent, name=path.name)


def check_extension(content: Mapping[str, Any], *, folder: Path, name: str = "extension") -> Extension:
    """Check what is different, wherever it comes from.

    Args:
        content: keys and values.
        folder: that its paths are relative to.
        name: for messages.

    Raises:
        SettingsError: if it is not valid.
    """
    content = {key: results_in(value, folder) if key == "results" else value for key, value in content.items()}
    checked = validated(Extension, content, what=name)
    places = [place.model_copy(update={"file": _in(folder, place.file)}) for place in checked.candidates]
    known = checked.references
    if known is not None:
        known = known.model_copy(update={"file": _in(folder, known.file), "elements": _in(folder, known.elements)})
    return checked.model_copy(update={"candidates": tuple(places), "references": known})


def _in(folder: Path, path: Path | None) -> Path | None:
    return None if path is None else folder / path.expanduser()


def next_name(name: str) -> str:
    """``nitrides-2`` after ``nitrides``, ``nitrides-3`` after that."""
    found = re.fullmatch(r"(.+)-(\d+)", name)
    return f"{name}-2" if found is None else f"{found[1]}-{int(found[2]) + 1}"


def stages_kept(earlier: CampaignSettings, later: CampaignSettings) -> list[str]:
    """Stages whose results still count, because they are done in the same way.

    Raises:
        InputError: if the last stage is another one: no result could be taken over.
    """
    before = {stage.name: (stage.engine, stage.settings) for stage in earlier.stages}
    kept = [stage.name for stage in later.stages if before.get(stage.name) == (stage.engine, stage.settings)]
    last = later.stages[-1].name
    if last not in kept:
        raise InputError(
            f"the last stage, {last}, is done otherwise than in campaign {earlier.name}, so none of its results could "
            f"be taken over: launch a new campaign"
        )
    return kept


def gates_kept(earlier: CampaignSettings, later: CampaignSettings) -> list[str]:
    """Stages whose gate is the same as before."""
    before = {stage.name: stage.gate for stage in earlier.stages}

    def rule_of(gate: Any) -> Any:
        return None if gate is None else (gate.rule, gate.rule_settings, gate.baseline, gate.ensembles, gate.require)

    return [stage.name for stage in later.stages if rule_of(before.get(stage.name)) == rule_of(stage.gate)]


def requirements_kept(earlier: CampaignSettings, later: CampaignSettings) -> list[str]:
    """Stages whose gate requires the same of properties as before: what was drawn or chosen there may still enter."""
    before = {stage.name: {} if stage.gate is None else stage.gate.require for stage in earlier.stages}
    return [one.name for one in later.stages if one.gate is not None and before.get(one.name, {}) == one.gate.require]
