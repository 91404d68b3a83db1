"""A campaign that has ended, in words: funnel, rounds, what the models claim, costs, phases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull import names
from aiida_mlhull.graph import results
from aiida_mlhull.graph.costs import entries
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.science.metrics import CampaignCost

STOPS: Final = {
    "rounds_done": "all rounds are done",
    "budget_spent": "the budget is spent",
    "told_to_stop": "it was told to stop",
    "quiet_rounds": "no new phase for several rounds",
    "promise_kept": "the models claim to have found what was asked for",
    "rule_keeps_nothing": "the rule keeps nothing more",
    "nobody_waits": "no candidate is left",  # prose: ok, a code word that is stored
}
"""Why a campaign stops to ask the models, in words."""

PHASES_SHOWN: Final = 40

LEAST_SHARE: Final = 0.005
"""A campaign in which all candidates go through all stages has no savings to report."""


def summary(campaign: Campaign) -> str:
    """Everything that a report says of a campaign that has ended well."""
    state = campaign.status()
    stop = state.stop
    why = STOPS.get(stop, stop) or "no models were asked"
    head = f"Campaign {campaign.pk} ({campaign.label}), seed {campaign.settings.seed}: {why}"
    before = ", ".join(f"{one.pk} ({one.label})" for one in campaign.story()[:-1])
    parts = [f"{head}\nIt goes on from {before}; all of it is told together" if before else head]
    parts.append(funnel(campaign.funnel(), started=campaign.n_started()))
    passed = [part for part in (rounds(campaign), batches(campaign)) if part]
    claimed = [promise(state.promise)] if state.promise else []
    return "\n\n".join([*parts, *passed, *claimed, costs(campaign), phases(campaign)])


def promise(told: Mapping[str, Any]) -> str:
    """What the models claim to have found, and what an audit without models could certify."""
    audits = ", ".join(f"{share:.1%} with {size} rows" for size, share in told["audits"].items())
    return "Near the hull (within the rule's window), by the model\n" + text.pairs(
        [
            ("found", told["found"]),
            ("expected among those that wait", f"{told['expected_left']:.1f}"),
            ("claim", f"{told['claim']:.1%} found"),
            ("without models, at 95 %", f"a random audit that finds nothing would certify {audits}"),
        ]
    )


def funnel(counts: dict[str, int], *, started: int) -> str:
    """From all candidates to the hull."""
    named = {key.removeprefix("reason:"): n for key, n in counts.items() if key.startswith("reason:")}
    reasons = [(f"  {code}", n) for code, n in sorted(named.items(), key=lambda one: (-one[1], one[0]))]
    return "Funnel\n" + text.pairs(
        [
            ("candidates", counts["candidates"]),
            *([("start set", started)] if started else []),
            ("relaxed to the end", counts["relaxed"]),
            ("on the hull", counts["on_hull"]),
            ("failed", counts["failed"]),
            ("merged with another", counts["merged"]),
            ("dropped", counts["dropped_by_rule"]),
            *reasons,
        ]
    )


def rounds(campaign: Campaign) -> str:
    """What the models decided, round by round."""
    counts = results.rounds(campaign.pk)
    if not counts:
        return ""
    headers = ("stage", "round", "asked", "kept", "waiting", "rejected", "relaxed", "on hull", "new")
    return "Rounds\n" + text.table(headers, map(astuple, counts), indent="  ")


def batches(campaign: Campaign) -> str:
    """What every batch has found below the hull of what was known before; nothing where there is one alone."""
    scores = results.batches(campaign.node)
    if len(scores) < 2:  # noqa: PLR2004  (there is nothing to compare a single one with)
        return ""
    headers = ("batch", "calculated", "failed", "below", "precision", "so far", "times the start set's")
    rates = [map(text.share, (one.precision, one.precision_so_far, one.enrichment)) for one in scores]
    rows = [(one.batch, one.calculated, one.failed, one.below, *more) for one, more in zip(scores, rates, strict=True)]
    return "Found below the hull of what was known, by batch\n" + text.table(headers, rows, indent="  ")


def costs(campaign: Campaign) -> str:
    """The ledger in core-minutes, the models' own time included."""
    headers = ("what", "by", "runs", "failed", "core-minutes", "each", "cost")
    rows = [
        (*start, text.core_minutes(minutes), text.core_minutes(each), cost)
        for *start, minutes, each, cost in entries(campaign.node)
    ]
    spent, without, saved = campaign.savings()
    share = f" ({saved:.0%} saved)" if saved > LEAST_SHARE else ""
    return (
        f"Ledger\n{text.table(headers, rows, indent='  ')}\n  altogether {text.core_minutes(spent)} core-minutes; every "
        f"candidate through every stage would cost {text.core_minutes(without)}{share}{_equivalents(campaign.equivalents())}"
    )


def _equivalents(cost: CampaignCost | None) -> str:
    if cost is None:
        return ""
    return (
        f"\n  the stages cost as much as {cost.full_chains:,.1f} candidates through all of them, or "
        f"{cost.last_stage_equivalents:,.1f} through the last one, dropped ones counted by their share"
    )


def phases(campaign: Campaign) -> str:
    """The candidates on the hull."""
    from aiida_mlhull.science.campaign.results import formation_energies

    labels = campaign.phases()
    if not len(labels):
        return "No candidate lies on the hull: the known phases are the stable ones."
    pks = {name: str(pk) for name, pk in campaign.structures().items()}
    formation = formation_energies(labels, campaign.node.inputs[names.REFERENCES].to_science()).tolist()
    order = sorted(range(len(labels)), key=lambda row: (str(labels.formulas[row]), str(labels.ids[row])))
    rows = [
        (
            labels.formulas[row],
            f"{labels.energies[row]:.4f}",
            f"{formation[row]:.4f}",
            labels.ids[row],
            pks.get(str(labels.ids[row])),
        )
        for row in order[:PHASES_SHOWN]
    ]
    table = text.table(("formula", "E (eV/atom)", "E_form (eV/atom)", "id", "structure"), rows, indent="  ")
    more = f"\n  ... and {len(labels) - PHASES_SHOWN} more; all with --output DIR" if len(labels) > PHASES_SHOWN else ""
    return f"New phases on the hull\n{table}{more}"
