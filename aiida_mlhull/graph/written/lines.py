"""Single answers in words: a campaign's state, a candidate's history, what was nearly kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import TYPE_CHECKING

from aiida_mlhull.graph.campaigns import State
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.graph.decisions import RoundDecisions
    from aiida_mlhull.graph.history import Event


def state_in_words(state: State) -> str:
    """How far a campaign is, for people."""
    return f"Campaign {state.pk} ({state.name})\n" + text.pairs(
        [
            ("state", state.state),
            ("age", age_of(state.begun)),
            ("stage", state.stage or "before the first gate"),
            ("round", state.round),
            ("relaxed", state.relaxed),
            ("on the hull", state.stable),
            ("waiting", state.waiting),
            *([("near ones found", f"{state.promise['claim']:.1%} by the model")] if state.promise else []),
            *([("models stopped", state.stop)] if state.stop else []),
        ]
    )


def age_of(begun: datetime) -> str:
    """How long ago something began, in words."""
    return text.about((datetime.now(tz=timezone.utc) - begun).total_seconds())


def events_in_words(events: Sequence[Event]) -> str:
    """What became of a candidate, one line per event."""
    rows = []
    for event in events:
        ensemble, models = event.models or (None, None)
        behind = models if ensemble is None else f"{models} <{ensemble}>"
        numbers = map(text.number, event.numbers or (None, None, None))
        rows.append((str(event.pk), event.what, event.outcome, event.reason, *numbers, behind))
    return text.table(("pk", "what", "outcome", "why", "value", "threshold", "margin", "models"), rows)


def history_as_json(campaign: Campaign, identifier: str) -> str:
    """Everything that was decided about a candidate, for programs."""
    events = json.loads(campaign.history(identifier).to_json(orient="records"))
    return json.dumps({"id": identifier, "campaign": campaign.pk, "events": events}, indent=2, ensure_ascii=False)


def rejected_as_json(rounds: Sequence[RoundDecisions]) -> str:
    """What the models of a round dropped before every stage, for programs, nearest to the threshold first."""
    told = [
        {
            "stage": one.stage,
            "round": one.number,
            "rule": one.rule,
            "candidates": one.asked,
            "kept": one.kept,
            "waiting": one.waiting,
            "rejected": json.loads(one.nearest().to_json(orient="records")),
        }
        for one in rounds
    ]
    return json.dumps(told, indent=2, ensure_ascii=False)


def round_in_words(one: RoundDecisions) -> str:
    """Who decided, by what rule, and about how many."""
    models = [f"models: ensemble {pk}, {models}" for pk, models in one.ensembles.items()]
    if one.number == 0:
        asked = f"{one.stage}, {one.rule}: {text.count(one.asked, 'candidate')}"
        return "\n".join([*models, f"{asked}, {one.kept} kept, {one.n_rejected} rejected"])
    counts = (
        f"{one.stage or 'stage'}, round {one.number}, {one.rule}: "
        f"{text.count(one.asked, 'candidate')}, {one.kept} kept, {one.waiting} kept but waiting "
        f"for a place, {one.n_rejected} rejected"
    )
    return "\n".join([*models, counts])


def nearest_in_words(one: RoundDecisions, limit: int) -> str:
    """The ``limit`` rejected candidates nearest to the threshold, as a table."""
    found, order = one.nearest_rows(limit)
    if not len(order):
        return ""
    words = (found.ids, found.formulas, found.reasons)
    numbers = (found.values, found.thresholds, found.margins)
    rows = [
        (*(str(column[row]) for column in words), *(text.number(float(column[row])) for column in numbers))
        for row in order.tolist()
    ]
    headers = ("id", "formula", "reason", f"value ({found.unit})", "threshold", "margin")
    return f"\n{text.table(headers, rows)}\n"


def states_in_words(states: Sequence[State]) -> str:
    """Campaigns as a table, a line each."""
    rows = [
        (str(s.pk), s.name, s.state, s.stage or None, s.round, s.relaxed, s.stable, s.waiting, age_of(s.begun))
        for s in states
    ]
    return text.table(("pk", "name", "state", "stage", "round", "relaxed", "on hull", "waiting", "age"), rows)
