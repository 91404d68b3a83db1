"""A protocol turned into the same campaign on a record of published results."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from aiida_mlhull.science.campaign.settings import StageSettings, campaign_settings
from aiida_mlhull.science.ensembles import needed_labels
from aiida_mlhull.science.types.strict import amount

RECORDED: Final = "recorded"


def on_record(
    protocol: str, *, engine: str = RECORDED, seed: int = 0, changes: Mapping[str, Any] | None = None
) -> tuple[dict[str, Any], list[str]]:
    """What to say instead of a protocol, so that its last stage is answered by ``engine``.

    A record holds one stage: the last one. Stages before it that the protocol gives to the same engine
    as the last one are cheaper settings of the same calculation, which a record does not hold, so
    they are left out; stages of other engines stay and really run.

    Args:
        protocol: name of a protocol.
        engine: of the last stage: ``recorded``, or one that relaxes for real; then all stages stay.
        seed: of the campaign.
        changes: what else is different from the protocol.

    Returns:
        Overrides for the protocol, and a line for every stage that was changed or left out.

    Raises:
        UnknownNameError: if the protocol doesn't exist.
        SettingsError: if what remains is not a valid campaign.
    """
    changes = {**(changes or {}), "seed": seed}
    whole = campaign_settings(changes, protocol=protocol)
    *earlier, last = whole.stages
    remarks = []
    if engine == RECORDED:
        lost = [stage for stage in earlier if stage.engine == last.engine]
        earlier = [stage for stage in earlier if stage.engine != last.engine]
        remarks += [
            f"stage {stage.name} is left out: it is a cheaper {stage.engine} stage, and a record holds only the last one"
            for stage in lost
        ]
    if last.engine != engine:
        remarks.append(f"stage {last.name} is answered by engine {engine} instead of {last.engine}")
    stages = [*earlier, _answered(last, engine=engine, first=not earlier)]
    return {**changes, "stages": [stage.model_dump(mode="json") for stage in stages]}, remarks


def enough_to_start(overrides: dict[str, Any], *, protocol: str, total: int) -> tuple[dict[str, Any], list[str]]:
    """Raise the start set to what the models need, where a protocol's share of few candidates is too little.

    Args:
        overrides: of the protocol.
        protocol: its name.
        total: number of candidates.

    Returns:
        The overrides, and a line if they were changed. With fewer candidates than the models need
        nothing is changed, and the campaign will be refused.
    """
    settings = campaign_settings(overrides, protocol=protocol)
    needed = needed_labels(settings.ensemble)
    if not amount(settings.start, total) < needed <= total:
        return overrides, []
    remark = f"the start set is raised from {amount(settings.start, total)} to the {needed} that the models need"
    return {**overrides, "start": needed}, [remark]


def _answered(stage: StageSettings, *, engine: str, first: bool) -> StageSettings:
    """The last stage with another engine; settings are one engine's own and don't outlive it."""
    change: dict[str, Any] = {}
    if stage.engine != engine:
        change = {"engine": engine, "settings": {}}
    if first and stage.gate is not None and stage.gate.baseline == "stage":
        change["gate"] = stage.gate.model_copy(update={"baseline": "references"})
    return stage.model_copy(update=change)
