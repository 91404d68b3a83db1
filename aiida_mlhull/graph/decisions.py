"""What the models of a campaign decided, round by round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from itertools import groupby
from typing import TYPE_CHECKING

from aiida_mlhull.graph import history
from aiida_mlhull.graph.rows import opened
from aiida_mlhull.science.errors import InputError

if TYPE_CHECKING:
    import pandas as pd
    from aiida import orm

    from aiida_mlhull.data import DecisionsData
    from aiida_mlhull.science.types import Decisions
    from aiida_mlhull.science.types.crystals import Integers


@dataclass(frozen=True, eq=False)
class RoundDecisions:
    """One round at a gate. What is counted are attributes of nodes; rows are read when they are asked for.

    Attributes:
        tables: nodes with the decisions, by shard.
        ensembles: description by pk of the ensembles behind them.
    """

    tables: Sequence[DecisionsData]
    ensembles: Mapping[int, str]

    @cached_property
    def decisions(self) -> Decisions:
        """One row per candidate that the models were asked about, all shards together."""
        from aiida_mlhull.science.types import concatenate

        tables: list[Decisions] = [table.to_science() for table in opened(self.tables)]
        return concatenate(tables)

    @property
    def stage(self) -> str:
        """That the round stood before."""
        return str(self.tables[0].base.attributes.get("stage"))

    @property
    def number(self) -> int:
        """Of the round."""
        return int(self.tables[0].base.attributes.get("round"))

    @property
    def rule(self) -> str:
        """Name of the keep-rule."""
        return str(self.tables[0].base.attributes.get("rule"))

    @property
    def asked(self) -> int:
        """Candidates that the models were asked about."""
        return sum(table.n_rows for table in self.tables)

    @property
    def kept(self) -> int:
        """Of those, sent on."""
        return sum(int(table.base.attributes.get("n_kept")) for table in self.tables)

    @property
    def waiting(self) -> int:
        """Candidates which the rule kept but which found no place in the batch."""
        from aiida_mlhull.science.types.reasons import Reason

        reasons = [table.base.attributes.get("dropped_reasons") for table in self.tables]
        return sum(int(counts.get(Reason.BATCH_FULL, 0)) for counts in reasons)

    @property
    def n_rejected(self) -> int:
        """Candidates that the rule dropped."""
        return self.asked - self.kept - self.waiting

    @property
    def rejected(self) -> Decisions:
        """The candidates that the rule dropped."""
        from aiida_mlhull.science.campaign.decisions import are_rejected

        return self.decisions.take(are_rejected(self.decisions.keep, self.decisions.reasons))

    def nearest(self, limit: int | None = None) -> pd.DataFrame:
        """The rejected candidates as a frame, those nearest to the threshold first.

        Args:
            limit: at most so many; then one table is in memory at a time.
        """
        from aiida_mlhull.science.tables.export import to_frame

        found, order = self.nearest_rows(limit)
        return to_frame(found).iloc[order].reset_index(drop=True)

    def nearest_rows(self, limit: int | None = None) -> tuple[Decisions, Integers]:
        """The same as a table, in the order of ids, and its row numbers in that of the frame."""
        from aiida_mlhull.science.campaign.decisions import nearest_rejected
        from aiida_mlhull.science.types import concatenate

        found = (
            self.rejected if limit is None else concatenate([_nearest(table, limit) for table in opened(self.tables)])
        )
        return found, nearest_rejected(found.keep, found.reasons, found.margins, limit=limit)


def _nearest(table: DecisionsData, limit: int) -> Decisions:
    """The ``limit`` rejected rows of a table that are nearest to the threshold."""
    from aiida_mlhull.science.campaign.decisions import nearest_rejected

    return table.take_where(partial(nearest_rejected, limit=limit), "keep", "reasons", "margins")


def round_decisions(campaign: orm.ProcessNode, *, number: int, stage: str | None = None) -> list[RoundDecisions]:
    """Decisions of a round, one item for every stage that has such a round.

    Args:
        campaign: that was decided in.
        number: of the round; 0 for what gates have required of properties before the first one, an item for each.
        stage: only before this stage.

    Raises:
        InputError: if nothing was decided in that round.
    """
    if number == 0:
        return _required(campaign, stage=stage)
    tables = list(history.rounds(campaign.pk, number=number, stage=stage))
    if not tables:
        raise nothing_decided(campaign, number=number, stage=stage)
    rounds = []
    for _, shards in groupby(tables, key=lambda pair: pair[0].base.attributes.get("stage")):
        pairs = list(shards)
        ensembles = {
            one.pk: history.describe_models(one, name) for _, by_name in pairs for name, one in sorted(by_name.items())
        }
        rounds.append(RoundDecisions([table for table, _ in pairs], ensembles))
    return rounds


def _required(campaign: orm.ProcessNode, *, stage: str | None) -> list[RoundDecisions]:
    """What requirements have decided before the first round."""
    from aiida_mlhull.graph.properties.predicted import required

    found = [
        RoundDecisions(tables, {ensemble.pk or 0: history.describe_models(ensemble, name)})
        for ensemble, name, tables in required(campaign.pk, stage=stage)
    ]
    if not found:
        raise nothing_decided(campaign, number=0, stage=stage)
    return found


def nothing_decided(campaign: orm.ProcessNode, *, number: int, stage: str | None) -> InputError:
    """The refusal of a question about a round that never was."""
    where = f" before stage {stage}" if stage else ""
    return InputError(f"campaign {campaign.pk} ({campaign.label}) has decided nothing in round {number}{where}")
