"""A campaign and those that it goes on from: one story, however often it was extended, stopped or killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiida_mlhull import names

if TYPE_CHECKING:
    from aiida import orm


def story(campaign: orm.ProcessNode) -> list[orm.ProcessNode]:
    """The campaign and all before it, the oldest first; ends where an earlier one is not in this profile."""
    found = [campaign]
    while (uuid := earlier(found[-1].pk)) is not None and (before := _process(uuid)) is not None:
        found.append(before)
    return found[::-1]


def _process(uuid: str) -> orm.ProcessNode | None:
    from aiida import orm

    found: orm.ProcessNode | None = orm.QueryBuilder().append(orm.ProcessNode, filters={"uuid": uuid}).first(flat=True)
    return found


def story_pks(pk: int | None) -> list[int | None]:
    """The same by pks."""
    found, uuid = [pk], earlier(pk)
    while uuid is not None and (before := _process(uuid)) is not None:
        found.append(before.pk)
        uuid = earlier(before.pk)
    return found[::-1]


def earlier(pk: int | None) -> str | None:
    """UUID of the campaign that another one goes on from; None if it begins by itself."""
    from aiida import orm

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters={"id": pk}, tag="campaign")
    edge = {"label": names.EARLIER_CAMPAIGN_LINK}
    query.append(orm.Str, with_outgoing="campaign", edge_filters=edge, project="attributes.value")
    found: str | None = query.first(flat=True)
    return found


def later(campaign: orm.ProcessNode) -> list[orm.ProcessNode]:
    """Campaigns that go on from this one, the oldest first."""
    from aiida import orm

    query = orm.QueryBuilder()
    query.append(orm.Str, filters={"attributes.value": campaign.uuid}, tag="uuid")
    query.append(
        orm.WorkChainNode,
        with_incoming="uuid",
        edge_filters={"label": names.EARLIER_CAMPAIGN_LINK},
        filters=names.any_of(names.SCREEN),
        tag="campaign",
    )
    query.order_by({"campaign": {"ctime": "asc"}})
    found: list[orm.ProcessNode] = query.all(flat=True)
    return found
