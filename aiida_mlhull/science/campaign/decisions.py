"""The loop's decisions as pure functions: which candidates start, which may enter a stage, which are relaxed next."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.campaign.settings import CampaignSettings, StageSettings
from aiida_mlhull.science.errors import SettingsError, TooFewLabelsError
from aiida_mlhull.science.hull import with_results
from aiida_mlhull.science.types import Candidates, Decisions, Labels, Predictions, References, Table
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, with_detail
from aiida_mlhull.science.types.strict import amount
from aiida_mlhull.science.types.table import Booleans, Strings


def enter_first_stage(candidates: Candidates, *, stage: str) -> Decisions:
    """Who may be considered for the first stage: every candidate."""
    return _undecided(
        candidates, keep=np.ones(len(candidates), dtype=bool), reason=Reason.OPEN, rule="open", stage=stage
    )


def enter_next_stage(labels: Labels, merged: Decisions | None, *, stage: str) -> Decisions:
    """Candidates for the next stage: those that came out of the last one and were not merged.

    Failed relaxations are dropped rows with the failure as reason, merged ones keep the reason
    ``same_as ID`` and the energy difference that was accepted.
    """
    decided = _undecided(labels, keep=labels.succeeded, reason=Reason.OPEN, rule="open", stage=stage)
    failed = ~labels.succeeded
    reasons = decided.reasons.astype(object)
    reasons[failed] = [with_detail(Reason.FAILED, failure) for failure in labels.failures[failed].tolist()]
    values, thresholds, margins = decided.values.copy(), decided.thresholds.copy(), decided.margins.copy()
    keep = decided.keep.copy()
    if merged is not None:
        dropped = merged.take(~merged.keep)
        rows = labels.positions(dropped.ids)
        reasons[rows] = dropped.reasons
        keep[rows] = False
        values[rows], thresholds[rows], margins[rows] = dropped.values, dropped.thresholds, dropped.margins
    return replace(
        decided,
        keep=keep,
        reasons=reasons.astype(np.str_),
        values=values,
        thresholds=thresholds,
        margins=margins,
    )


def still_waiting(pool: Decisions, done: Labels | None) -> Decisions:
    """Who is in the pool and did not go through the stage yet; a stage without a gate lets them all in."""
    waiting = pool.take(pool.keep)
    if done is not None:
        waiting = waiting.without(done.ids)
    return _undecided(
        waiting, keep=np.ones(len(waiting), dtype=bool), reason=Reason.OPEN, rule="open", stage=pool.stage
    )


def choose_start(pool: Decisions, settings: CampaignSettings, *, total: int, have: int = 0) -> Decisions:
    """Draw the start set: spread over the compositions, random within them.

    The formulas are visited in a random order, round after round, and give one candidate each time,
    so that no composition stays without a label while another has many.

    Args:
        pool: candidates that may enter the stage.
        settings: of the campaign; ``start`` and ``seed`` are read.
        total: number of candidates of the campaign, which shares refer to.
        have: results that models can learn from already; if some of an earlier draw failed, only as
            many as are missing are drawn.

    Raises:
        TooFewLabelsError: if the pool is smaller than what the models need.
    """
    open_rows = pool.take(pool.keep)
    wanted = check_start(settings, candidates=len(open_rows), total=total, have=have)
    chosen = spread_over_formulas(open_rows.formulas, wanted, seed=settings.seed)
    keep = np.zeros(len(open_rows), dtype=bool)
    keep[chosen] = True
    decided = _undecided(open_rows, keep=keep, reason=Reason.START_SET, rule="start", stage=pool.stage)
    return replace(decided, reasons=np.where(keep, Reason.START_SET, Reason.NOT_IN_START_SET))


def check_start(settings: CampaignSettings, *, candidates: int, total: int, have: int = 0) -> int:
    """How many candidates are to be drawn, see :func:`choose_start`.

    Raises:
        TooFewLabelsError: if these can't teach the models, or there aren't so many.
    """
    needed = settings.needed_labels - have
    wanted = needed if have else amount(settings.start, total)
    if min(wanted, candidates) < needed:
        raise TooFewLabelsError(
            f"{min(wanted, candidates)} candidates to start with ({candidates} are open), "
            f"but this ensemble needs at least {needed} labels; bring more candidates or raise 'start'"
        )
    return wanted


def spread_over_formulas(formulas: Strings, wanted: int, *, seed: int) -> NDArray[np.int64]:
    """Row numbers of ``wanted`` rows, taken in turns from every formula."""
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(len(formulas))
    _, group = np.unique(formulas, return_inverse=True)
    sizes = np.bincount(group)
    together = np.argsort(group[shuffled], kind="stable")
    turn = np.empty(len(formulas), dtype=np.int64)
    turn[together] = np.arange(len(formulas)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    order = shuffled[np.argsort(turn, kind="stable")]
    return np.sort(order[:wanted])


def decide_round(
    predictions: Predictions,
    results: Labels,
    references: References,
    settings: CampaignSettings,
    *,
    stage: StageSettings,
    number: int,
    total: int,
) -> Decisions:
    """Apply the gate's rule, then cut what it keeps to the batch and to the budget, best first.

    Args:
        predictions: of all rows that wait before the stage.
        results: of the last stage so far.
        references: known phases.
        settings: of the campaign; budget and seed are read.
        stage: the stage with the gate.
        number: of the round, from 1.
        total: number of candidates of the campaign, which shares refer to.

    Returns:
        One row a prediction. Rows that the rule keeps but that must wait are dropped for this round
        with the reason ``batch_full``; their value, threshold and margin stay the rule's.

    Raises:
        SettingsError: if the stage has no gate.
    """
    if stage.gate is None:
        raise SettingsError(f"stage {stage.name} has no gate to decide at")
    known = with_results(references, results)
    decided: Decisions = stage.gate.make_rule().decide(predictions, known, seed=settings.seed + number)
    room = len(decided) if stage.gate.batch is None else amount(stage.gate.batch, total)
    if settings.budget is not None:
        room = min(room, max(amount(settings.budget, total) - len(results), 0))
    kept = np.flatnonzero(decided.keep)
    # Highest score first; chances of one tie often, then the widest margin counts, then the id.
    waiting = kept[np.lexsort((-decided.margins[kept], -decided.scores[kept]))][room:]
    keep, reasons = decided.keep.copy(), decided.reasons.astype(object)
    keep[waiting] = False
    reasons[waiting] = Reason.BATCH_FULL
    return replace(decided, keep=keep, reasons=reasons.astype(np.str_), stage=stage.name, round=number)


def are_rejected(keep: Booleans, reasons: Strings) -> Booleans:
    """(n,) which rows a round's rule has dropped: those that must wait for a place are not among them."""
    return np.asarray(~keep & (reasons != Reason.BATCH_FULL))


def nearest_rejected(keep: Booleans, reasons: Strings, margins: Floats, *, limit: int | None) -> NDArray[np.int64]:
    """Numbers of the ``limit`` rejected rows (all if None) nearest to the threshold, nearest first; of equally near ones the first."""
    rows = np.flatnonzero(are_rejected(keep, reasons))
    return rows[np.argsort(-margins[rows], kind="stable")[:limit]]


def _undecided(rows: Table, *, keep: Booleans, reason: str, rule: str, stage: str) -> Decisions:
    """Decisions that compare nothing: value, threshold and margin are zero."""
    zeros = np.zeros(len(rows))
    return Decisions(
        ids=rows.ids,
        formulas=rows.formulas,
        keep=keep,
        reasons=np.full(len(rows), reason),
        values=zeros,
        thresholds=zeros,
        margins=zeros,
        scores=zeros,
        rule=rule,
        stage=stage,
    )
