"""One campaign, and everything that can be asked about it from Python."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiida_mlhull.graph import campaigns

if TYPE_CHECKING:
    from aiida import orm


class Campaign:
    """A stored campaign.

    Args:
        campaign: its node, pk, UUID or label; the newest campaign if None.

    Raises:
        UnknownNameError: if there is none, or there are several of that label.
        InputError: if the node is not a campaign's.
    """

    def __init__(self, campaign: orm.ProcessNode | int | str | None = None) -> None:
        self.node: orm.ProcessNode
        if campaign is None:
            self.node = campaigns.find(None)
        elif isinstance(campaign, int | str):
            self.node = campaigns.find(str(campaign))
        else:
            self.node = campaign

    def __repr__(self) -> str:
        return f"Campaign({self.node.pk}, {self.node.label!r}, {campaigns.process_state(self.node)})"

    @property
    def pk(self) -> int | None:
        """Pk of its node."""
        return self.node.pk

    def status(self) -> campaigns.State:
        """How far it is."""
        return campaigns.state(self.node)
