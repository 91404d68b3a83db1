"""The page that leads to the one file for a question: each file is there and holds the name."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| .+\? \| `(?P<file>[\w/]+\.py)` \| `(?P<name>\w+)` \|$", re.MULTILINE)
ROWS = [(match["file"], match["name"]) for match in ROW.finditer((ROOT / "docs/topics/where-is-what.md").read_text())]


def test_the_page_has_rows():
    assert len(ROWS) > 20


@pytest.mark.parametrize(("file", "name"), ROWS)
def test_the_file_holds_the_name(file, name):
    defined = set()
    for node in ast.parse((ROOT / "aiida_mlhull" / file).read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            defined.add(node.name)
        elif isinstance(node, ast.AnnAssign | ast.Assign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            defined |= {target.id for target in targets if isinstance(target, ast.Name)}
    assert name in defined
