"""The page on gaps that are required is followed with few members, and a requirement that keeps and drops."""

from __future__ import annotations

import shutil

import pytest

from tests.arsenides import DEMO
from tests.cli.conftest import run
from tests.docs.following import Reader, desk_of_a_reader

PAGE = "docs/how-to/require-a-property.md"
WORDS = {
    "--members 5": "--members 1",
    "--members 2": "--members 1",
    "max_epochs: 40, patience: 40": "max_epochs: 39, patience: 39",
    "budget: 60": "budget: 21",
}
"""What the page says, and what is shorter here."""


@pytest.mark.slow
def test_the_page_says_what_its_commands_say(empty_profile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    desk_of_a_reader(tmp_path)
    for file in ("hypothetical_pnictides.parquet", "competing_phases.parquet", "elements.json"):
        shutil.copy(DEMO / file, tmp_path)
    assert run("setup").exit_code == 0
    assert Reader(PAGE, tmp_path, words=WORDS, part="tests/docs/test_property_page.py").follow() == 7
