"""What the models of a campaign decided, round by round."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

from aiida_mlhull.graph import history
from aiida_mlhull.science.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from aiida import orm

    from aiida_mlhull.science.types import Decisions


@dataclass(frozen=True, eq=False)
class RoundDecisions:
    """One round at a gate.

    Attributes:
        decisions: one row per candidate that the models were asked about, all shards together.
        ensembles: description by pk of the ensembles behind them.
    """

    decisions: Decisions
    ensembles: Mapping[int, str]

    @property
    def waiting(self) -> int:
        """Candidates which the rule kept but which found no place in the batch."""
        from aiida_mlhull.science.types.reasons import Reason

        return int((self.decisions.reasons == Reason.BATCH_FULL).sum())

    @property
    def rejected(self) -> Decisions:
        """The candidates that the rule dropped."""
        from aiida_mlhull.science.types.reasons import Reason

        return self.decisions.take(~self.decisions.keep & (self.decisions.reasons != Reason.BATCH_FULL))

    def nearest(self, limit: int | None = None) -> pd.DataFrame:
        """The rejected candidates as a frame, those nearest to the threshold first.

        Args:
            limit: at most so many.
        """
        from aiida_mlhull.science.tables.export import to_frame

        frame = to_frame(self.rejected).sort_values("margin", ascending=False, kind="stable", ignore_index=True)
        return frame if limit is None else frame.head(limit)


def round_decisions(campaign: orm.ProcessNode, *, number: int, stage: str | None = None) -> list[RoundDecisions]:
    """Decisions of a round, one item for every stage that has such a round.

    Args:
        campaign: that was decided in.
        number: of the round.
        stage: only before this stage.

    Raises:
        InputError: if nothing was decided in that round.
    """
    from aiida_mlhull.science.types import concatenate

    tables = list(history.rounds(campaign.pk, number=number, stage=stage))
    if not tables:
        raise nothing_decided(campaign, number=number, stage=stage)
    rounds = []
    for _, shards in groupby(tables, key=lambda pair: pair[0].base.attributes.get("stage")):
        pairs = list(shards)
        ensembles = {
            one.pk: history.describe_models(one, name) for _, by_name in pairs for name, one in sorted(by_name.items())
        }
        rounds.append(RoundDecisions(concatenate([table.to_science() for table, _ in pairs]), ensembles))
    return rounds


def nothing_decided(campaign: orm.ProcessNode, *, number: int, stage: str | None) -> InputError:
    """The refusal of a question about a round that never was."""
    where = f" before stage {stage}" if stage else ""
    return InputError(f"campaign {campaign.pk} ({campaign.label}) has decided nothing in round {number}{where}")
