"""What a staged campaign costs, and what it costs in units of calculations that would have been done anyway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.classification import ratio


@dataclass(frozen=True)
class StageCost:
    """One relaxation stage.

    Attributes:
        name: what it is called.
        entered: candidates that went through it, those of the training set not counted.
        core_minutes_each: mean cost of one candidate.
    """

    name: str
    entered: int
    core_minutes_each: float


@dataclass(frozen=True)
class CampaignCost:
    """A campaign's costs; the candidates that enter become fewer from stage to stage.

    The published example (Ekström 2022, Hf-Zn-N): 60 candidates to train on, then 4,779 at 5, 2,227 at 60
    and 1,210 at 540 core-minutes. :attr:`full_chains` gives 1,400.4 for it and
    :attr:`last_stage_equivalents` 1,416.0; the paper prints 1,417.

    Attributes:
        stages: in their order.
        trained_on: candidates that went through all stages to give labels.
    """

    stages: tuple[StageCost, ...]
    trained_on: int = 0

    def __post_init__(self) -> None:
        """Check that no candidate enters in the middle.

        Raises:
            TableError: if there is no stage, or more candidates leave a stage than entered it.
        """
        entered = [stage.entered for stage in self.stages]
        if not entered or any(later > earlier for earlier, later in pairwise(entered)):
            raise TableError(f"stages must be entered by ever fewer candidates: {entered}")

    @classmethod
    def from_counts(
        cls, names: Sequence[str], entered: Sequence[int], each: Sequence[float], trained_on: int = 0
    ) -> CampaignCost:
        """From columns: names, candidates that entered, core-minutes each."""
        stages = [StageCost(*row) for row in zip(names, entered, each, strict=True)]
        return cls(stages=tuple(stages), trained_on=trained_on)

    @property
    def candidates(self) -> int:
        """All candidates, the training set included."""
        return self.trained_on + self.stages[0].entered

    @property
    def chain_core_minutes(self) -> float:
        """What one candidate costs through all stages."""
        return sum(stage.core_minutes_each for stage in self.stages)

    @property
    def core_minutes(self) -> float:
        """What everything cost, the training set included."""
        staged = sum(stage.entered * stage.core_minutes_each for stage in self.stages)
        return self.trained_on * self.chain_core_minutes + staged

    @property
    def full_chains(self) -> float:
        """Total cost in units of one full chain: as many candidates could have gone through all stages."""
        return ratio(self.core_minutes, self.chain_core_minutes)

    @property
    def last_stage_equivalents(self) -> float:
        """Candidates that finished, plus what the discarded ones cost in units of the last stage.

        The training set and the finishers count one each, whatever their earlier stages cost.
        """
        spent, discarded = 0.0, 0.0
        for stage, following in pairwise(self.stages):
            spent += stage.core_minutes_each
            discarded += (stage.entered - following.entered) * spent
        last = self.stages[-1]
        return self.trained_on + last.entered + ratio(discarded, last.core_minutes_each)

    @property
    def saved_fraction(self) -> float:
        """Share of the cost of all candidates through all stages that was not spent."""
        return 1.0 - ratio(self.core_minutes, self.candidates * self.chain_core_minutes)
