"""What a report is made of: the nouns of a campaign, as they lie in its graph, and what is known about it in words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiida_mlhull.science.campaign import CampaignSettings
from aiida_mlhull.science.campaign.comparison import Comparison
from aiida_mlhull.science.types import Candidates, Decisions, Labels, Predictions, References
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.properties import Property


@dataclass(frozen=True, kw_only=True)
class Identity:
    """Which campaign it is.

    Attributes:
        name: label of the campaign.
        pk: of its node.
        uuid: of its node.
        state: AiiDA's process state, with the exit status if it has ended otherwise than well.
        running: whether it has not ended yet.
        created: when the campaign was launched.
        written: when the report was made.
        versions: program to version.
        standin: what the energies come from if not from a real calculation; empty if they do.
    """

    name: str
    pk: int | None
    uuid: str
    state: str
    running: bool
    created: datetime
    written: datetime
    versions: Mapping[str, str] = field(default_factory=dict)
    standin: str = ""


@dataclass(frozen=True, eq=False, kw_only=True)
class StageMaterial:
    """One relaxation stage.

    Attributes:
        name: of the stage.
        labels: its results so far; None before the first one.
        processes: (n,) pk of the process that gave each row of ``labels``.
        merged: what merging after the stage decided; None where nothing was merged.
    """

    name: str
    labels: Labels | None
    processes: Integers
    merged: Decisions | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class RoundMaterial:
    """One round at a gate.

    Attributes:
        decisions: of the gate's rule, which name stage and round.
        predictions: that it decided by; rows as in ``decisions``.
        models: description of the ensemble.
    """

    decisions: Decisions
    predictions: Predictions
    models: str = ""

    @property
    def title(self) -> str:
        """What people call it."""
        return f"{self.decisions.stage}, round {self.decisions.round}"


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """Results that came together.

    Attributes:
        when: they were stored.
        stage: that gave them.
        results: how many.
        failed: of these, without an energy.
    """

    when: datetime
    stage: str
    results: int
    failed: int


@dataclass(frozen=True, eq=False, kw_only=True)
class Spending:
    """What a campaign has cost.

    Attributes:
        ledger: one mapping per stage and per kind of model job: ``what``, ``by``, ``runs``, ``failed``,
            ``core_minutes``, ``core_minutes_each``, ``cost`` (measured or nominal).
        spent: core-minutes altogether.
        without: core-minutes of every candidate through every stage.
        saved: share of the latter that was not spent.
        cached: jobs of the models that came from AiiDA's cache, and cost nothing again.
        merging: by stage, how many were merged and what the audit found.
    """

    ledger: Sequence[Mapping[str, Any]] = ()
    spent: float = 0.0
    without: float = 0.0
    saved: float = 0.0
    cached: int = 0
    merging: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False, kw_only=True)
class Material:
    """Everything that a report tells, before anything is computed.

    Attributes:
        identity: which campaign it is.
        settings: of the campaign.
        candidates: all shards together.
        references: known phases.
        outcomes: one row per candidate, of a running campaign as if it stopped now; None before the first decision.
        started: ids of the start set.
        stages: in order.
        rounds: the oldest first.
        stocks: what the results amounted to after every round, see :func:`~aiida_mlhull.science.campaign.assess`.
        arrivals: results as they came.
        spending: what it cost.
        record: true results of all candidates in a retrospective campaign; None where they had to be calculated.
        comparisons: what every keep-rule would have done, by the title of a round.
        order: ids in the order in which they went into the last stage.
        progress: how far every stage is, in words.
        figures: the same for programs.
        properties: what was asked beside energies, with the last predictions.
    """

    identity: Identity
    settings: CampaignSettings
    candidates: Candidates
    references: References
    outcomes: Decisions | None
    started: Sequence[str]
    stages: Sequence[StageMaterial]
    rounds: Sequence[RoundMaterial]
    stocks: Sequence[Mapping[str, Any]] = ()
    arrivals: Sequence[Arrival] = ()
    spending: Spending = field(default_factory=Spending)
    record: Labels | None = None
    comparisons: Mapping[str, Comparison] = field(default_factory=dict)
    order: Sequence[str] = ()
    progress: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)
    properties: Sequence[tuple[Property, Predictions]] = ()

    @property
    def results(self) -> Labels | None:
        """Results of the last stage; None before the first one."""
        return self.stages[-1].labels
