"""What is written: a page without foreign markup, a JSON twin, tables that no spreadsheet runs."""

from __future__ import annotations

import csv
import json
import re
from io import StringIO

import numpy as np
import pytest

from aiida_mlhull.science.report import FORMAT
from aiida_mlhull.science.report.spreadsheet import guarded, to_csv
from benchmarks.report import HOSTILE


def test_ids_never_stand_in_the_page_as_they_are(report):
    page = report.to_html()
    for name in HOSTILE:
        if "<" in name:
            assert name not in page
    assert not re.search(r"(src|href)=[\"']?https?:", page)  # nothing is fetched


def test_the_twin_says_the_same(report):
    twin = json.loads(report.to_json())
    assert twin["format"] == FORMAT
    assert twin["candidates"]["id"] == report.candidates["id"].tolist()
    energies = np.asarray([np.nan if one is None else one for one in twin["candidates"]["energy"]])
    np.testing.assert_array_equal(energies, report.candidates["energy"])
    assert len(twin["rounds"]) == 3
    assert [one["title"] for one in twin["rounds_said"]] == [f"final, round {i}" for i in (1, 2, 3)]


@pytest.mark.parametrize("text", ["=1+1", "+cmd", "-2", "@SUM(A1)", "\tx", "\rx"])
def test_what_a_spreadsheet_would_run_is_guarded(text):
    assert guarded(text) == f"'{text}"


def test_text_is_guarded_and_numbers_are_not():
    written = to_csv({"id": np.asarray(["=a", "b"]), "value": np.asarray([-1.5, np.nan])})
    assert written == "id,value\n'=a,-1.5\nb,\n"


def test_matbench_columns(report, material):
    rows = list(csv.DictReader(StringIO(report.to_matbench())))
    assert len(rows) == len(material.candidates)
    assert {"material_id", "formula", "n_sites", "volume", "e_form_per_atom_trees_gp", "e_above_hull_mlhull"} <= rows[
        0
    ].keys()
    assert float(rows[9]["volume"]) == pytest.approx(material.candidates.crystals.volumes[9])


def test_written_whole(report, tmp_path):
    report.write(tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == report.to_html()
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]


def test_notebooks_show_the_page_in_a_frame(report):
    shown = report._repr_html_()
    assert shown.startswith("<iframe")
    assert 'sandbox="allow-scripts allow-downloads"' in shown
    assert "<!DOCTYPE" not in shown  # all of it is escaped
