"""Keep what the core-minutes suffice for, the most promising per core-minute first."""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveFloat

from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.triage.base import RuleSettings, decided, ranks, weigh
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason


class BudgetSettings(RuleSettings):
    """What may be spent, and on what.

    Attributes:
        core_minutes: to spend on the kept rows together.
        core_minutes_each: what one row costs where nothing better is known; 540 is the mean of the full
            relaxations in Ekström 2022.
        core_minutes_by_formula: what a row of a formula costs, where it is known; spelled in any order.
        by: ``chance``: probability to lie below the known hull; ``improvement``: energy by which the hull
            is expected to sink. Either is divided by the cost.
    """

    core_minutes: float = Field(default=54_000.0, ge=0)
    core_minutes_each: float = Field(default=540.0, gt=0)
    core_minutes_by_formula: dict[str, PositiveFloat] = Field(default_factory=dict)
    by: Literal["chance", "improvement"] = "chance"


class Budget:
    """The best rows until the budget is spent."""

    Settings: ClassVar[type[BudgetSettings]] = BudgetSettings

    def __init__(self, settings: BudgetSettings) -> None:
        self.settings = settings

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:  # noqa: ARG002
        """Value: core-minutes spent once this row is done; threshold: the budget; score: value for money.

        Raises:
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
            FormulaError: if a formula whose cost is told can't be read.
        """
        each = self.settings.core_minutes_each
        told = {reduce_formula(name): cost for name, cost in self.settings.core_minutes_by_formula.items()}
        costs = np.asarray([told.get(reduce_formula(formula), each) for formula in predictions.formulas.tolist()])
        scores = weigh(predictions, known).by(self.settings.by) / costs
        spent = spent_when_done(scores, costs)
        return decided(
            predictions,
            rule="budget",
            keep=spent <= self.settings.core_minutes,
            reasons=(Reason.WITHIN_BUDGET, Reason.OVER_BUDGET),
            values=spent,
            thresholds=self.settings.core_minutes,
            margins=self.settings.core_minutes - spent,
            scores=scores,
            unit="core-minutes",
        )


def spent_when_done(scores: Floats, costs: Floats) -> Floats:
    """(n,) what has been spent when each row is done, highest scores first."""
    order = np.argsort(ranks(scores), kind="stable")
    spent = np.empty(len(costs))
    spent[order] = np.cumsum(costs[order])
    return spent
