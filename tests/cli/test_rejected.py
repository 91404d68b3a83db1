"""Whom the models of a round dropped, where several stages have such a round."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from aiida_mlhull import names
from tests.cli.conftest import run

NAMES = ("a", "b", "c")


@pytest.fixture
def two_gates(empty_profile):
    """A campaign whose models decided before two stages: what the first one kept, the second one was asked about."""
    from aiida import orm
    from aiida.common.links import LinkType

    from aiida_mlhull.data import DecisionsData

    campaign = orm.WorkChainNode(process_type=names.SCREEN.process_type, label="two gates").store()
    for stage, ids, kept in (("volume", NAMES, 2), ("final", NAMES[:2], 1)):
        rounds = orm.WorkChainNode(process_type=names.ROUND.process_type)
        rounds.base.links.add_incoming(campaign, LinkType.CALL_WORK, f"round_{stage}")
        step = orm.CalcFunctionNode(process_type=names.DECIDE_ROUND.process_type)
        step.base.links.add_incoming(rounds.store(), LinkType.CALL_CALC, "decide")
        node = DecisionsData.from_science(_decided(stage, ids, kept))
        node.base.links.add_incoming(step.store(), LinkType.CREATE, "shard_000")
        node.store()
    return campaign


def _decided(stage, ids, kept):
    from aiida_mlhull.science.types import Decisions

    n = len(ids)
    keep = np.arange(n) < kept
    return Decisions(
        ids=np.array(ids),
        formulas=np.full(n, "GaAs2"),
        keep=keep,
        reasons=np.where(keep, "within_threshold", "above_threshold"),
        values=np.linspace(0.1, 0.3, n),
        thresholds=np.full(n, 0.15),
        margins=0.15 - np.linspace(0.1, 0.3, n),
        scores=np.zeros(n),
        rule="two_sigma",
        stage=stage,
        round=1,
    )


def test_every_stage_is_told_apart(two_gates):
    told = run("rejected", "--round", 1)
    assert told.exit_code == 0, told.output
    volume, final = told.output.split("final, round 1")
    assert "volume, round 1, two_sigma: 3 candidates, 2 kept, 0 kept but waiting for a place, 1 rejected" in volume
    assert [line.split()[0] for line in volume.splitlines() if "above_threshold" in line] == ["c"]
    assert "two_sigma: 2 candidates, 1 kept" in final
    assert [line.split()[0] for line in final.splitlines() if "above_threshold" in line] == ["b"]


def test_a_file_holds_one_stage(two_gates, tmp_path):
    target = tmp_path / "rejected.csv"
    refused = run("rejected", "--round", 1, "-o", target)
    assert refused.exit_code != 0
    assert "before each of volume, final: choose with --stage" in refused.output
    assert not target.exists()
    assert run("rejected", "--round", 1, "--stage", "final", "-o", target).exit_code == 0
    assert [row["id"] for row in csv.DictReader(target.open())] == ["b"]


def test_all_rows_for_programs(two_gates):
    volume, final = json.loads(run("rejected", "--round", 1, "--json").output)
    assert (volume["stage"], volume["candidates"], volume["kept"]) == ("volume", 3, 2)
    assert [row["id"] for row in volume["rejected"]] == ["c"]
    assert [row["id"] for row in final["rejected"]] == ["b"]
