"""A protocol turned into the same campaign on a record of published results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiida_mlhull.science.campaign.settings import StageSettings, campaign_settings
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.types import Labels
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


def on_levels(
    protocol: str,
    levels: Sequence[Labels],
    *,
    seed: int = 0,
    changes: Mapping[str, Any] | None = None,
    prices: Sequence[float] = (),
    decide_first: bool = True,
) -> tuple[dict[str, Any], list[str]]:
    """What to say instead of a protocol, so that a record of several levels answers one stage each.

    The first level takes the protocol's first stage, the last one its last; levels between take those between, or
    where there are more of them, the gate of the last one. Stages that are too many are left out.

    Args:
        protocol: name of a protocol.
        levels: of the record, in the order of the stages.
        seed: of the campaign.
        changes: what else is different from the protocol; stages among them are taken as they are.
        prices: core-minutes of one relaxation at every level; none takes the record's own costs, or where it has
            none, the protocol's.
        decide_first: whether models may decide before the first level, which they can't without the cells before it.

    Returns:
        Overrides for the protocol, and a line for everything that is not as the protocol says.

    Raises:
        UnknownNameError: if the protocol doesn't exist.
        SettingsError: if prices are more or fewer than levels, or what comes out is not a valid campaign.
    """
    changes = {**(changes or {}), "seed": seed}
    if prices and len(prices) != len(levels):
        raise SettingsError(f"{len(levels)} levels, but {len(prices)} prices")
    if "stages" in changes:
        campaign_settings(changes, protocol=protocol)
        return changes, []
    said = campaign_settings(changes, protocol=protocol).stages
    remarks, stages = [], []
    for place, level in enumerate(levels):
        model = _stage_for(place, len(levels), said)
        gate = model.gate
        if place == 0 and gate is not None and (len(said) == 1 < len(levels) or not decide_first):
            gate = None
            remarks.append(f"level {level.stage} is entered by all: no model decides before the first level")
        if place == 0 and gate is not None and gate.baseline == "stage":
            gate = gate.model_copy(update={"baseline": "references"})
        price = prices[place] if prices else None
        if price is None and level.cost_basis != "measured":
            price = model.core_minutes
        stages.append(
            StageSettings(name=level.stage, engine=RECORDED, gate=gate, merge=model.merge, core_minutes=price)
        )
        remarks.append(f"level {level.stage} answers stage {model.name}")
    if len(said) > len(levels):
        used = {_stage_for(place, len(levels), said).name for place in range(len(levels))}
        left = [stage.name for stage in said if stage.name not in used]
        remarks.append(f"stages of the protocol without a level are left out: {', '.join(left)}")
    overrides = {**changes, "stages": [stage.model_dump(mode="json") for stage in stages]}
    campaign_settings(overrides, protocol=protocol)
    return overrides, remarks


def _stage_for(place: int, total: int, stages: Sequence[StageSettings]) -> StageSettings:
    """The protocol's stage that a level stands for."""
    if place == total - 1:
        return stages[-1]
    return stages[place] if place < len(stages) - 1 else stages[-1]


def chain_core_minutes(levels: Sequence[Labels], prices: Mapping[str, float | None]) -> float:
    """What all candidates through all levels cost, those that fail on the way up to where they do.

    Args:
        levels: of the record.
        prices: nominal core-minutes by stage; None takes the record's own.
    """
    return sum(
        len(level) * price if (price := prices.get(level.stage)) is not None else float(level.core_minutes.sum())
        for level in levels
    )


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
    needed = settings.needed_labels
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
