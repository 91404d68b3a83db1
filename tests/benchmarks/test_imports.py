"""Benchmarks import late what takes long; what they name must be there all the same."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import benchmarks

FILES = sorted(Path(benchmarks.__file__).parent.glob("*.py"))
OURS = ("aiida_mlhull", "benchmarks", "tests")


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_everything_that_is_imported_exists(path):
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or (node.module or "").partition(".")[0] not in OURS:
            continue
        module = import_module(node.module)
        for one in node.names:
            if not hasattr(module, one.name):
                import_module(f"{node.module}.{one.name}")
