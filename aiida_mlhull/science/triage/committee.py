"""Let several ensembles decide, each by the same rule: Wren and CGCNN on relaxed cells, for instance.

Their members come as the columns of one table of predictions, one ensemble after the other, with their names
(:func:`side_by_side`). Reasons name the ensembles that voted as the committee did, first the one whose value, threshold
and margin the row has: ``above_threshold: wren, cgcnn_d``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar, Literal

import numpy as np
from pydantic import Field, PositiveInt

from aiida_mlhull.science.errors import SettingsError, TableError
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.triage.base import RuleSettings
from aiida_mlhull.science.types import Decisions, Predictions, References
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.reasons import with_detail
from aiida_mlhull.science.types.table import Booleans, Strings


class CommitteeSettings(RuleSettings):
    """The committee's members, their rule, and how their decisions are combined.

    Attributes:
        sizes: members of each ensemble, in the order of the columns, where ensembles have no names; empty: the named
            ensembles, or all columns as one.
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
        """Every column of a row is that of the ensemble that decided.

        That is the one with the highest margin among those that keep a row in a union, or where none does, of all; in
        an intersection the one with the lowest margin among those that drop it, or where none does, of all.

        Raises:
            SettingsError: if the sizes don't add up to the number of members, or are given beside names.
            MissingEndMembersError: if ``known`` lacks an element of a candidate.
        """
        names, ensembles = self._apart(predictions)
        if self.settings.combine == "mean":
            names, ensembles = (), [mean_of(ensembles)]
        votes: list[Decisions] = [self._rule.decide(ensemble, known, seed=seed) for ensemble in ensembles]
        kept, margins = (np.stack([getattr(vote, name) for vote in votes]) for name in ("keep", "margins"))
        if self.settings.combine == "intersection":
            keep = np.asarray(kept.all(axis=0))
            decisive = np.where(kept == keep, margins, np.inf).argmin(axis=0)
        else:
            keep = np.asarray(kept.any(axis=0))
            decisive = np.where(kept == keep, margins, -np.inf).argmax(axis=0)
        columns = ("reasons", "values", "thresholds", "margins", "scores")
        taken = {
            name: np.stack([getattr(vote, name) for vote in votes])[decisive, np.arange(len(predictions))]
            for name in columns
        }
        if names:
            taken["reasons"] = _naming(taken["reasons"], names, agreed=kept == keep, decisive=decisive)
        return replace(votes[0], rule="committee", keep=keep, **taken)

    def _apart(self, predictions: Predictions) -> tuple[tuple[str, ...], list[Predictions]]:
        """The ensembles, with their names if they have some."""
        named = predictions.ensembles or {}
        if named and self.settings.sizes:
            raise SettingsError(f"the ensembles have names ({', '.join(named)}): leave the committee's sizes out")
        return tuple(named), split_ensembles(predictions, tuple(named.values()) or self.settings.sizes)


def _naming(reasons: Strings, names: Sequence[str], *, agreed: Booleans, decisive: Integers) -> Strings:
    """Reasons with the ensembles that voted as the committee did, the decisive one first."""
    told = []
    for row, (reason, first) in enumerate(zip(reasons.tolist(), decisive.tolist(), strict=True)):
        others = [name for place, name in enumerate(names) if agreed[place, row] and place != first]
        told.append(with_detail(reason, ", ".join([names[first], *others])))
    return np.asarray(told, dtype=np.str_)


def side_by_side(by_name: Mapping[str, Predictions]) -> Predictions:
    """What several ensembles predict for the same rows as one table, in alphabetical order of their names.

    Args:
        by_name: predictions by ensemble; a single ensemble may go by the empty name, and stays as it is.

    Raises:
        TableError: if the rows differ.
    """
    if set(by_name) == {""}:
        return by_name[""]
    names = sorted(by_name)
    tables = [by_name[name] for name in names]
    if any(not np.array_equal(table.ids, tables[0].ids) for table in tables):
        raise TableError(f"the ensembles {', '.join(names)} were asked about different rows")
    return replace(
        tables[0],
        members=np.concatenate([table.members for table in tables], axis=1),
        member_aleatoric=np.concatenate([table.member_aleatoric for table in tables], axis=1),
        model=", ".join(dict.fromkeys(table.model for table in tables)),
        ensembles={name: table.members.shape[1] for name, table in zip(names, tables, strict=True)},
    )


def as_one(predictions: Predictions) -> Predictions:
    """One number and one spread for people: the mean of named ensembles; one ensemble stays as it is."""
    if not predictions.ensembles:
        return predictions
    return mean_of(split_ensembles(predictions, tuple(predictions.ensembles.values())))


def as_one_member(predictions: Predictions) -> Predictions:
    """The same mean and σ by a single member, for tables that differ in their number of members."""
    return replace(
        predictions,
        members=predictions.mean[:, None],
        member_aleatoric=predictions.sigma[:, None],
        ensembles=None,
    )


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
        replace(predictions, members=value, member_aleatoric=spread, ensembles=None)
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
