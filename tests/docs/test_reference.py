"""Reference pages are those that the code gives today."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

GENERATE = runpy.run_path(str(Path(__file__).parents[2] / "docs" / "generate_reference.py"))


@pytest.mark.parametrize("name", list(GENERATE["PAGES"]))
def test_the_page_is_up_to_date(name):
    written = (GENERATE["DOCS"] / "reference" / f"{name}.md").read_text()
    assert written == GENERATE["page"](name), "run 'python docs/generate_reference.py' and commit what it writes"


def test_all_that_should_be_there_is_there():
    pages = {name: (GENERATE["DOCS"] / "reference" / f"{name}.md").read_text() for name in GENERATE["PAGES"]}
    assert "## aiida-mlhull references import materials-project" in pages["cli"]
    assert "| `bad_rows` | `refuse` |" in pages["campaign-file"]
    assert all(f"## {point}\n" in pages["processes"] for point in GENERATE["POINTS"]["aiida.workflows"])
    assert all(f"`{point}`" in pages["nodes"] for point in GENERATE["POINTS"]["aiida.data"])
    assert "| 511 | `ERROR_HULL_NOT_CERTIFIED` | `hull_not_certified` |" in pages["exit-codes"]
