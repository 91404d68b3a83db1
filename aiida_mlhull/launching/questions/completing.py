"""What a shell offers behind the tabulator: campaigns, models, keep-rules and protocols by name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

NEWEST: Final = 50
"""Campaigns that are offered."""

Names = Callable[[str | None], Iterable[tuple[str, str]]]
"""From the profile's name, which None leaves to AiiDA, to names and what stands beside them."""


class Offer(NamedTuple):
    """A name, as click takes it.

    Attributes:
        value: the name.
        help: what stands beside it.
        type: that it is neither a file nor a folder.
    """

    value: str
    help: str
    type: str = "plain"


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


def complete(context: Any, param: Any, begun: str) -> list[Offer]:
    """Names that begin so, for an argument or option of click."""
    offered = OFFERED[param.name](context.find_root().params.get("profile_name"))
    return [Offer(name, beside) for name, beside in offered if name.startswith(begun)]


def offer(command: Any) -> None:
    """Let a shell complete what the arguments and options of a command of click name."""
    for part in getattr(command, "commands", {}).values():
        offer(part)
    for param in command.params:
        if param.name in OFFERED and param.type.name == "text":
            param._custom_shell_complete = complete  # noqa: SLF001  (else every command would have to say it)
