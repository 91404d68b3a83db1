"""The page on several ensembles shows the file that it offers; the file replays, and the command line tells who dropped."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from aiida_mlhull.science.campaign import campaign_settings
from tests.cli.conftest import DEMO, Desk, registered, run

__all__ = ["registered"]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "several-ensembles.md"
FILE = PAGE.parent / "data" / "two-ensembles.yaml"
BLOCK = re.compile(r"^```yaml\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def content():
    return yaml.safe_load(FILE.read_text())


def test_the_page_shows_the_file():
    shown, parents = BLOCK.findall(PAGE.read_text())
    assert shown == FILE.read_text()
    after = yaml.safe_load(parents)["overrides"]["ensembles"]
    whole = content()
    whole["ensembles"]["cgcnn_d"] |= after["cgcnn_d"]
    assert campaign_settings(whole).by_name["cgcnn_d"].transfer.mode == "full"
    settings = campaign_settings(content(), protocol="laptop-plain")
    assert settings.models == "cgcnn_d: 5 x cgcnn, wren: 5 x wren"


def test_dry_run_lists_both(registered, tmp_path):
    desk = Desk(tmp_path)
    path = desk.campaign(protocol="laptop-plain", overrides=content() | {"start": 20})
    result = run("launch", path, "--dry-run")
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "models cgcnn_d: 5 x cgcnn, both cells wren: 5 x wren, unrelaxed cells" in said
    assert "final recorded committee, 4 rounds" in said
    assert "jobs of models and potentials: at most 48," in said  # 4 rounds of 2 x (5 members + 1 shard)


@pytest.mark.slow
def test_the_file_replays(registered, tmp_path):
    """With two members of two epochs each, one round and a rule that drops some; Wren and CGCNN-D are what they are."""
    desk, small = Desk(tmp_path), content()
    gate = {"batch": 6, "rounds": 1, "rule_settings": {"rule": "top_n", "settings": {"n": 5}}}
    small["stages"][0]["gate"] |= gate
    small["start"] = 20
    for one in small["ensembles"].values():
        one |= {"members": 2, "model_settings": {"max_epochs": 2}}
    (tmp_path / "small.yaml").write_text(yaml.safe_dump(small))
    words = ["--references", DEMO / "competing_phases.parquet", "--elements", DEMO / "elements.json"]
    words += [
        "--protocol",
        "laptop-plain",
        "--overrides",
        tmp_path / "small.yaml",
        "--scores",
        tmp_path / "scores.json",
    ]
    result = run("replay", desk.table(), *words)
    assert result.exit_code == 0, result.output
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert scores["n_relaxed"] == 24  # the protocol's budget: 40 % of 59
    told = run("rejected", "--round", 1)
    assert told.exit_code == 0, told.output
    assert re.search(r"^models: ensemble \d+, cgcnn_d: 2 x cgcnn$", told.output, re.MULTILINE)
    assert re.search(r"^models: ensemble \d+, wren: 2 x wren$", told.output, re.MULTILINE)
    assert re.search(r"rank_above_n: (cgcnn_d, wren|wren, cgcnn_d)", told.output)
    dropped = json.loads(run("rejected", "--round", 1, "--json").output)[0]["rejected"]
    told = run("history", dropped[0]["id"])
    assert dropped[0]["reason"] in told.output
    first = dropped[0]["reason"].removeprefix("rank_above_n: ").split(", ")[0]
    assert re.search(rf"{first}: 2 x (cgcnn|wren) <\d+>", told.output)
