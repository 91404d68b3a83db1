"""What a shell offers behind the tabulator: campaigns, models, keep-rules and protocols by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

NEWEST: Final = 50
"""Campaigns that are offered."""

Names = Callable[[str | None], Iterable[tuple[str, str]]]
"""From the profile's name, which None leaves to AiiDA, to names and what stands beside them."""


class Named(click.ParamType):
    """Text that names something; only what is offered differs from plain text.

    Args:
        names: what there is.
    """

    name = "text"

    def __init__(self, names: Names) -> None:
        self.names = names

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:  # noqa: ARG002
        """Names that begin so."""
        offered = self.names(ctx.find_root().params.get("profile_name"))
        return [CompletionItem(name, help=beside) for name, beside in offered if name.startswith(incomplete)]


def _campaigns(profile_name: str | None) -> Iterable[tuple[str, str]]:
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.launching import profile

    profile.load(profile_name)
    return [(str(node.pk), f"{node.label}, {campaigns.process_state(node)}") for node in campaigns.newest(limit=NEWEST)]


def _models(_: str | None) -> Iterable[tuple[str, str]]:
    from aiida_mlhull.science.models import MODELS

    return [(name, "") for name in sorted(MODELS)]


def _rules(_: str | None) -> Iterable[tuple[str, str]]:
    from aiida_mlhull.science.triage import RULES

    return [(name, "") for name in sorted(RULES)]


def _protocols(_: str | None) -> Iterable[tuple[str, str]]:
    from aiida_mlhull.science.campaign.settings import protocol_table

    return [(one["name"], one["summary"]) for one in protocol_table()]


OFFERED: Final[Mapping[str, Names]] = {
    "campaign": _campaigns,
    "model": _models,
    "rule": _rules,
    "protocol": _protocols,
}
"""By the name of the argument or option."""


def offer(command: Any) -> None:
    """Let a shell complete what a command's arguments and options name."""
    for part in command.commands.values() if isinstance(command, click.Group) else ():
        offer(part)
    for param in command.params:
        if param.name in OFFERED and param.type is click.STRING:
            param.type = Named(OFFERED[param.name])
