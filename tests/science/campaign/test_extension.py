"""What an extension may say, and what of the earlier campaign counts after it."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.campaign import campaign_settings, results_of, taken_over
from aiida_mlhull.science.campaign.extension import check_extension, gates_kept, next_name, stages_kept
from aiida_mlhull.science.errors import InputError, SettingsError
from tests.arsenides import choice, simplest

GATE = {"rule": "two_sigma", "rounds": 2}
EARLIER = campaign_settings(
    {
        "name": "nitrides",
        "budget": 10,
        "stages": [
            {"name": "first", "engine": "potential"},
            {"name": "final", "engine": "recorded", "gate": GATE, "core_minutes": 1},
        ],
    }
)


def test_names_count_up():
    assert [next_name(name) for name in ("nitrides", "nitrides-2", "Ti-N-9", "x-2b")] == [
        "nitrides-2",
        "nitrides-3",
        "Ti-N-10",
        "x-2b-2",
    ]


def test_only_what_is_said_differs(tmp_path):
    dumped = EARLIER.model_dump(mode="json")
    same = check_extension({}, folder=tmp_path).settings(dumped)
    assert same == EARLIER.model_copy(update={"name": "nitrides-2"})
    more = check_extension({"budget": 0.5, "overrides": {"stop": {"quiet_rounds": 3}}}, folder=tmp_path)
    changed = more.settings(dumped)
    assert (changed.budget, changed.stop.quiet_rounds, changed.stages) == (0.5, 3, EARLIER.stages)


def test_another_rule_is_that_of_every_gate(tmp_path):
    said = check_extension({"rule": "top_n", "rule_settings": {"n": 5}}, folder=tmp_path)
    changed = said.settings(EARLIER.model_dump(mode="json"))
    assert changed.stages[0].gate is None
    assert (changed.stages[1].gate.rule, changed.stages[1].gate.rule_settings) == ("top_n", {"n": 5})
    assert changed.stages[1].gate.rounds == 2
    assert stages_kept(EARLIER, changed) == ["first", "final"]
    assert gates_kept(EARLIER, changed) == ["first"]


def test_a_stage_that_is_done_otherwise_does_not_count(tmp_path):
    stages = EARLIER.model_dump(mode="json")["stages"]
    cheaper = [{**stages[0], "settings": {"potential": "chgnet", "volume": "predicted"}}, stages[1]]
    changed = check_extension({"overrides": {"stages": cheaper}}, folder=tmp_path).settings(
        EARLIER.model_dump(mode="json")
    )
    assert stages_kept(EARLIER, changed) == ["final"]
    other = [stages[0], {**stages[1], "name": "last"}]
    changed = check_extension({"overrides": {"stages": other}}, folder=tmp_path).settings(
        EARLIER.model_dump(mode="json")
    )
    with pytest.raises(InputError, match="the last stage, last, is done otherwise than in campaign nitrides"):
        stages_kept(EARLIER, changed)


def test_paths_are_relative_to_the_file_and_wrong_keys_are_named(tmp_path):
    said = check_extension({"candidates": "more.cif", "references": "new.json"}, folder=tmp_path)
    assert said.candidates[0].file == tmp_path / "more.cif"
    assert said.references.file == tmp_path / "new.json"
    with pytest.raises(SettingsError, match=r"budgt: unknown key .*budget"):
        check_extension({"budgt": 3}, folder=tmp_path)
    with pytest.raises(SettingsError, match="no reason of that code: tired"):
        check_extension({"retry": ["tired"]}, folder=tmp_path)


def lost(record, rows, reason):
    """The record with failures in these rows."""
    from dataclasses import replace

    energies, failures = record.energies.copy(), record.failures.astype(object)
    energies[rows], failures[rows] = np.nan, reason
    return replace(record, energies=energies, failures=failures.astype(np.str_))


def test_the_last_table_counts_and_lost_jobs_are_tried_again():
    excerpt = simplest(8)
    shard, record = excerpt.candidates.take(range(6)), excerpt.record
    first = lost(record.take(range(5)), [0, 1, 2], "engine_error: killed")
    second = lost(record.take([1, 3, 7]), [1], "not_converged_ionically")
    found = taken_over(shard, [first, second], retry=["engine_error"])
    assert found.ids.tolist() == record.ids[[1, 3, 4]].tolist()  # 0, 2: lost; 5: never sent; 6, 7: of another shard
    assert found.failures.tolist() == ["", "not_converged_ionically", ""]
    assert found.energies[0] == record.energies[1]
    assert taken_over(shard, [first.take([0])], retry=["engine_error"]) is None
    again = taken_over(shard, [first.take([0])], retry=[])
    assert again.failures.tolist() == ["engine_error: killed"]


def test_results_of_those_that_decisions_keep():
    excerpt = simplest(8)
    chosen = choice(excerpt.candidates, [1, 4, 6])
    found = results_of(chosen, [excerpt.record.take([1, 2]), excerpt.record.take([6, 7])])
    assert found.ids.tolist() == excerpt.record.ids[[1, 6]].tolist()
    assert results_of(chosen, [excerpt.record.take([2, 3])]) is None
