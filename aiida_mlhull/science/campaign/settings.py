"""What a campaign file may say, checked before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Final

import yaml
from pydantic import Field, StringConstraints, field_validator, model_validator

from aiida_mlhull.science.ensembles import EnsembleSettings, needed_labels
from aiida_mlhull.science.ensembles.rows import Baseline
from aiida_mlhull.science.errors import SettingsError, UnknownNameError, did_you_mean, listed
from aiida_mlhull.science.registry import load_target, plugins
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.triage.base import rule_called, states_chances
from aiida_mlhull.science.triage.requirements import read_requirement
from aiida_mlhull.science.types.strict import Amount, Count, Strict, validated

PROTOCOL_GROUP: Final = "mlhull.protocols"
"""Entry points by which other packages add protocols."""

PROMISES_RECALL: Final = "recall_target"
"""The keep-rule that states how many stable phases may be lost."""

COMMITTEE: Final = "committee"
"""The keep-rule that combines several ensembles."""

UNNAMED: Final = ""
"""What the ensemble of a campaign goes by that has a single one."""

EnsembleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9]*(_[a-z0-9]+)*$")]
"""Part of links in the graph: two underscores would part names there."""


class GateSettings(Strict):
    """How models decide which candidates may enter a stage.

    Attributes:
        rule: name of the keep-rule.
        rule_settings: its settings.
        baseline: what the models' target is measured from: the mixture of the elemental references
            (the target is then the formation energy), the hull of all references (then the distance
            from what is known), or the energy of the stage before (then the correction to it).
        ensembles: names of the ensembles that decide here, of a campaign that has several; empty: all of them. The rule
            ``committee`` combines them; other rules go by one.
        require: what candidates have to be predicted to be before the rule is asked, by the name of a property of the
            campaign file: ``{gap: "> 1.0 eV", metal: "P(metal) < 0.5"}``; all of it has to hold.
        rounds: at most so many times: fit, predict, decide, relax a batch. One round relaxes all that
            the rule keeps, as published by Ekström 2022.
        batch: at most so many relaxations per round.
    """

    rule: str = "two_sigma"
    rule_settings: dict[str, Any] = Field(default_factory=dict)
    baseline: Baseline = "references"
    ensembles: tuple[EnsembleName, ...] = ()
    require: dict[EnsembleName, str] = Field(default_factory=dict)
    rounds: Count = 1
    batch: Amount | None = None

    @model_validator(mode="after")
    def _check_rule(self) -> GateSettings:
        self.make_rule()
        try:
            for name, said in self.require.items():
                read_requirement(name, said)
        except SettingsError as error:
            raise ValueError(f"require: {error}") from error
        return self

    def make_rule(self) -> Any:
        """The keep-rule with its settings; errors are those of :func:`~aiida_mlhull.science.triage.base.rule_called`."""
        return rule_called(self.rule, self.rule_settings)

    @property
    def promises_recall(self) -> bool:
        """Whether its rule, or that of its committee, states how many stable phases may be lost."""
        inner = self.rule_settings.get("rule") if self.rule == COMMITTEE else None
        return PROMISES_RECALL in (self.rule, inner)


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
        ensemble: the models, where there is a single ensemble, which needs no name.
        ensembles: several ensembles by name instead, each with settings of its own: all that a gate names are fitted and
            asked in every round before it, and the rule ``committee`` combines what they say.
        budget: at most so many relaxations of the last stage, the start set included.
        stop: when to stop early.
    """

    name: str = Field(default="campaign", min_length=1)
    seed: int = Field(default=0, ge=0)
    start: Amount = 60
    stages: tuple[StageSettings, ...] = Field(min_length=1)
    ensemble: EnsembleSettings | None = Field(default_factory=EnsembleSettings)
    ensembles: dict[EnsembleName, EnsembleSettings] = Field(default_factory=dict)
    budget: Amount | None = None
    stop: StopSettings = Field(default_factory=StopSettings)

    @property
    def by_name(self) -> dict[str, EnsembleSettings]:
        """The ensembles by name, in alphabetical order; a single one without a name goes by :data:`UNNAMED`."""
        if self.ensemble is not None:
            return {UNNAMED: self.ensemble}
        return {name: self.ensembles[name] for name in sorted(self.ensembles)}

    def asked_before(self, stage: str) -> dict[str, EnsembleSettings]:
        """The ensembles that decide before a stage, by name; none where it has no gate."""
        gate = next(one.gate for one in self.stages if one.name == stage)
        if gate is None:
            return {}
        return {name: one for name, one in self.by_name.items() if not gate.ensembles or name in gate.ensembles}

    def properties_before(self, stage: str, known: Iterable[str]) -> list[str]:
        """Which properties are asked before a stage: those that its gate requires, before the first gate also those that none does."""
        gates = {one.name: one.gate.require for one in self.stages if one.gate is not None}
        required = {name for by_name in gates.values() for name in by_name}
        free = set(known) - required if next(iter(gates), None) == stage else set()
        return sorted(name for name in known if name in gates.get(stage, {}) or name in free)

    @property
    def needed_labels(self) -> int:
        """So many labels every ensemble can learn from."""
        return max(needed_labels(one) for one in self.by_name.values())

    @property
    def models(self) -> str:
        """The ensembles in words: ``4 x trees_gp``, or ``cgcnn_d: 5 x cgcnn, wren: 5 x wren``."""
        return ", ".join(
            f"{name}: {one.members} x {one.model}" if name else f"{one.members} x {one.model}"
            for name, one in self.by_name.items()
        )

    @property
    def kinds_of_models(self) -> str:
        """``trees_gp``, or ``cgcnn+wren`` where there are several."""
        return "+".join(sorted({one.model for one in self.by_name.values()}))

    @model_validator(mode="before")
    @classmethod
    def _one_or_several(cls, content: Any) -> Any:
        if not isinstance(content, Mapping) or not content.get("ensembles"):
            return content
        if content.get("ensemble") is not None:
            raise ValueError("'ensemble' is for a single one, 'ensembles' for several by name: give one of the two")
        return {**content, "ensemble": None}

    @model_validator(mode="after")
    def _gates_name_ensembles(self) -> CampaignSettings:
        if not self.by_name:
            raise ValueError("no ensemble: leave 'ensemble' out for the default one, or name several in 'ensembles'")
        for stage in self.stages:
            if stage.gate is not None:
                self._check_asked(stage.name, stage.gate)
        return self

    def _check_asked(self, stage: str, gate: GateSettings) -> None:
        unknown = [name for name in gate.ensembles if name not in self.ensembles]
        if unknown:
            known = listed(sorted(self.ensembles)) if self.ensembles else "none has a name"
            raise ValueError(
                f"the gate of stage {stage} names ensembles that there aren't: {listed(unknown)} ({known})"
            )
        asked = self.asked_before(stage)
        if len(asked) > 1 and gate.rule != COMMITTEE:
            raise ValueError(
                f"the rule {gate.rule} before stage {stage} goes by one ensemble, not by {listed(sorted(asked))}: name "
                f"one with 'ensembles' in its gate, or combine them with the rule {COMMITTEE}"
            )
        if self.ensembles and gate.rule == COMMITTEE and gate.rule_settings.get("sizes"):
            raise ValueError(f"the ensembles before stage {stage} have names: leave the committee's 'sizes' out")

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
        for before, stage in pairwise(self.stages):
            views = [view for one in self.asked_before(stage.name).values() for view in one.views]
            looked_at = max((number for view in views for number in view.energies or ()), default=0)
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
        for stage in self.stages:
            promises = stage.gate is not None and stage.gate.promises_recall
            if promises and any(one.calibration == "none" for one in self.asked_before(stage.name).values()):
                raise ValueError(
                    f"the gate of stage {stage.name} promises a recall ({PROMISES_RECALL}), which it can keep with "
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
                "models": settings.models if asked else "",
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

    Several named ensembles take the place of a single one, and the other way round.

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
    given = [key for key in ("ensemble", "ensembles") if asked.get(key)]
    replaced = {"ensemble", "ensembles"}.difference(given) if given else set()
    return _merged({key: value for key, value in base.items() if key not in replaced}, asked)


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
