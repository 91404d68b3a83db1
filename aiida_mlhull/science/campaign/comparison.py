"""What every keep-rule would have done in one round of a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.campaign.settings import COMMITTEE, GateSettings, StageSettings
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.metrics import score_rules
from aiida_mlhull.science.tables import text
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.triage.committee import Committee, as_one
from aiida_mlhull.science.types import Decisions, Labels, Predictions, References

ORACLE: Final = "oracle"
THIS_GATE: Final = "this gate: "
"""Marks the campaign's own rule with its own settings."""


@dataclass(frozen=True)
class RuleOutcome:
    """What one rule does with the rows of a round.

    Attributes:
        rule: its name.
        kept: rows that it keeps.
        kept_fraction: their share.
        saved_core_minutes: cost of the dropped rows, had they been kept.
        recall: share of the truly stable rows that it keeps; None without truth, NaN where none is stable.
        recall_25mev: share of the rows within 25 meV/atom of the true hull that it keeps; likewise.
        precision: share of the kept rows that are stable; likewise.
    """

    rule: str
    kept: int
    kept_fraction: float
    saved_core_minutes: float
    recall: float | None = None
    recall_25mev: float | None = None
    precision: float | None = None


@dataclass(frozen=True)
class Comparison:
    """All rules on the same rows.

    Attributes:
        rows: how many candidates were decided about.
        core_minutes_each: cost of a row that is kept.
        outcomes: one a rule, most saving first.
        remarks: what is not in the table, and why.
    """

    rows: int
    core_minutes_each: float
    outcomes: tuple[RuleOutcome, ...]
    remarks: tuple[str, ...] = ()


def compare_rules(
    predictions: Predictions,
    known: References,
    *,
    record: Labels | None,
    gate: GateSettings,
    seed: int,
    core_minutes_each: float,
) -> Comparison:
    """Apply every rule with its default settings, and the campaign's own with its own.

    Several ensembles are combined in every way, each by the gate's own rule if that is a committee's; other rules go by
    their mean.

    Args:
        predictions: of the round.
        known: references and the results before the round.
        record: true results, where they are known; rows whose true relaxation failed are left out.
        gate: of the campaign.
        seed: for rules that draw.
        core_minutes_each: cost of a row that is kept.

    Raises:
        InputError: if no predicted row has a true energy.
        MissingEndMembersError: if ``known`` lacks an element.
    """
    remarks = []
    truth = None
    if record is not None:
        truth = true_energies(record, predictions, scheme=known.scheme)
        if len(truth) < len(predictions):
            remarks.append(f"{len(predictions) - len(truth)} candidates without a true energy are left out")
        predictions = predictions.select(truth.ids)
    rules, not_asked = _rules(gate, truth, several=len(predictions.ensembles or {}) > 1)
    one = as_one(predictions)
    decided = {
        name: rule.decide(predictions if isinstance(rule, Committee) else one, known, seed=seed)
        for name, rule in rules.items()
    }
    if truth is None:
        outcomes = _uncertain(decided, core_minutes_each=core_minutes_each)
    else:
        scores = score_rules(decided, truth, known, core_minutes_each=core_minutes_each)
        outcomes = [RuleOutcome(**vars(score)) for score in scores]
    return Comparison(
        rows=len(predictions),
        core_minutes_each=core_minutes_each,
        outcomes=tuple(outcomes),
        remarks=(*remarks, *not_asked),
    )


def true_energies(record: Labels, predictions: Predictions, *, scheme: str) -> References:
    """The true energies of the predicted rows that have one.

    Raises:
        InputError: if there are none.
    """
    done = record.take(record.succeeded & predictions.has(record.ids))
    if not len(done):
        raise InputError(f"the record has a true energy for none of the {len(predictions)} predicted candidates")
    return References(ids=done.ids, formulas=done.formulas, energies=done.energies, source="record", scheme=scheme)


def cost_each(results: Labels, *, stage: StageSettings) -> float:
    """Core-minutes of one relaxation: the mean of the results so far, else what the stage names, else zero."""
    if len(results):
        return float(results.core_minutes.mean())
    return stage.core_minutes or 0.0


def _rules(gate: GateSettings, truth: References | None, *, several: bool) -> tuple[dict[str, Any], list[str]]:
    """Rules by name, ready to decide, and why some are not among them."""
    settings: dict[str, Mapping[str, Any]] = {name: {} for name in sorted(RULES)}
    remarks = []
    del settings[COMMITTEE]
    if not several and gate.rule != COMMITTEE:
        remarks.append(f"{COMMITTEE}: there is one ensemble only, nothing to combine it with")
    if truth is None:
        del settings[ORACLE]
        remarks.append(f"{ORACLE}: the truth is not known, so neither are recall and precision")
    else:
        settings[ORACLE] = {"energies": dict(zip(truth.ids.tolist(), truth.energies.tolist(), strict=True))}
    rules = {name: RULES[name](RULES[name].Settings(**chosen)) for name, chosen in settings.items()}
    if several:
        own = gate.rule_settings if gate.rule == COMMITTEE else {}
        for combine in ("union", "intersection", "mean"):
            rules[f"{COMMITTEE}, {combine}"] = RULES[COMMITTEE](RULES[COMMITTEE].Settings(**own | {"combine": combine}))
    rules[f"{THIS_GATE}{gate.rule}"] = gate.make_rule()
    return rules, remarks


def _uncertain(decided: Mapping[str, Decisions], *, core_minutes_each: float) -> list[RuleOutcome]:
    """What can be said without truth, most saving first."""
    outcomes = []
    for name, table in decided.items():
        kept = int(np.count_nonzero(table.keep))
        outcomes.append(
            RuleOutcome(
                rule=name,
                kept=kept,
                kept_fraction=kept / len(table),
                saved_core_minutes=(len(table) - kept) * core_minutes_each,
            )
        )
    return sorted(outcomes, key=lambda outcome: (outcome.kept, outcome.rule))


def in_words(compared: Comparison) -> str:
    """The comparison for people."""
    shown = any(outcome.recall is not None for outcome in compared.outcomes)
    headers = ["rule", "kept", "share", "saved core-min"]
    headers += ["recall", "recall 25 meV", "precision"] if shown else []
    rows = []
    for one in compared.outcomes:
        row = [one.rule, one.kept, f"{one.kept_fraction:.1%}", text.core_minutes(one.saved_core_minutes)]
        rows.append(row + ([_share(v) for v in (one.recall, one.recall_25mev, one.precision)] if shown else []))
    remarks = "".join(f"\n{remark}" for remark in compared.remarks)
    return (
        f"{text.count(compared.rows, 'candidate')}, {text.core_minutes(compared.core_minutes_each)} core-minutes "
        f"each\n\n{text.table(headers, rows)}\n{remarks}"
    ).rstrip()


def _share(value: float | None) -> str | None:
    return None if value is None or value != value else f"{value:.3f}"  # noqa: PLR0124
