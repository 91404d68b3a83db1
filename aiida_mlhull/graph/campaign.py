"""One campaign, and everything that can be asked about it from Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields
from html import escape
from typing import TYPE_CHECKING, Any

from aiida_mlhull import names
from aiida_mlhull.graph import (
    campaigns,
    comparison,
    costs,
    decisions,
    diagrams,
    history,
    progress,
    results,
    steering,
    story,
)
from aiida_mlhull.graph.screened import screened
from aiida_mlhull.science.errors import InputError, NotReadyError

if TYPE_CHECKING:
    import pandas as pd
    from aiida import orm

    from aiida_mlhull.data import CandidatesData
    from aiida_mlhull.graph.comparison import RoundComparison
    from aiida_mlhull.graph.history import Event
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.campaign.progress import CampaignProgress
    from aiida_mlhull.science.metrics import CampaignCost
    from aiida_mlhull.science.plots import Diagram
    from aiida_mlhull.science.report import Report
    from aiida_mlhull.science.types import Decisions, Labels


class Campaign:
    """A stored campaign: one that runs, that has failed, or that has finished.

    Tables that carry crystals come as nouns of :mod:`aiida_mlhull.science.types`
    (:func:`~aiida_mlhull.science.tables.export.to_frame` makes a pandas frame of any of them), everything that is
    counted or listed as pandas frames.

    Args:
        campaign: its node, pk, UUID or label; the newest campaign if None.

    Raises:
        NotReadyError: if no AiiDA profile is loaded.
        UnknownNameError: if there is no such campaign, or several have that label.
        InputError: if the node is not a campaign's.
    """

    def __init__(self, campaign: orm.ProcessNode | int | str | None = None) -> None:
        from aiida.manage.configuration import get_profile

        if get_profile() is None:
            raise NotReadyError("no AiiDA profile is loaded: call aiida.load_profile() first")
        self.node: orm.ProcessNode
        if campaign is None:
            self.node = campaigns.find(None)
        elif isinstance(campaign, int | str):
            self.node = campaigns.find(str(campaign))
        else:
            self.node = campaign

    def __repr__(self) -> str:
        return f"Campaign({self.pk}, {self.label!r}, {campaigns.process_state(self.node)})"

    def _repr_html_(self) -> str:
        """State and rounds, for notebooks."""
        title = f"<b>Campaign {self.pk}</b> ({escape(self.label)}): {escape(campaigns.process_state(self.node))}"
        state = self.status()
        if state.stage:
            title += (
                f"<br>{escape(state.stage)}, round {state.round}: {state.relaxed} relaxed, {state.stable} on the hull, "
                f"{state.waiting} wait"
            )
        return f"<div>{title}{self.rounds().to_html(index=False)}</div>"

    @property
    def pk(self) -> int | None:
        """Pk of its node."""
        return self.node.pk

    @property
    def label(self) -> str:
        """What it is called."""
        return str(self.node.label)

    @property
    def settings(self) -> CampaignSettings:
        """Its settings."""
        from aiida_mlhull.calculations.settings import settings_of
        from aiida_mlhull.science.campaign import CampaignSettings

        return settings_of(self.node.inputs[names.SETTINGS], CampaignSettings)

    def status(self) -> campaigns.State:
        """How far it is."""
        return campaigns.state(self.node)

    def progress(self) -> CampaignProgress:
        """How far every stage is: done, failed, running, queued, waiting; rate, time left, spend, last failures.

        A few queries, whatever the campaign's size; to be asked every few seconds.
        """
        return progress.progress(self.node)

    def pause(self, why: str = "") -> None:
        """Let it finish what runs and submit nothing more, until :meth:`resume`; daemons may come and go meanwhile.

        Raises:
            NotReadyError: if it has ended, or was told to stop.
        """
        steering.pause(self.node, why)

    def resume(self, why: str = "") -> None:
        """Let it go on after a pause, also after one of its own.

        Raises:
            NotReadyError: if it doesn't pause.
        """
        steering.resume(self.node, why)

    def stop(self, why: str = "") -> None:
        """Let it finish what runs, and conclude with what is there: outcomes, phases and costs as at any end.

        Raises:
            NotReadyError: if it has ended.
        """
        steering.stop(self.node, why)

    def paused(self) -> list[orm.ProcessNode]:
        """Its processes that wait for a person: a machine couldn't be reached, its disk is full, or so asked."""
        return campaigns.paused(self.node)

    def story(self) -> list[Campaign]:
        """The campaigns that it goes on from, the oldest first, and itself."""
        return [Campaign(node) for node in story.story(self.node)]

    def rounds(self) -> pd.DataFrame:
        """One row per round at a gate: how many were asked, kept, rejected and relaxed.

        Returns:
            A frame with the columns of :class:`~aiida_mlhull.graph.results.RoundCount`.
        """
        import pandas as pd

        counts = [asdict(count) for count in results.rounds(self.pk)]
        frame = pd.DataFrame(counts, columns=[field.name for field in fields(results.RoundCount)])
        return frame.astype({name: "Int64" for name in frame.columns if name != "stage"})

    def batches(self) -> pd.DataFrame:
        """What every batch of the last stage has found below the hull of what was known before.

        Returns:
            A frame with the columns of :class:`~aiida_mlhull.science.metrics.batches.BatchScore`: the start set, then
            round after round.

        Raises:
            InputError: if there are no results yet.
        """
        import pandas as pd

        return pd.DataFrame([asdict(one) for one in results.batches(self.node)])

    def history(self, identifier: str, *, shards: Sequence[CandidatesData] | None = None) -> pd.DataFrame:
        """Everything that the campaign did with a candidate, in order.

        Args:
            identifier: of the candidate.
            shards: that are known to hold it; they are looked for if None.

        Returns:
            A frame: ``pk`` of the node behind a row, ``what`` was decided or done, ``outcome``, ``reason``; ``value``,
            ``threshold`` and ``margin`` in ``unit`` where something was compared; pk and description of the
            ``ensemble`` behind it; the ``campaign`` that did it, where this one goes on from others.

        Raises:
            UnknownNameError: if there is no such candidate.
            InputError: if it is not a candidate of this campaign.
        """
        import pandas as pd

        rows = []
        for event in self.events(identifier, shards=shards):
            value, threshold, margin = event.numbers or (None, None, None)
            ensemble, models = event.models or (None, None)
            what = (event.pk, event.what, event.outcome, event.reason)
            rows.append((*what, value, threshold, margin, event.unit, ensemble, models, event.campaign))
        columns = ["pk", "what", "outcome", "reason", "value", "threshold", "margin", "unit", "ensemble", "models"]
        return pd.DataFrame(rows, columns=[*columns, "campaign"]).astype({"ensemble": "Int64"})

    def events(self, identifier: str, *, shards: Sequence[CandidatesData] | None = None) -> list[Event]:
        """The same, not as a frame; see there."""
        found = history.events(self.node, identifier, shards)
        if not found:
            screened(identifier, campaign=self.node)  # it may have screened it without having decided anything yet
        return found

    def decisions(self, number: int, *, stage: str | None = None) -> list[decisions.RoundDecisions]:
        """What the models decided in round ``number``, one item for every stage that has such a round.

        Raises:
            InputError: if nothing was decided in that round.
        """
        return decisions.round_decisions(self.node, number=number, stage=stage)

    def rejected(self, number: int, *, stage: str | None = None) -> pd.DataFrame:
        """What the models of round ``number`` dropped, stage by stage, nearest to the threshold first.

        Candidates which the rule kept but which found no place in the batch are not among them.

        Args:
            number: of the round.
            stage: only before this stage.

        Returns:
            A frame, one row per candidate: ``id``, ``formula``, ``reason``, ``value``, ``threshold``, ``margin``,
            ``score``, ``rule``, ``stage``, ``round``, ``unit``.

        Raises:
            InputError: if nothing was decided in that round.
        """
        import pandas as pd

        frames = [one.nearest() for one in self.decisions(number, stage=stage)]
        return pd.concat(frames, ignore_index=True)

    def results(self) -> Labels:
        """Results of the last stage: of a campaign that has not ended, those stored so far.

        Raises:
            InputError: if there are none yet.
        """
        return results.results(self.node)

    def outcomes(self) -> Decisions:
        """What became of every candidate, and why: of a campaign that has not ended, as if it stopped now.

        Raises:
            InputError: if no candidate has been considered yet.
        """
        return results.outcomes(self.node)

    def phases(self) -> Labels:
        """The candidates on the hull of references and results.

        Raises:
            InputError: if there are no results yet.
        """
        return results.phases(self.node)

    def structures(self) -> dict[str, int]:
        """Pk of the structure that stands for each phase on the hull, by candidate; empty until the campaign ends."""
        return results.structures(self.pk)

    def started(self) -> list[str]:
        """Ids of the start set, which was relaxed before any model was asked."""
        return results.started(self.pk)

    def n_started(self) -> int:
        """How many these are."""
        return results.n_started(self.pk)

    def funnel(self) -> dict[str, int]:
        """How many candidates ended where, and for which reasons they were dropped.

        Returns:
            What :func:`~aiida_mlhull.science.campaign.outcomes.funnel` returns.
        """
        counts: dict[str, int] = costs.account(self.node)["funnel"]
        return counts

    def costs(self) -> pd.DataFrame:
        """What stages and models cost.

        Returns:
            A frame: ``what`` (stage, or what models did), ``by`` (engine or model), ``runs``, ``failed``,
            ``core_minutes``, ``core_minutes_each``, and whether the ``cost`` was measured or is nominal.
        """
        return costs.ledger(self.node)

    def stages(self) -> dict[str, Any]:
        """Rows, failures and costs of every stage; see :func:`~aiida_mlhull.science.campaign.account.summarize`."""
        by_name: dict[str, Any] = costs.account(self.node)["stages"]
        return by_name

    def savings(self) -> tuple[float, float, float]:
        """Core-minutes spent, core-minutes of every candidate through every stage, and the share that was saved."""
        return costs.savings(self.node)

    def equivalents(self) -> CampaignCost | None:
        """The stages' cost in units of candidates that go through all of them; None if they can't be counted so."""
        return costs.equivalents(self.node)

    def compare_rules(self, number: int = 1, *, stage: str | None = None) -> RoundComparison:
        """What every keep-rule would have done with the predictions of round ``number``.

        Raises:
            InputError: if nothing was decided in that round.
        """
        return comparison.compare_rules(self.node, number=number, stage=stage)

    def systems(self) -> list[str]:
        """Chemical systems that can be drawn, larger ones and those with more new phases first."""
        return ["-".join(elements) for elements in diagrams.systems(self.node)]

    def diagram(self, system: str | None = None, *, interactive: bool = True) -> Any:
        """The phase diagram of a chemical system with what the campaign has found and decided.

        Args:
            system: two to four elements, ``"As-Be-Rb"``; the first of :meth:`systems` if None.
            interactive: a plotly figure, which notebooks show; else a matplotlib figure, for ``savefig``.

        Raises:
            InputError: if there is nothing to draw, or the system has fewer or more elements.
        """
        from aiida_mlhull.science.plots import draw_phase_diagram, interactive_phase_diagram

        if system is None:
            drawable = self.systems()
            if not drawable:
                raise InputError(f"campaign {self.pk} ({self.label}) has no system of two to four elements to draw")
            system = drawable[0]
        ((name, diagram),) = self.diagrams([system]).items()
        title = f"{name}, campaign {self.label}"
        return (interactive_phase_diagram if interactive else draw_phase_diagram)(diagram, title=title)

    def diagrams(self, systems: Sequence[str]) -> dict[str, Diagram]:
        """What phase diagrams of these chemical systems show, before anything is drawn.

        Raises:
            InputError: if there is nothing to draw, or a system has fewer or more than two to four elements.
        """
        return diagrams.diagrams(self.node, [system.split("-") for system in systems])

    def report(self, *, watts_per_core: float | None = None) -> Report:
        """Everything as one page that needs no other file: notebooks show it, ``write`` saves it.

        Works while the campaign runs and after it has failed, too.

        Args:
            watts_per_core: W that a core draws, for the energy that the campaign has used.
        """
        from aiida_mlhull.graph.reported import material
        from aiida_mlhull.science.report import make_report

        return make_report(material(self.node), watts_per_core=watts_per_core)
