"""The page of studies is the one that their files and what was kept of runs give today."""

from __future__ import annotations

import json
import runpy
from pathlib import Path

import pytest

from aiida_mlhull.science.studies import load_study, study_names

GENERATE = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "generate_studies.py"))
KEPT = sorted(GENERATE["KEPT"].glob("*.json"))


def test_the_page_is_up_to_date():
    assert GENERATE["PAGE"].read_text() == GENERATE["page"](), (
        "run 'python docs/generate_studies.py' and commit what it writes"
    )


def test_every_study_has_a_chapter():
    page = GENERATE["PAGE"].read_text()
    for name in study_names():
        assert f"\n## {name}\n" in page
        assert all(f"| {row.name} |" in page for row in load_study(name).rows)


@pytest.mark.parametrize("path", KEPT, ids=[path.stem for path in KEPT])
def test_what_was_kept_is_of_the_settings_of_today(path):
    facts = json.loads(path.read_text())
    name, _, size = path.stem.rpartition(".")
    assert (facts["study"], facts["size"]) == (name, size)
    study = load_study(name)
    assert [row["row"] for row in facts["rows"]] == [row.name for row in study.rows]
    for kept, row in zip(facts["rows"], study.rows, strict=True):
        if kept["runs"]:
            settings = None if row.weights else row.settings(size).model_dump(mode="json")
            assert kept["settings"] == settings, f"{row.name} was run with other settings: run it again"
            assert all(run["versions"] or row.weights for run in kept["runs"])
