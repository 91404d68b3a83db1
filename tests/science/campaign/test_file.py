"""The campaign file: what it may say, and one clear message for whatever it may not."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from aiida_mlhull.science.campaign.file import DEFAULT_PROTOCOL, read_campaign_file
from aiida_mlhull.science.errors import MlhullError, SettingsError, WireError

GOOD = {"candidates": "c.parquet", "references": {"file": "r.parquet", "elements": "e.json"}}


@pytest.fixture
def write(tmp_path):
    """Write a campaign file beside the (empty) files that it names."""
    for name in ("c.parquet", "d.parquet", "r.parquet", "e.json"):
        (tmp_path / name).touch()

    def _write(content) -> Path:
        path = tmp_path / "campaign.yaml"
        path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
        return path

    return _write


def test_paths_are_relative_to_the_file(write, tmp_path, monkeypatch):
    monkeypatch.chdir("/")
    read = read_campaign_file(write(GOOD))
    assert [place.file for place in read.candidates] == [tmp_path / "c.parquet"]
    assert read.references.elements == tmp_path / "e.json"
    assert read.protocol == DEFAULT_PROTOCOL


def test_short_forms(write, tmp_path):
    read = read_campaign_file(write({"candidates": ["c.parquet", "d.parquet"], "references": "r.parquet"}))
    assert [place.file.name for place in read.candidates] == ["c.parquet", "d.parquet"]
    assert read.references.file == tmp_path / "r.parquet"


def test_places_in_the_graph_stand_beside_files(write, tmp_path):
    places = [{"node": 12}, {"group": "substituted"}, {"file": "d.parquet"}]
    read = read_campaign_file(write({"candidates": places, "references": {"node": "a1b2c3"}}))
    assert [place.node for place in read.candidates] == ["12", None, None]
    assert read.candidates[1].group == "substituted"
    assert read.candidates[2].file == tmp_path / "d.parquet"
    assert read.references.node == "a1b2c3"
    assert read.paths() == (tmp_path / "d.parquet",)


@pytest.mark.parametrize(
    ("record", "paths"),
    [
        ("d.parquet", ["d.parquet"]),
        (["d.parquet", "r.parquet"], ["d.parquet", "r.parquet"]),
        ({"levels": "d.parquet"}, ["d.parquet"]),
        ({"campaign": 12}, []),
    ],
)
def test_a_record_is_a_file_or_levels_or_what_lies_in_the_graph(write, tmp_path, record, paths):
    read = read_campaign_file(write({**GOOD, "record": record}))
    assert [path.relative_to(tmp_path).name for path in read.record.paths] == paths
    assert (read.record.file is None) == (record != "d.parquet")
    assert read.record.campaign == ("12" if record == {"campaign": 12} else None)


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("auto", "auto"),
        (1234, "1234"),
        ("campaign:12", "campaign:12"),
        ({"final": 1234, "coarse": "campaign:12"}, {"final": "1234", "coarse": "campaign:12"}),
    ],
)
def test_parents_are_one_word_or_one_for_each_gate(write, said, read):
    assert read_campaign_file(write({**GOOD, "parents": said})).parents == read


def test_overrides_are_merged_into_the_protocol(write):
    settings = read_campaign_file(
        write({**GOOD, "protocol": "laptop", "name": "mine", "seed": 7, "overrides": {"ensemble": {"members": 3}}})
    ).settings()
    assert (settings.name, settings.seed, settings.ensemble.members) == ("mine", 7, 3)
    assert settings.ensemble.model == "trees_gp"
    assert [stage.name for stage in settings.stages] == ["potential", "final"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"candidate": "c.parquet"}, ["candidate: unknown key", "known:", "overrides"]),
        ({"protocol": "fast"}, ["unknown protocol 'fast'", "laptop", "ekstrom-2022"]),
        ({"seed": "one"}, ["seed"]),
        ({"seed": -1}, ["seed"]),
        ({"candidates": []}, ["candidates"]),
        ({"candidates": 5}, ["candidates"]),
        ({"references": {"file": "r.parquet", "element": "e.json"}}, ["references.element", "unknown key"]),
        ({"references": {"elements": "e.json"}}, ["references", "exactly one of file, node, shipped (here: none)"]),
        ({"references": {"file": "r.parquet", "node": 3}}, ["exactly one of file, node, shipped (here: file, node)"]),
        ({"references": {"node": 3, "scheme": "PBE"}}, ["a node holds all of this itself", "scheme"]),
        ({"references": {"file": "r.parquet", "corrections": "mp2000"}}, ["references.corrections", "mp2020"]),
        ({"candidates": [{"group": "g", "node": 3}]}, ["candidates.0", "exactly one of file, node, group"]),
        ({"bad_rows": "ignore"}, ["bad_rows", "leave_out"]),
        ({"overrides": {"ensemble": {"model": "gnome"}}}, ["unknown model 'gnome'", "cgcnn", "trees_gp"]),
        (
            {"overrides": {"stages": [{"name": "final", "engine": "recorded", "gate": {"rule": "three_sigma"}}]}},
            ["unknown keep-rule 'three_sigma'", "two_sigma"],
        ),
        ({"overrides": {"rounds": 3}}, ["rounds: unknown key", "stages"]),
        ({"overrides": {"start": "many"}}, ["start"]),
        ({"seed": 1, "overrides": {"seed": 2}}, ["said twice", "seed"]),
        ({"candidates": "nowhere.parquet"}, ["nowhere.parquet", "don't exist"]),
        ({"jobs": 4}, ["jobs"]),
    ],
)
def test_whatever_is_wrong_is_named(write, change, said):
    with pytest.raises(MlhullError) as caught:
        read_campaign_file(write({**GOOD, **change}))
    for words in said:
        assert words in str(caught.value)


def test_all_that_is_wrong_is_told_in_one_go(write):
    stage = {"name": "final", "engine": "recorded", "gate": {"rule": "two_sigm"}}
    wrong = {"sed": 1, "bad_rows": "ignore", "record": "nowhere.parquet"}
    overrides = {"startt": "3%", "budget": "55 percent", "stages": [stage], "ensemble": {"model": "wrenn"}}
    with pytest.raises(SettingsError) as caught:
        read_campaign_file(write({**GOOD, **wrong, "overrides": overrides}))
    told = str(caught.value)
    for words in (
        "sed: unknown key",
        "did you mean 'seed'?",
        "bad_rows: ",
        "nowhere.parquet",
        "did you mean 'start'?",
        "'55 percent' is neither a number of candidates",
        "did you mean 'two_sigma'?",
        "did you mean 'wren'?",
    ):
        assert told.count(words) == 1, told
    assert "at least 1 item" not in told


def test_what_is_left_out_is_missing_and_nothing_more(write):
    with pytest.raises(SettingsError, match=r"^campaign\.yaml: candidates is missing; references is missing$"):
        read_campaign_file(write({"seed": 1}))


@pytest.mark.parametrize("said", ["3%", "3 %", "3.0%"])
def test_shares_in_percent(write, said):
    settings = read_campaign_file(write({**GOOD, "overrides": {"start": said, "budget": "55 %"}})).settings()
    assert (settings.start, settings.budget) == (0.03, 0.55)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "empty"),
        ("- candidates", "list"),
        ("candidates: [a, b", "not valid YAML"),
        ("protocol: laptop\nseed: 1", "candidates"),
    ],
)
def test_files_that_are_no_campaign(write, text, said):
    with pytest.raises(SettingsError, match=said):
        read_campaign_file(write(text))


def test_a_missing_or_binary_file(tmp_path):
    with pytest.raises(WireError, match="can't be read"):
        read_campaign_file(tmp_path / "campaign.yaml")
    (tmp_path / "campaign.yaml").write_bytes(b"\xff\xfe\x00\x9d")
    with pytest.raises(WireError, match="not a text file"):
        read_campaign_file(tmp_path / "campaign.yaml")
