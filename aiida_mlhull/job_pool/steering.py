"""What people, or a campaign itself, say to a campaign that runs: pause, go on, stop.

It is said by an extra of the campaign's node: a list to which every word is added, with the time and the reason, so
that it survives whatever is killed and is seen by all who look at the node. Its processes read it before they
submit anything. One that is told to pause pauses itself in AiiDA's sense (``verdi process list`` shows it) and looks
again every few seconds, under a daemon or in a terminal alike: to go on, it need not be reached by a message.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from functools import cached_property
from typing import Any, Final

from aiida import orm
from aiida.engine import WorkChain

from aiida_mlhull import names

PAUSE: Final = "pause"
RESUME: Final = "resume"
STOP: Final = "stop"

LOOK_SECONDS: Final = 3.0
PAUSED: Final = "campaign paused"
"""Beginning of the status of a process that has paused itself."""


@dataclass(frozen=True)
class Told:
    """A word to a campaign.

    Attributes:
        word: :data:`PAUSE`, :data:`RESUME`, :data:`STOP`; empty if nothing was ever said.
        why: it was said.
        at: when, ISO 8601.
    """

    word: str = ""
    why: str = ""
    at: str = ""

    @property
    def pauses(self) -> bool:
        """Whether nothing is to be submitted for now."""
        return self.word == PAUSE

    @property
    def stops(self) -> bool:
        """Whether the campaign is to conclude with what is there."""
        return self.word == STOP


def everything_told(pk: int | None) -> list[Told]:
    """All that was said to a campaign, the oldest first: asked of the database, whatever this process has cached."""
    query = orm.QueryBuilder().append(orm.ProcessNode, filters={"id": pk}, project=f"extras.{names.STEERING}")
    found = query.first(flat=True)
    return [Told(**said) for said in found or ()]


def told(pk: int | None) -> Told:
    """The newest word to a campaign."""
    said = everything_told(pk)
    return said[-1] if said else Told()


def tell(campaign: orm.ProcessNode, word: str, why: str = "") -> None:
    """Say something to a campaign, and write it into its log."""
    said = everything_told(campaign.pk)
    said.append(Told(word, why, datetime.now(tz=timezone.utc).isoformat()))
    campaign.base.extras.set(names.STEERING, [asdict(one) for one in said])
    because = f": {why}" if why else ""
    campaign.logger.report(f"[{campaign.pk}|{campaign.process_label}|{word}]: told to {word}{because}")


class Steered(WorkChain):
    """Base of the WorkChains that submit something for a campaign.

    A subclass puts ``heed`` into its outline wherever it is about to submit, and submits only if ``may_go_on``.
    """

    @cached_property
    def campaign(self) -> orm.ProcessNode | None:
        """The campaign that this process works for; None if it works for itself."""
        node: orm.ProcessNode | None = self.node
        while node is not None and not names.SCREEN.matches(node.process_type):
            node = node.caller
        return node

    def told(self) -> Told:
        """The newest word to the campaign."""
        return Told() if self.campaign is None else told(self.campaign.pk)

    def may_go_on(self) -> bool:
        """Whether the campaign has not been told to stop."""
        return not self.told().stops

    def heed(self) -> None:
        """Pause after this step if the campaign was told to."""
        said = self.told()
        if said.pauses:
            self.pause(f"{PAUSED}{f': {said.why}' if said.why else ''}")

    def on_paused(self, msg: str | None = None) -> None:
        """Begin to look for the word to go on, unless this process alone was paused from outside."""
        super().on_paused(msg)
        if (msg or "").startswith(PAUSED):
            self._look_again()

    def load_instance_state(self, saved_state: Any, load_context: Any) -> None:
        """Go on looking after a worker was killed."""
        super().load_instance_state(saved_state, load_context)  # type: ignore[no-untyped-call]
        if self.paused and (self.status or "").startswith(PAUSED):
            self._look_again()

    def _look_again(self) -> None:
        self.loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        if not self.paused or self.has_terminated():
            return
        if self.told().pauses:
            self._look_again()
        else:
            self.play()
