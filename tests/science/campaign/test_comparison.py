"""Rules side by side on rows that can be counted by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.campaign import GateSettings
from aiida_mlhull.science.campaign.comparison import compare_rules, in_words
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.triage.committee import as_one, side_by_side
from aiida_mlhull.science.types import Crystals, Labels, Predictions, References

FORMULAS = np.asarray(["TiN", "TiN", "Ti2N"])
KNOWN = References.from_rows(ids=["Ti", "N"], formulas=["Ti", "N2"], energies=np.zeros(2), scheme="PBE")
GATE = GateSettings(rule="top_n", rule_settings={"n": 1})


def predictions():
    """The first two are predicted the wrong way round, by a small margin."""
    means = np.asarray([-0.9, -1.0, 1.0])
    return Predictions(
        ids=np.asarray(["a", "b", "c"]),
        formulas=FORMULAS,
        members=means[:, None] + np.asarray([[-0.1, 0.1]]),
        member_aleatoric=np.full((3, 2), 0.05),
        model="cgcnn",
    )


def record(energies):
    failed = ~np.isfinite(energies)
    cell = Crystals.from_lists([np.eye(3) * 4] * 3, [[22, 7]] * 3, [[[0, 0, 0], [0.5, 0.5, 0.5]]] * 3)
    return Labels(
        ids=np.asarray(["a", "b", "c"]),
        formulas=FORMULAS,
        energies=energies,
        crystals=cell,
        failures=np.where(failed, "not_converged_ionically", ""),
        core_minutes=np.full(3, 10.0),
        stage="final",
        engine="recorded",
        scheme="PBE",
    )


def compare(truth, gate=GATE):
    found = compare_rules(predictions(), KNOWN, record=truth, gate=gate, seed=1, core_minutes_each=10.0)
    return found, {outcome.rule: outcome for outcome in found.outcomes}


def test_against_the_truth():
    found, by_rule = compare(record(np.asarray([-1.1, -1.0, 1.0])))
    assert [(by_rule[name].kept, by_rule[name].precision) for name in ("oracle", "this gate: top_n", "top_n")] == [
        (1, 1.0),
        (1, 0.0),
        (3, pytest.approx(1 / 3)),
    ]
    assert by_rule["two_sigma"].kept == 2  # a lies 0.1 above b, with a σ of 0.11
    assert (by_rule["two_sigma"].recall, by_rule["two_sigma"].precision) == (1.0, 0.5)
    assert by_rule["two_sigma"].saved_core_minutes == 10.0
    assert [outcome.kept for outcome in found.outcomes] == sorted(outcome.kept for outcome in found.outcomes)


def test_several_ensembles_are_combined_in_every_way_and_other_rules_go_by_their_mean():
    one, far = predictions(), replace(predictions(), members=predictions().members - np.asarray([[0.0], [0.0], [2.5]]))
    said = side_by_side({"one": one, "far": far})
    gate = GateSettings(rule="committee", rule_settings={"rule": "top_n", "settings": {"n": 1, "by": "energy"}})
    found = compare_rules(said, KNOWN, record=None, gate=gate, seed=1, core_minutes_each=10.0)
    kept = {outcome.rule: outcome.kept for outcome in found.outcomes}
    assert {name: n for name, n in kept.items() if "committee" in name} == {
        "committee, union": 2,  # b, and c by the one that is wrong by 2.5 eV
        "committee, intersection": 0,
        "committee, mean": 1,
        "this gate: committee": 2,
    }
    assert not any("nothing to combine" in remark for remark in found.remarks)
    alone = compare_rules(as_one(said), KNOWN, record=None, gate=GATE, seed=1, core_minutes_each=10.0)
    assert kept["two_sigma"] == {outcome.rule: outcome.kept for outcome in alone.outcomes}["two_sigma"]


def test_without_truth_there_is_no_oracle_and_no_recall():
    found, by_rule = compare(None)
    assert "oracle" not in by_rule
    assert {outcome.recall for outcome in found.outcomes} == {None}
    assert by_rule["two_sigma"].kept == 2
    assert any(remark.startswith("oracle: the truth is not known") for remark in found.remarks)


def test_rows_without_a_true_energy_are_left_out_and_counted():
    found, by_rule = compare(record(np.asarray([-1.1, np.nan, 1.0])))
    assert found.rows == 2
    assert found.remarks[0] == "1 candidates without a true energy are left out"
    assert by_rule["this gate: top_n"].precision == 1.0
    with pytest.raises(InputError, match="for none of the 3"):
        compare(record(np.full(3, np.nan)))


def test_a_committee_takes_part_where_the_gate_is_one():
    gate = GateSettings(rule="committee", rule_settings={"sizes": [1, 1], "combine": "intersection"})
    found, by_rule = compare(None, gate)
    assert "this gate: committee" in by_rule
    assert not any(remark.startswith("committee") for remark in found.remarks)


def test_in_words_recall_and_precision_stand_where_the_truth_is_known():
    known = in_words(compare(record(np.asarray([-1.1, -1.0, 1.0])))[0])
    header = next(line for line in known.splitlines() if line.startswith("rule"))
    assert header.split("  ")[-1].strip() == "precision"
    row = next(line for line in known.splitlines() if line.startswith("two_sigma"))
    assert row.split() == ["two_sigma", "2", "66.7%", "10.00", "1.000", row.split()[-2], "0.500"]
    assert known.startswith("3 candidates, 10.00 core-minutes each")
    guessed = in_words(compare(None)[0])
    assert "precision" not in guessed.splitlines()[2]
    assert "oracle: the truth is not known" in guessed
