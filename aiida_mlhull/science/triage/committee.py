"""Let several ensembles decide, each by the same rule: Wren and CGCNN on relaxed cells, for instance.

Their members come as the columns of one table of predictions, one ensemble after the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt

from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.triage.base import RuleSettings
from aiida_mlhull.science.types import Decisions, Predictions, References


class CommitteeSettings(RuleSettings):
    """The committee's members, their rule, and how their decisions are combined.

    Attributes:
        sizes: members of each ensemble, in the order of the columns; empty: all columns are one ensemble.
        combine: ``union``: one ensemble that keeps a row is enough; ``intersection``: all have to;
            ``mean``: one decision on the mean of the ensembles, each with the same weight.
        rule: the rule that each ensemble, or their mean, goes by.
        settings: the settings of that rule.
    """

    sizes: tuple[PositiveInt, ...] = ()
    combine: Literal["union", "intersection", "mean"] = "union"
    rule: str = "two_sigma"
    settings: dict[str, Any] = Field(default_factory=dict)


class Committee:
    """Union, intersection or mean of several ensembles."""

    Settings: ClassVar[type[CommitteeSettings]] = CommitteeSettings

    def __init__(self, settings: CommitteeSettings) -> None:
        self.settings = settings
        rule = RULES[settings.rule]
        self._rule = rule(rule.Settings(**settings.settings))

    def decide(self, predictions: Predictions, known: References, *, seed: int = 0) -> Decisions:
        """Every column of a row is that of the ensemble that decided: the highest margin in a union.

        Raises:
            SettingsError: if the sizes don't add up to the number of members.
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        ensembles = split_ensembles(predictions, self.settings.sizes)
        if self.settings.combine == "mean":
            ensembles = [mean_of(ensembles)]
        votes: list[Decisions] = [self._rule.decide(ensemble, known, seed=seed) for ensemble in ensembles]
        margins = np.stack([vote.margins for vote in votes])
        decisive = margins.argmin(axis=0) if self.settings.combine == "intersection" else margins.argmax(axis=0)
        columns = ("keep", "reasons", "values", "thresholds", "margins", "scores")
        taken = {
            name: np.stack([getattr(vote, name) for vote in votes])[decisive, np.arange(len(predictions))]
            for name in columns
        }
        return replace(votes[0], rule="committee", **taken)


def split_ensembles(predictions: Predictions, sizes: Sequence[int]) -> list[Predictions]:
    """The predictions of each ensemble.

    Raises:
        SettingsError: if the sizes don't add up to the number of members.
    """
    members = predictions.members.shape[1]
    if not sizes:
        return [predictions]
    if sum(sizes) != members:
        raise SettingsError(
            f"the committee's sizes {list(sizes)} add up to {sum(sizes)}, but there are {members} members"
        )
    cuts = np.cumsum(sizes)[:-1]
    values = np.split(predictions.members, cuts, axis=1)
    spreads = np.split(predictions.member_aleatoric, cuts, axis=1)
    return [
        replace(predictions, members=value, member_aleatoric=spread)
        for value, spread in zip(values, spreads, strict=True)
    ]


def mean_of(ensembles: Sequence[Predictions]) -> Predictions:
    """The equal mixture of several ensembles: each is one member with its mean and its σ.

    By the law of total variance the mixture's σ² is the mean of their σ² plus the spread of their means.
    """
    return replace(
        ensembles[0],
        members=np.stack([ensemble.mean for ensemble in ensembles], axis=1),
        member_aleatoric=np.stack([ensemble.sigma for ensemble in ensembles], axis=1),
    )
