"""Arguments that name nodes and groups, resolved by AiiDA only when a command runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class NodeArgument(click.ParamType):
    """A node by PK, UUID or label.

    Args:
        entry_point: the only kind of node that is accepted, ``"mlhull.labels"``.
    """

    name = "node"

    def __init__(self, entry_point: str) -> None:
        self.entry_point = entry_point

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The node, or a usage error that says what is wrong with the name."""
        return self._aiida_type().convert(value, param, ctx)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        """Nodes of the kind whose PK or UUID begins like this."""
        found: list[CompletionItem] = self._aiida_type().shell_complete(ctx, param, incomplete)
        return found

    def _aiida_type(self) -> Any:
        from aiida.cmdline.params.types import DataParamType

        return DataParamType(sub_classes=(f"aiida.data:{self.entry_point}",))


class GroupArgument(click.ParamType):
    """A group of nodes by PK, UUID or label."""

    name = "group"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The group, or a usage error that says what is wrong with the name."""
        from aiida.cmdline.params.types import GroupParamType

        return GroupParamType().convert(value, param, ctx)
