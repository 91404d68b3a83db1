"""The house in numbers, as docs/measures.py counts them, stays as CONTRIBUTING has it."""

from __future__ import annotations

import runpy
import textwrap
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEASURES = runpy.run_path(str(ROOT / "docs" / "measures.py"))


@pytest.fixture(scope="module")
def house():
    return MEASURES["measures"](ROOT)


@pytest.mark.parametrize(
    ("what", "value"),
    [
        ("functions over 60 lines", "0"),
        ("folders over 3,000 own lines", "none"),
        ("class names used twice", "none"),
        ("process types without entry point", "none"),
    ],
)
def test_what_there_shall_be_none_of(house, what, value):
    assert house[what] == value


def test_the_command_line_is_click_and_text(house):
    assert int(house["lines in cli/"].replace(",", "")) <= 3000


def test_what_is_wrong_is_counted(tmp_path):
    package = tmp_path / "aiida_mlhull" / "cli"
    package.mkdir(parents=True)
    (package / "one.py").write_text(
        textwrap.dedent(
            """
            from aiida.engine import WorkChain, calcfunction

            Grid = dict[str, int]
            Screen = WorkflowFactory("mlhull.screen")

            class Loop(WorkChain): ...
            class Screen(Loop): ...
            class Named(Loop): ...

            @calcfunction
            def forgotten(): ...
            """
        )
        + "def long():\n"
        + "    pass\n" * 70
    )
    (package / "two.py").write_text("class Grid: ...\n" + "#\n" * 3000)
    (tmp_path / "pyproject.toml").write_text('[project.entry-points."aiida.workflows"]\n"x" = "one:Named"\n')
    found = MEASURES["measures"](tmp_path)
    assert found["longest function"] == "one.long, 71 lines"
    assert found["functions over 60 lines"] == "1"
    assert found["lines in cli/"] == "3,084"
    assert found["folders over 3,000 own lines"] == "aiida_mlhull/cli (3,084)"
    assert found["class names used twice"] == "Grid"
    assert found["process types without entry point"] == "Screen, forgotten"
