"""What a campaign cost, and what it would have cost without models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from aiida_mlhull.science.campaign.outcomes import funnel
from aiida_mlhull.science.campaign.settings import CampaignSettings
from aiida_mlhull.science.types import Decisions, Labels, concatenate


def summarize(
    outcomes: Sequence[Decisions],
    stages: Mapping[str, Sequence[Labels]],
    settings: CampaignSettings,
    *,
    merged: Mapping[str, Sequence[Decisions]] | None = None,
) -> dict[str, Any]:
    """Funnel and costs.

    Args:
        outcomes: one row per candidate, by shard.
        stages: results of every stage, by shard, in the order of the stages.
        settings: of the campaign.
        merged: what merging after a stage decided, by shard, with the keys of ``stages``.

    Returns:
        JSON: ``funnel`` (see :func:`~aiida_mlhull.science.campaign.outcomes.funnel`), ``stages`` (per
        stage: rows, failures, core-minutes, mean cost of a row and whether it is measured or nominal),
        ``core_minutes`` altogether, ``core_minutes_without_models`` (every candidate through all
        stages at the mean cost of each), ``saved_fraction`` of the latter, and ``merging``: by stage, how
        many were merged, and how often that was wrong
        (:class:`~aiida_mlhull.science.cleaning.merge.Audit`).
    """
    counts = funnel(outcomes)
    names = [stage.name for stage in settings.stages]
    ledger = {name: _cost(parts) for name, parts in zip(names, stages.values(), strict=False) if parts}
    spent = sum(row["core_minutes"] for row in ledger.values())
    full = counts["candidates"] * sum(row["core_minutes_per_row"] for row in ledger.values())
    return {
        "funnel": counts,
        "stages": ledger,
        "core_minutes": spent,
        "core_minutes_without_models": full,
        "saved_fraction": 1 - spent / full if full else 0.0,
        "merging": {
            names[index]: _audit(merged[slot], stages.get(after, ()))
            for index, (slot, after) in enumerate(_with_next(stages))
            if merged and slot in merged
        },
    }


def in_order(account: Mapping[str, Any], stages: Sequence[str]) -> dict[str, Any]:
    """The same account, stage by stage as they are gone through: PostgreSQL doesn't keep the order of keys.

    Args:
        account: of :func:`summarize`, as it was stored.
        stages: names of the campaign's stages.
    """
    by_stage = {part: account[part] for part in ("stages", "merging") if part in account}
    return {**account, **{part: {name: of[name] for name in stages if name in of} for part, of in by_stage.items()}}


def savings(account: Mapping[str, Any], *, models: Sequence[float]) -> tuple[float, float, float]:
    """What a campaign saved, the time of its models included.

    Args:
        account: of :func:`summarize`.
        models: core-minutes of fits and predictions.

    Returns:
        Core-minutes spent altogether, core-minutes of every candidate through every stage, and the share of the
        latter that was saved (zero where nothing would have been spent).
    """
    spent = account["core_minutes"] + sum(models)
    without = account["core_minutes_without_models"]
    return spent, without, 1 - spent / without if without else 0.0


def _with_next(stages: Mapping[str, Any]) -> list[tuple[str, str]]:
    slots = list(stages)
    return list(zip(slots, [*slots[1:], ""], strict=True))


def _audit(merged: Sequence[Decisions], results: Sequence[Labels]) -> dict[str, Any]:
    from aiida_mlhull.science.cleaning.merge import audit  # noqa: PLC0415  (pymatgen's matcher is slow to import)

    decided = concatenate(list(merged))
    checked = asdict(audit(decided, concatenate(list(results)))) if results else {}
    return {"n_merged": int((~decided.keep).sum()), **checked}


def _cost(parts: Sequence[Labels]) -> dict[str, Any]:
    minutes = np.concatenate([part.core_minutes for part in parts])
    return {
        "rows": len(minutes),
        "failed": sum(int((~part.succeeded).sum()) for part in parts),
        "core_minutes": float(minutes.sum()),
        "core_minutes_per_row": float(minutes.mean()) if len(minutes) else 0.0,
        "cost_basis": parts[0].cost_basis,
        "engine": parts[0].engine,
        "scheme": parts[0].scheme,
    }
