"""The page about provenance: its Python runs as it stands, and its drawing names the processes that there are."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from aiida import orm

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "topics" / "provenance.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(language: str) -> list[str]:
    return [code for kind, code in BLOCK.findall(PAGE.read_text()) if kind == language]


def test_its_python_runs(campaign, tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, object] = {}
    printed = []
    newest = "filters=names.any_of(names.SCREEN)"
    assert newest in blocks("python")[0]
    for code in blocks("python"):  # other tests may have run campaigns since
        own = code.replace(newest, f'{newest} | {{"id": {campaign.pk}}}', 1)
        exec(compile(own, str(PAGE), "exec"), names)
        printed.append(capsys.readouterr().out)
    assert len(printed) == 5
    assert all(printed[:4])
    assert str(campaign.outputs.summary["funnel"]) in printed[0]
    if "phases" in campaign.outputs:
        assert (tmp_path / "phase.aiida").stat().st_size > 0


def test_its_drawing_names_the_processes_that_there_are(campaign) -> None:
    drawing = blocks("text")[0]
    called = {node.process_label for node in campaign.called_descendants}
    assert {label for label in called if label not in drawing} == set()
    for label in ("Screen", *{one.process_label for one in orm.load_node(campaign.pk).called}):
        assert label in drawing
