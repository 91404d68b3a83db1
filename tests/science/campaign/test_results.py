"""Rows that become labels, and how they are handed out."""

from __future__ import annotations

import numpy as np

from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.campaign.results import failed, portions
from aiida_mlhull.science.types import Decisions
from aiida_mlhull.science.types.reasons import Reason
from tests.science.campaign.tables import candidates


def chosen(n, keep):
    return Decisions(
        ids=np.asarray([f"c{i:03d}" for i in range(n)]),
        formulas=np.full(n, "LiO"),
        keep=np.isin(np.arange(n), keep),
        reasons=np.full(n, str(Reason.OPEN)),
        values=np.zeros(n),
        thresholds=np.zeros(n),
        margins=np.zeros(n),
        scores=np.zeros(n),
        rule="open",
    )


def test_portions_hold_every_chosen_row_once_and_in_order():
    decisions = chosen(8, keep=[0, 2, 3, 5, 7])
    parts = [part.ids.tolist() for part in portions(decisions, size=2)]
    assert parts == [["c000", "c002"], ["c003", "c005"], ["c007"]]
    assert list(portions(chosen(3, keep=[]), size=2)) == []


def test_lost_jobs_become_rows_with_the_reason_and_without_cost():
    stage = campaign_settings({"stages": [{"name": "final", "engine": "potential"}]}).stages[0]
    rows = failed(candidates(["LiO"] * 3), chosen(3, keep=[1, 2]), stage, reason=str(Reason.ENGINE_ERROR), scheme="PBE")
    assert rows.ids.tolist() == ["c001", "c002"]
    assert not rows.succeeded.any()
    assert np.isnan(rows.energies).all()
    assert rows.core_minutes.tolist() == [0.0, 0.0]
    assert set(rows.failures.tolist()) == {str(Reason.ENGINE_ERROR)}
    assert (rows.stage, rows.engine, rows.scheme) == ("final", "potential", "PBE")
