"""What a campaign will cost at least and at most, said before anything is stored."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from aiida_mlhull.science.campaign.settings import CampaignSettings, StageSettings
from aiida_mlhull.science.types.strict import amount

POTENTIAL: Final = "potential"
"""The engine whose relaxations are jobs of our own program."""


@dataclass(frozen=True)
class Existing:
    """Results of a stage that are there before a campaign begins.

    Attributes:
        done: candidates that have one, failures included.
        learnable: those that models can learn from.
    """

    done: int = 0
    learnable: int = 0


@dataclass(frozen=True)
class StagePlan:
    """What is known of a stage beforehand.

    Attributes:
        name: of the stage.
        engine: of the stage.
        gate: what decides which candidates enter: the keep-rule's name, or empty for all.
        rounds: at most so many times the models are fitted and asked before it.
        at_least: relaxations that will run in any case.
        at_most: relaxations that may run if the models drop none.
        core_minutes: nominal cost of one relaxation; None where it is measured instead.
    """

    name: str
    engine: str
    gate: str
    rounds: int
    at_least: int
    at_most: int
    core_minutes: float | None


def plan(
    settings: CampaignSettings, *, total: int, there: Mapping[str, Existing] | None = None
) -> tuple[StagePlan, ...]:
    """The stages of a campaign with ``total`` candidates; failures and merged crystals make it less.

    Args:
        settings: of the campaign.
        total: candidates.
        there: results that it begins with, by stage; they are not done again, and of the start set only as many are
            drawn as the models lack.
    """
    there = there or {}
    has_gate = any(stage.gate is not None for stage in settings.stages)
    start = amount(settings.start, total) if has_gate else total
    last = there.get(settings.stages[-1].name, Existing())
    if has_gate and last.learnable:
        start = min(total, last.done + max(0, settings.needed_labels - last.learnable))
    stages, room, forced = [], total, total
    for index, stage in enumerate(settings.stages):
        if stage.gate is not None:
            forced = min(forced, start)
            room = min(room, _through_gate(stage, start=start, total=total))
        if index == len(settings.stages) - 1 and settings.budget is not None and has_gate:
            room = min(room, max(amount(settings.budget, total), start))
        done = there.get(stage.name, Existing()).done
        stages.append(
            StagePlan(
                name=stage.name,
                engine=stage.engine,
                gate="" if stage.gate is None else stage.gate.rule,
                rounds=0 if stage.gate is None else stage.gate.rounds,
                at_least=max(0, min(forced, room) - done),
                at_most=max(0, room - done),
                core_minutes=stage.core_minutes,
            )
        )
    return tuple(stages)


def _through_gate(stage: StageSettings, *, start: int, total: int) -> int:
    assert stage.gate is not None
    if stage.gate.batch is None:
        return total
    return min(total, start + stage.gate.rounds * amount(stage.gate.batch, total))


def nominal_core_minutes(stages: tuple[StagePlan, ...], *, total: int) -> tuple[float, float, float]:
    """Nominal core-minutes at least, at most, and without models; stages that are measured count nothing."""
    costs = [(stage, stage.core_minutes or 0.0) for stage in stages]
    least = sum(stage.at_least * cost for stage, cost in costs)
    most = sum(stage.at_most * cost for stage, cost in costs)
    return least, most, sum(total * cost for _, cost in costs)


def jobs_at_most(
    stages: tuple[StagePlan, ...],
    settings: CampaignSettings,
    *,
    shards: int,
    members_per_job: int,
    rows_per_job: int,
    properties: Collection[str] = (),
) -> int:
    """Jobs of the program at most: fits and predictions of every round, relaxations by potential.

    Every round, and the start set, may leave one job of a stage that is not full.

    Args:
        stages: of :func:`plan`.
        settings: of the campaign.
        shards: of candidates; each is predicted by a job.
        members_per_job: ensemble members that one job fits.
        rows_per_job: crystals that one job relaxes.
        properties: that are asked before gates, by a job for each and every shard.
    """
    jobs = 0
    for stage in stages:
        asked = settings.asked_before(stage.name).values()
        fits = sum(-(-one.members // members_per_job) for one in asked)
        jobs += stage.rounds * (fits + len(asked) * shards)
        jobs += len(settings.properties_before(stage.name, properties)) * shards
        if stage.engine == POTENTIAL:
            jobs += -(-stage.at_most // rows_per_job) + stage.rounds
    return jobs


def rounds_left(settings: CampaignSettings, *, stage: str, number: int, relaxed: int, waiting: int, total: int) -> int:
    """Rounds that a gate may still ask for: until their number is reached, no candidate waits, or the budget is spent.

    Args:
        settings: of the campaign.
        stage: name of the stage behind the gate.
        number: of the last round.
        relaxed: results of the last stage so far.
        waiting: candidates that could still be relaxed.
        total: candidates of the campaign.
    """
    gate = next((one.gate for one in settings.stages if one.name == stage), None)
    if gate is None:
        return 0
    by_number = gate.rounds - number
    if gate.batch is None:
        return by_number
    if settings.budget is not None:
        waiting = min(waiting, amount(settings.budget, total) - relaxed)
    return max(min(by_number, -(-waiting // amount(gate.batch, total))), 0)
