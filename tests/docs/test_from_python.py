"""The code of the how-to runs as it is printed, cell by cell."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.arsenides import DEMO
from tests.cli.conftest import Desk, run

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "from-python.md"
CELL = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.mark.slow
@pytest.mark.usefixtures("empty_profile")
def test_every_cell_runs(tmp_path, monkeypatch):
    assert run("setup").exit_code == 0
    Desk(tmp_path).table()
    for name in ("competing_phases.parquet", "elements.json"):
        shutil.copy(DEMO / name, tmp_path)
    monkeypatch.chdir(tmp_path)
    cells = CELL.findall(PAGE.read_text())
    assert len(cells) == PAGE.read_text().count("```python") >= 6
    names: dict[str, object] = {}
    for number, cell in enumerate(cells):
        exec(compile(cell, f"{PAGE.name}, cell {number}", "exec"), names)
    campaign = names["campaign"]
    assert campaign.node.is_finished_ok
    assert len(names["results"]) == 32
    assert len(names["outcomes"]) == 59
    assert names["history"].what.iloc[-1] == "outcome"
    assert (tmp_path / "as-cd-rb.png").read_bytes().startswith(b"\x89PNG")
    assert names["prepared"].inputs.shards[0].label == "arsenides without cadmium"
