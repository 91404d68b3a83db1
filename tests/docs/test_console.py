"""What the pages print is what their commands say; commands that don't run here exist, with the options that are shown."""

from __future__ import annotations

import re
import shlex
import sys
from pathlib import Path

import click
import pytest

from aiida_mlhull.cli import main
from tests.cli.conftest import run
from tests.docs.following import Reader, desk_of_a_reader
from tests.docs.pages import PAGES, ROOT, blocks
from tests.vasp_codes import RECORDED

RUN = {
    "docs/how-to/ask-the-hull.md": {"FILE": "mine.csv", "R": "known.csv"},
    "docs/how-to/from-a-chemical-system.md": {},
    "docs/how-to/from-my-own-crystals.md": {},
    "docs/how-to/plug-ins.md": {},
    "docs/how-to/prospecting.md": {},
    "docs/how-to/references.md": {
        "my-calculations/": f"{RECORDED / 'plain'} --corrections none --elements ti_zn_n_elements.json"
    },
    "docs/how-to/vasp.md": {},
    "docs/installation.md": {
        "CLUSTER": "localhost",
        "/path/to/mlhull-job": str(Path(sys.executable).with_name("mlhull-job")),
    },
    "docs/reference/vasp-stand-in.md": {},
    "docs/topics/schemes.md": {},
    "docs/topics/studies.md": {},
}
"""Pages whose commands run in order, beside the files that the page shows or offers, and what stands for words of theirs."""

ELSEWHERE = {
    "README.md": "tests/docs/test_own_campaign.py",
    "docs/index.md": "tests/docs/test_own_campaign.py",
    "docs/tutorials/new-chemistry.md": "tests/docs/test_own_campaign.py",
    "docs/how-to/from-optimade.md": "tests/docs/test_optimade_page.py",
    "docs/how-to/maps.md": "tests/docs/test_first_campaign.py",
    "docs/how-to/recipes.md": "tests/docs/test_recipes_page.py",
    "docs/how-to/report.md": "tests/docs/test_first_campaign.py",
    "docs/how-to/several-ensembles.md": "tests/docs/test_several_ensembles.py",
    "docs/how-to/train-on-any-property.md": "tests/docs/test_training_page.py",
    "docs/how-to/watch-and-steer.md": "tests/docs/test_first_campaign.py",
    "docs/how-to/when-something-breaks.md": "tests/docs/test_first_campaign.py",
    "docs/topics/hull.md": "tests/docs/test_first_campaign.py",
    "docs/topics/provenance.md": "tests/docs/test_first_campaign.py",
    "docs/topics/uncertainty.md": "tests/docs/test_first_campaign.py",
    "docs/tutorials/first-campaign.md": "tests/docs/test_first_campaign.py",
}
"""Pages that a file of their own follows."""

TEST = re.compile(r"tests/[\w/.]+\b")
"""What a mark names where a test does the same on other inputs."""


def test_every_command_runs_or_the_page_says_why_not():
    silent = {
        page
        for page in PAGES
        if page not in {*RUN, *ELSEWHERE} and any(one.runs and not one.mark for one in blocks(page, "console"))
    }
    assert not silent, "list these pages in RUN, or write '% not run: REASON' above a block"
    named = [name for page in PAGES for one in blocks(page, "console", "python") for name in TEST.findall(one.why)]
    assert named
    for file in [*ELSEWHERE.values(), *named]:
        assert (ROOT / file).is_file(), file
    handed = {(page, one.why) for page in PAGES for one in blocks(page, "console", "python") if one.mark == "run by"}
    assert handed
    for page, file in handed:
        assert page in (ROOT / file).read_text(), f"{file} doesn't follow {page}"


@pytest.mark.slow
@pytest.mark.parametrize("page", RUN)
def test_the_page_says_what_its_commands_say(page, empty_profile, tmp_path, monkeypatch):
    if "aiida-mlhull setup" not in PAGES[page]:
        assert run("setup").exit_code == 0
    desk_of_a_reader(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert Reader(page, tmp_path, words=RUN[page]).follow()


def shown() -> list[tuple[str, str]]:
    return sorted(
        {
            (page, command)
            for page in PAGES
            for block in blocks(page, "console")
            for command, _ in block.commands()
            if "aiida-mlhull " in command
        }
    )


@pytest.mark.parametrize(("page", "command"), shown())
def test_commands_and_options_exist(page, command):
    words = shlex.split(command[command.index("aiida-mlhull ") :], comments=True)[1:]
    here: click.Command = main
    options: set[str] = set()
    for word in words:
        options |= {name for parameter in here.params for name in (*parameter.opts, *parameter.secondary_opts)}
        if isinstance(here, click.Group) and (inner := here.commands.get(word)) is not None:
            here = inner
        elif isinstance(here, click.Group) and "file" in here.commands and not word.startswith("-"):
            here = here.commands["file"]  # what is no source's name is a path
        elif word.startswith("-") and word not in {"-h", "--help"}:
            assert word.partition("=")[0] in options, f"{page}: {command}: no option {word}"
        elif word in {"|", ">", "&&", "&"}:
            break
    assert not isinstance(here, click.Group) or here is main or "--help" in words or len(words) > 1
