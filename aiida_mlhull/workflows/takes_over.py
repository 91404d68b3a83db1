"""What a campaign does with the results, draws and decisions of an earlier one."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Final

from aiida_mlhull import names
from aiida_mlhull.calculations import functions
from aiida_mlhull.calculations.base import count_of
from aiida_mlhull.calculations.taking_over import pick_results, take_over
from aiida_mlhull.job_pool.steering import Steered
from aiida_mlhull.science.campaign.settings import CampaignSettings, StageSettings

TAKEN_OVER: Final = "earlier"
"""Name of the increment that an earlier campaign's results make, which a shard's others come after."""


class TakesOver(Steered):
    """Base of the campaign's WorkChain: results that are there already count, wherever they would be relaxed.

    Results become the first increments of their stages. A start set that an earlier campaign has drawn is gone through
    again, stage by stage, without what is done; the last round at a gate is finished before another one begins.
    The names in the context are those of :class:`~aiida_mlhull.workflows.screen.Screen`.
    """

    @property
    @abstractmethod
    def settings(self) -> CampaignSettings:
        """The campaign's settings."""

    @property
    @abstractmethod
    def stage(self) -> StageSettings:
        """Settings of the stage at hand."""

    @staticmethod
    @abstractmethod
    def slot(index: int) -> str:
        """Name of a stage among the parts of the context."""

    @abstractmethod
    def increments(self, index: int) -> dict[str, dict[str, Any]]:
        """What came out of stage ``index`` so far, by shard and increment."""

    @abstractmethod
    def remember(self, kind: str, decisions: dict[str, Any]) -> None:
        """Keep decisions for the outcome."""

    @abstractmethod
    def has_gate(self) -> bool:
        """Whether models decide which candidates enter the stage."""

    def earlier(self, part: str, stage: str | None = None) -> dict[str, Any]:
        """What there is to take over: results, draws, rounds, ..., of a stage."""
        found = dict(self.inputs.get(names.EARLIER, {}).get(part, {}))
        return found if stage is None else dict(found.get(stage, {}))

    def results_taken_over(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Results of an earlier campaign as the first increments, by stage, shard and number."""
        increments: dict[str, dict[str, dict[str, Any]]] = {}
        for index, stage in enumerate(self.settings.stages):
            tables = self.earlier("results", stage.name)
            for key, shard in self.inputs.candidates.items() if tables else ():
                found = take_over(shard, self.inputs.earlier.retry, **tables)
                if names.LABELS in found:
                    increments.setdefault(self.slot(index), {})[key] = {TAKEN_OVER: found[names.LABELS]}
        return increments

    def draw_left(self) -> bool:
        """Whether an earlier campaign has drawn a start set that this one has not gone through yet."""
        return bool(self.ctx.at["draw"] < len(self.earlier("draws", self.stage.name)))

    def take_over_draw(self) -> None:
        """Go through an earlier campaign's start set, of which part may be relaxed already."""
        draws, at = self.earlier("draws", self.stage.name), self.ctx.at
        self.ctx.chosen = dict(draws[sorted(draws)[at["draw"]]])
        at["starting"], at["draw"] = True, at["draw"] + 1
        self.remember("start", self.ctx.chosen)

    def not_done(self, key: str, chosen: Any) -> Any:
        """The chosen rows of a shard without those that were taken over."""
        done = self.increments(self.ctx.at["relaxing"]).get(key, {})
        if TAKEN_OVER not in done or not count_of(chosen):
            return chosen
        return functions.still_waiting(chosen, **{TAKEN_OVER: done[TAKEN_OVER]})

    def add_taken_over(self) -> None:
        """A start set goes on with all of its rows: those that were relaxed now, and those that were taken over."""
        at, new = self.ctx.at, self.ctx.labels["new"]
        for key, chosen in self.ctx.chosen.items() if at["starting"] else ():
            done = self.increments(at["relaxing"]).get(key, {})
            if TAKEN_OVER not in done or not count_of(chosen):
                continue
            tables = {TAKEN_OVER: done[TAKEN_OVER], **({"new": new[key]} if key in new else {})}
            found = pick_results(chosen, **tables)
            if names.LABELS in found:
                new[key] = found[names.LABELS]

    def round_left(self) -> bool:
        """Whether an earlier campaign has decided at this gate; part of its last round may not be relaxed yet."""
        return self.has_gate() and bool(self.earlier("rounds", self.stage.name)) and self.may_go_on()

    def take_over_round(self) -> None:
        """Go on with the rows that the earlier campaign's last round chose."""
        decided = self.earlier("rounds", self.stage.name)
        self.remember("round", decided)
        self.ctx.at["round"] = max(node.base.attributes.get("round") for node in decided.values())
        self.ctx.chosen = decided
