"""The tutorial's campaign, run as it is told to be, says what is printed there; so do pages that ask about it."""

from __future__ import annotations

import shlex

import pytest

from tests.cli.conftest import run
from tests.docs.pages import blocks, difference

TUTORIAL = "docs/tutorials/first-campaign.md"


@pytest.mark.slow
@pytest.mark.usefixtures("empty_profile")
def test_the_demo_and_what_is_asked_about_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run("setup").exit_code == 0
    demo = run("demo", "--quick")
    assert demo.exit_code == 0, demo.output
    told = [one for one in blocks(TUTORIAL, "text") if one.mark == "figures may differ"]
    assert len(told) == 2
    for block in told:
        assert difference(demo.output, f"...\n{block.body}...", figures=False) is None, demo.output
    first, *questions = (pair for one in blocks(TUTORIAL, "console") if one.prints for pair in one.commands())
    assert difference(demo.output, f"{first[1]}\n...") is None
    questions += [pair for one in blocks("docs/topics/hull.md", "console") if one.prints for pair in one.commands()]
    assert len(questions) == 3
    for command, printed in questions:
        said = run(*shlex.split(command)[1:]).output
        assert difference(said, printed, figures=False) is None, f"{command}\n{said}"
