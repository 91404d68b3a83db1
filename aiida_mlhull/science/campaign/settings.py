"""What a campaign file may say, checked before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import Field, field_validator, model_validator

from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.ensembles.rows import Baseline
from aiida_mlhull.science.errors import SettingsError, UnknownNameError, did_you_mean
from aiida_mlhull.science.registry import load_target, plugins
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.triage.base import states_chances
from aiida_mlhull.science.types.strict import Amount, Count, Strict, validated

PROTOCOL_GROUP: Final = "mlhull.protocols"
"""Entry points by which other packages add protocols."""

PROMISES_RECALL: Final = "recall_target"
"""The keep-rule that states how many stable phases may be lost."""


class GateSettings(Strict):
    """How models decide which candidates may enter a stage.

    Attributes:
        rule: name of the keep-rule.
        rule_settings: its settings.
        baseline: what the models' target is measured from: the mixture of the elemental references
            (the target is then the formation energy), the hull of all references (then the distance
            from what is known), or the energy of the stage before (then the correction to it).
        rounds: at most so many times: fit, predict, decide, relax a batch. One round relaxes all that
            the rule keeps, as published by Ekström 2022.
        batch: at most so many relaxations per round.
    """

    rule: str = "two_sigma"
    rule_settings: dict[str, Any] = Field(default_factory=dict)
    baseline: Baseline = "references"
    rounds: Count = 1
    batch: Amount | None = None

    @model_validator(mode="after")
    def _check_rule(self) -> GateSettings:
        self.make_rule()
        return self

    def make_rule(self) -> Any:
        """The keep-rule with its settings.

        Raises:
            UnknownNameError: if there is no such rule.
            SettingsError: if its settings are wrong.
        """
        rule = RULES[self.rule]
        return rule(validated(rule.Settings, self.rule_settings, what=f"keep-rule {self.rule}"))


class MergeSettings(Strict):
    """When two crystals count as the same after a stage.

    Attributes:
        energy_tolerance: eV/atom; further apart they are never compared.
        audit_fraction: share of the merged crystals that are relaxed all the same, to measure how
            often merging was wrong.
    """

    energy_tolerance: float = Field(default=0.002, gt=0)
    audit_fraction: float = Field(default=0.02, ge=0, le=1)


class StageSettings(Strict):
    """One relaxation stage.

    Attributes:
        name: unique in the campaign.
        engine: name of the engine.
        settings: the engine's own settings.
        gate: which candidates may enter; None admits all that came out of the stage before.
        merge: whether crystals that have become the same go on as one.
        core_minutes: nominal cost of one relaxation, for engines that can't measure it.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    engine: str
    settings: dict[str, Any] = Field(default_factory=dict)
    gate: GateSettings | None = None
    merge: MergeSettings | None = None
    core_minutes: float | None = Field(default=None, gt=0)


class StopSettings(Strict):
    """When a campaign in rounds ends before the rule keeps nothing more.

    Attributes:
        quiet_rounds: so many rounds in a row without a new phase on the hull of the results; None goes
            on until the rule keeps nothing.
        min_share: share of the candidates that must be relaxed before quiet rounds count.
        promise: end when the models claim to have found this share of all rows within the rule's window; the budget ends
            the campaign all the same.
    """

    quiet_rounds: Count | None = None
    min_share: float = Field(default=0.0, ge=0, le=1)
    promise: float | None = Field(default=None, gt=0, lt=1)


class CampaignSettings(Strict):
    """The loop: stages, gates, models, budget, seed.

    Attributes:
        name: what the campaign is called in the graph.
        seed: the only source of chance.
        start: so many candidates go through all stages first, so that models have something to learn.
        stages: cheapest first.
        ensemble: the models.
        budget: at most so many relaxations of the last stage, the start set included.
        stop: when to stop early.
    """

    name: str = Field(default="campaign", min_length=1)
    seed: int = Field(default=0, ge=0)
    start: Amount = 60
    stages: tuple[StageSettings, ...] = Field(min_length=1)
    ensemble: EnsembleSettings = Field(default_factory=EnsembleSettings)
    budget: Amount | None = None
    stop: StopSettings = Field(default_factory=StopSettings)

    @field_validator("stages")
    @classmethod
    def _check_stages(cls, stages: tuple[StageSettings, ...]) -> tuple[StageSettings, ...]:
        names = [stage.name for stage in stages]
        if len(set(names)) < len(names):
            raise ValueError(f"stage names must differ: {', '.join(names)}")
        if stages[0].gate is not None and stages[0].gate.baseline == "stage":
            raise ValueError("the first stage has no stage before it that could be its gate's baseline")
        return stages

    @model_validator(mode="after")
    def _members_see_what_is_there(self) -> CampaignSettings:
        looked_at = max((number for view in self.ensemble.views for number in view.energies or ()), default=0)
        for before, stage in pairwise(self.stages):
            told = 1 + len(before.settings.get("also", ()))
            if stage.gate is not None and looked_at >= told:
                raise ValueError(
                    f"a view of the ensemble looks at energy {looked_at} of stage {before.name}, which gives {told} "
                    f"(counted from 0); ask further potentials there, 'also: [...]', or change the views"
                )
        return self

    @model_validator(mode="after")
    def _promises_need_chances(self) -> CampaignSettings:
        silent = [stage.name for stage in self.stages if stage.gate and not states_chances(RULES[stage.gate.rule])]
        if self.stop.promise is not None and silent:
            known = ", ".join(name for name in RULES if states_chances(RULES[name]))
            raise ValueError(
                f"stop.promise adds up chances to lie near the hull, which the rule of stage {silent[0]} doesn't state; "
                f"rules that do: {known}"
            )
        return self

    @model_validator(mode="after")
    def _promises_need_calibration(self) -> CampaignSettings:
        promising = [stage.name for stage in self.stages if stage.gate and stage.gate.rule == PROMISES_RECALL]
        if promising and self.ensemble.calibration == "none":
            raise ValueError(
                f"the gate of stage {promising[0]} promises a recall ({PROMISES_RECALL}), which it can keep with "
                f"calibrated spreads only: set the ensemble's calibration to 'variance' or 'conformal'"
            )
        return self


def protocol_names() -> list[str]:
    """Names of the protocols that the package ships, and of those that other packages add."""
    return sorted({*_shipped_protocols(), *plugins(PROTOCOL_GROUP)})


def _shipped_protocols() -> list[str]:
    folder = resources.files("aiida_mlhull.science.campaign") / "protocols"
    return sorted(Path(entry.name).stem for entry in folder.iterdir() if entry.name.endswith(".yaml"))


def load_protocol(name: str) -> dict[str, Any]:
    """What protocol ``name`` says: its ``description``, and settings still open to overrides.

    Raises:
        UnknownNameError: if there is none of that name.
        SettingsError: if another package's can't be loaded.
    """
    if name not in protocol_names():
        known = protocol_names()
        raise UnknownNameError(f"unknown protocol {name!r}; known: {', '.join(known)}{did_you_mean(name, known)}")
    if name not in _shipped_protocols():
        return _added_protocol(name, plugins(PROTOCOL_GROUP)[name])
    text = (resources.files("aiida_mlhull.science.campaign") / "protocols" / f"{name}.yaml").read_text()
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def _added_protocol(name: str, target: str) -> dict[str, Any]:
    """A protocol of another package: a mapping, or the path of a YAML file.

    Raises:
        SettingsError: if it is neither.
    """
    found = load_target(target, what=f"protocol {name!r}")
    if isinstance(found, str | Path):
        found = yaml.safe_load(Path(found).read_text(encoding="utf-8"))
    if not isinstance(found, Mapping):
        raise SettingsError(f"the plug-in {target}, protocol {name!r}, is neither a mapping nor a file that holds one")
    return {"description": f"Added by {target}.", **found}


def protocol_table() -> list[dict[str, Any]]:
    """Every protocol for people: ``name``, the engines of its ``stages``, its ``models`` and a ``summary``."""
    rows = []
    for name in protocol_names():
        settings = campaign_settings({}, protocol=name)
        asked = any(stage.gate is not None for stage in settings.stages)
        description = " ".join(load_protocol(name)["description"].split())
        rows.append(
            {
                "name": name,
                "stages": [stage.engine for stage in settings.stages],
                "models": f"{settings.ensemble.members} x {settings.ensemble.model}" if asked else "",
                "summary": re.split(r"[.:,] ", description)[0].rstrip("."),
            }
        )
    return rows


def campaign_settings(overrides: Mapping[str, Any], *, protocol: str | None = None) -> CampaignSettings:
    """Settings from a protocol and whatever the user says instead; mappings are merged, lists replaced.

    Stages may be told what differs by their names: ``{"stages": {"final": {"gate": {"batch": 20}}}}``. A stage that
    changes its engine forgets the settings of the one before.

    Raises:
        SettingsError: if they don't add up to a valid campaign.
        UnknownNameError: if the protocol doesn't exist.
    """
    base = load_protocol(protocol) if protocol else {}
    base.pop("description", None)
    return validated(CampaignSettings, changed(base, overrides, what=f"protocol {protocol}"), what="campaign")


def changed(base: Mapping[str, Any], overrides: Mapping[str, Any], *, what: str) -> dict[str, Any]:
    """Settings with others laid over them: mappings are merged, lists replaced, stages changed by their names.

    Args:
        base: keys and values.
        overrides: what is different.
        what: has the base's stages, for messages.

    Raises:
        SettingsError: if a stage is changed that doesn't exist.
    """
    asked = dict(overrides)
    if isinstance(asked.get("stages"), Mapping):
        asked["stages"] = _changed_stages(base.get("stages", []), asked["stages"], what=what)
    return _merged(base, asked)


def _changed_stages(
    stages: Sequence[Mapping[str, Any]], changes: Mapping[str, Any], *, what: str
) -> list[dict[str, Any]]:
    """The protocol's stages, with what is said of each by its name."""
    known = [stage["name"] for stage in stages]
    for name, change in changes.items():
        if name not in known:
            raise SettingsError(
                f"campaign: stages: {what} has no stage {name!r} (stages: {', '.join(known)})"
                f"{did_you_mean(name, known)}"
            )
        if not isinstance(change, Mapping):
            raise SettingsError(f"campaign: stages.{name}: expected keys and values, such as {{gate: {{batch: 20}}}}")
    found = []
    for stage in stages:
        change = changes.get(stage["name"], {})
        other = change.get("engine", stage["engine"]) != stage["engine"]
        kept = {key: value for key, value in stage.items() if not (other and key in {"settings", "core_minutes"})}
        found.append(_merged(kept, change))
    return found


def _merged(base: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    both = dict(base)
    for key, value in overrides.items():
        inner = both.get(key)
        both[key] = _merged(inner, value) if isinstance(inner, Mapping) and isinstance(value, Mapping) else value
    return both
