"""The nearest rows that a rule has rejected: the same from one table at a time as from all together."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.data import DecisionsData
from aiida_mlhull.graph.decisions import RoundDecisions
from aiida_mlhull.graph.written.lines import nearest_in_words
from aiida_mlhull.science.tables.export import to_frame
from aiida_mlhull.science.types import Decisions

N = 60


@pytest.fixture(scope="module")
def decided():
    """Three tables whose ids interleave; margins are rounded, so that many are equally near."""
    rng = np.random.default_rng(3)
    keep = rng.random(N) < 0.2
    table = Decisions(
        ids=np.array([f"c{row:03d}" for row in range(N)]),
        formulas=np.full(N, "TiN"),
        keep=keep,
        reasons=np.where(keep, "within_threshold", np.where(rng.random(N) < 0.3, "batch_full", "above_threshold")),
        values=rng.random(N),
        thresholds=np.zeros(N),
        margins=-np.round(rng.random(N), 1),
        scores=rng.random(N),
        rule="two_sigma",
        stage="final",
        round=2,
    )
    nodes = [DecisionsData.from_science(table.take(range(shard, N, 3))) for shard in range(3)]
    return table, RoundDecisions(nodes, {})


@pytest.mark.parametrize("limit", [0, 1, 7, 1000])
def test_the_nearest_are_the_first_of_all(decided, limit):
    _, found = decided
    whole = found.nearest()
    assert found.nearest(limit).to_dict("records") == whole.head(limit).to_dict("records")
    by_margin = to_frame(found.rejected).sort_values("margin", ascending=False, kind="stable")
    assert whole.id.tolist() == by_margin.id.tolist()
    shown = nearest_in_words(found, limit).split("\n")[3:-1]  # after the headers
    assert [line.split()[0] for line in shown] == whole.id.head(limit).tolist()
    assert not {"batch_full", "within_threshold"} & set(found.nearest().reason)


def test_counts_are_those_of_the_rows(decided):
    table, found = decided
    assert (found.stage, found.number, found.rule, found.asked) == ("final", 2, "two_sigma", N)
    assert found.kept == int(table.keep.sum())
    assert found.waiting == int((table.reasons == "batch_full").sum())
    assert found.n_rejected == len(found.rejected) == len(found.nearest())


def test_counting_opens_no_table(decided, monkeypatch):
    found = decided[1]
    monkeypatch.setattr(DecisionsData, "_files", lambda _: pytest.fail("a table was opened"))
    assert found.asked == found.kept + found.waiting + found.n_rejected
