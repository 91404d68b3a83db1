"""Which campaigns have screened a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiida_mlhull.graph import history
from aiida_mlhull.science.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import CandidatesData
    from aiida_mlhull.science.types import Candidates


@dataclass(frozen=True, eq=False)
class Screened:
    """A candidate in a campaign.

    Attributes:
        row: the candidate, a table of one row.
        shard: node that holds it.
        campaign: that has screened the shard.
    """

    row: Candidates
    shard: CandidatesData
    campaign: orm.ProcessNode


def screened(identifier: str, *, campaign: orm.ProcessNode | None = None) -> list[Screened]:
    """Campaigns that have screened a candidate, the newest first.

    Args:
        identifier: of the candidate.
        campaign: only this one.

    Raises:
        UnknownNameError: if no shard holds such a candidate.
        InputError: if no campaign (or not this one) has screened it.
    """
    shards = history.shards_with(identifier)
    if not shards:
        raise UnknownNameError(
            f"no candidate {identifier!r} in this profile; list candidates with 'verdi data mlhull-candidates list'"
        )
    every = [Screened(row, shard, node) for shard, row in shards for node in history.campaigns_of(shard)]
    chosen = [one for one in every if campaign is None or one.campaign.pk == campaign.pk]
    if not chosen:
        who = "no campaign has screened that" if campaign is None else f"campaign {campaign.pk} has not screened that"
        raise InputError(f"candidate {identifier} lies in shard {shards[0][0].pk}, but {who}")
    return sorted(chosen, key=lambda one: one.campaign.ctime, reverse=True)
