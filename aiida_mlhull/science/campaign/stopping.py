"""After every batch: what the results so far amount to, and whether to go on."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from aiida_mlhull.science.campaign.promise import claim
from aiida_mlhull.science.campaign.settings import CampaignSettings, StageSettings
from aiida_mlhull.science.hull import distances, with_results
from aiida_mlhull.science.triage.base import states_chances
from aiida_mlhull.science.types import Decisions, Labels, References
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.strict import amount
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.units import MEV_PER_EV, ON_HULL_TOLERANCE

GO_ON: Final = ""
ROUNDS_DONE: Final = "rounds_done"
BUDGET_SPENT: Final = "budget_spent"
QUIET: Final = "quiet_rounds"
PROMISE_KEPT: Final = "promise_kept"
NOTHING_KEPT: Final = "rule_keeps_nothing"
NOBODY_WAITS: Final = "nobody_waits"


def assess(
    results: Labels,
    references: References,
    settings: CampaignSettings,
    *,
    stage: StageSettings,
    number: int,
    total: int,
    waiting: int,
    previous: dict[str, Any] | None = None,
    left: Decisions | None = None,
) -> dict[str, Any]:
    """Take stock after round ``number`` of a stage's gate (0: after the start set).

    Args:
        results: of the last stage so far.
        references: known phases.
        settings: of the campaign.
        stage: the stage whose gate is at work.
        number: rounds done.
        total: number of candidates of the campaign.
        waiting: candidates that could still be relaxed.
        previous: what this function returned after the round before.
        left: what the round has decided; those that it dropped wait still. None after the start set.

    Returns:
        JSON: ``stage``, ``round``, ``waiting``, ``relaxed``, ``failed``, ``core_minutes``, ``stable`` (ids on the
        hull of references and results), ``new_phases``, ``median_e_above_hull_mev`` (of the results), ``quiet_rounds``
        (rounds in a row without a change of the hull), ``promise`` (see
        :func:`~aiida_mlhull.science.campaign.promise.claim`; None where the rule gives no chances), and ``stop``: why not
        to go on, or empty.
    """
    done = results.take(results.succeeded)
    height = distances(done.formulas, done.energies, with_results(references, done)).e_above_hull
    stable = done.ids[height <= ON_HULL_TOLERANCE].tolist()
    before = set() if previous is None else set(previous["stable"])
    quiet = 0 if previous is None or set(stable) != before else previous["quiet_rounds"] + 1
    promise = _promise(done.ids, height, left, stage, previous)
    if waiting == 0:
        stop = NOBODY_WAITS
    elif stage.gate is None or number >= stage.gate.rounds:
        stop = ROUNDS_DONE
    elif previous is not None and previous["waiting"] == waiting:
        stop = NOTHING_KEPT
    else:
        stop = _enough(settings, relaxed=len(results), total=total, promise=promise, quiet=quiet)
    return {
        "stage": stage.name,
        "round": number,
        "waiting": waiting,
        "relaxed": len(results),
        "failed": int((~results.succeeded).sum()),
        "core_minutes": float(results.core_minutes.sum()),
        "stable": stable,
        "new_phases": sorted(set(stable) - before),
        "median_e_above_hull_mev": float(np.median(height) * MEV_PER_EV) if len(height) else None,
        "quiet_rounds": quiet,
        "promise": promise,
        "stop": stop,
    }


def claims(stage: StageSettings) -> bool:
    """Whether a promise is made at a stage's gate, so that what a round has decided is looked at."""
    return stage.gate is not None and states_chances(stage.gate.make_rule())


def _promise(
    ids: Strings, height: Floats, left: Decisions | None, stage: StageSettings, previous: dict[str, Any] | None
) -> dict[str, Any] | None:
    if left is None or stage.gate is None or not claims(stage):
        return None
    rule = stage.gate.make_rule()
    before = None if previous is None else previous.get("promise")  # earlier versions made no claim
    return claim(height, ids, left, window=rule.settings.window, before=before)


def _enough(settings: CampaignSettings, *, relaxed: int, total: int, promise: dict[str, Any] | None, quiet: int) -> str:
    """Why the campaign has had enough, by what was asked of it; empty to go on."""
    if settings.budget is not None and relaxed >= amount(settings.budget, total):
        return BUDGET_SPENT
    if promise is not None and settings.stop.promise is not None and promise["claim"] >= settings.stop.promise:
        return PROMISE_KEPT
    return QUIET if _quiet_enough(settings, quiet=quiet, relaxed=relaxed, total=total) else GO_ON


def _quiet_enough(settings: CampaignSettings, *, quiet: int, relaxed: int, total: int) -> bool:
    patience = settings.stop.quiet_rounds
    return patience is not None and quiet >= patience and relaxed >= settings.stop.min_share * total
