"""What the pages print is what their commands say; commands that don't run here exist, with the options that are shown."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess

import click
import pytest
from click.testing import CliRunner

from aiida_mlhull.cli import main
from tests.docs.pages import PAGES, ROOT, blocks, difference, pks

RUN = {
    "docs/how-to/ask-the-hull.md": (),
    "docs/how-to/from-a-chemical-system.md": ("empty_profile",),
    "docs/how-to/from-my-own-crystals.md": (),
    "docs/how-to/maps.md": (),
    "docs/how-to/prospecting.md": (),
    "docs/how-to/references.md": ("empty_profile",),
    "docs/how-to/train-on-any-property.md": ("empty_profile", "program"),
    "docs/topics/schemes.md": ("empty_profile",),
    "docs/tutorials/new-chemistry.md": ("empty_profile", "program"),
}
"""Pages whose commands run in order, beside the files that the page shows or offers, and what they need to run."""

ELSEWHERE = {
    "docs/how-to/recipes.md": "tests/docs/test_recipes_page.py",
    "docs/tutorials/first-campaign.md": "tests/docs/test_first_campaign.py",
    "docs/topics/hull.md": "tests/docs/test_first_campaign.py",
}
"""Pages that a file of their own runs."""

NOT_RUN = {
    "README.md": "its first campaign is run by benchmarks/strangers_road.py; make and pip are not for tests",
    "docs/index.md": "its first campaign is that of README",
}
"""Pages that can't carry marks beside their blocks."""

PYTHON_ELSEWHERE = {"docs/how-to/from-python.md": "tests/docs/test_from_python.py"}

PROGRESS = r"^drawing\n"
"""What is said of work that takes long, on a slow machine alone."""

BESIDE = [ROOT / "docs" / "how-to" / "data", ROOT / "docs" / "tutorials" / "data"]
"""Files that pages offer."""


def test_what_a_page_prints_is_compared_or_the_page_says_why_not():
    silent = {
        page
        for page in PAGES
        if page not in {*RUN, *ELSEWHERE, *NOT_RUN}
        and any(one.prints and not one.mark for one in blocks(page, "console"))
    }
    assert not silent, "list these pages in RUN, or write '% not run: REASON' above a block"
    assert not [file for file in {*ELSEWHERE.values(), *PYTHON_ELSEWHERE.values()} if not (ROOT / file).is_file()]


@pytest.fixture
def program(request):
    """The programs that a campaign's jobs call, registered in the profile of the test."""
    request.getfixturevalue("empty_profile")
    assert CliRunner().invoke(main, ["setup"]).exit_code == 0


@pytest.mark.parametrize("page", [pytest.param(page, marks=pytest.mark.slow) if RUN[page] else page for page in RUN])
def test_the_page_says_what_its_commands_say(page, request, tmp_path, monkeypatch):
    for fixture in RUN[page]:
        request.getfixturevalue(fixture)
    for folder in BESIDE:
        shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    (tmp_path / "benchmarks").symlink_to(ROOT / "benchmarks")
    for table in (ROOT / "benchmarks" / "data").glob("*.parquet"):
        (tmp_path / table.name).symlink_to(table)
    monkeypatch.chdir(tmp_path)
    ran, numbers = 0, {}
    for block in blocks(page, "console", "text", "yaml"):
        first, _, rest = block.body.partition("\n")
        if name := re.match(r"# ([\w./-]+\.\w+)", first):
            (tmp_path / name[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name[1]).write_text(rest if block.kind == "text" else block.body)
        if not block.prints or block.mark == "not run":
            continue
        for command, printed in block.commands():
            said = _said(command, numbers)
            if printed:
                assert difference(said, printed, figures=not block.mark) is None, f"{command}\n{said}"
                numbers |= pks(said, printed)
                ran += 1
    assert ran


def _said(command: str, pks_here: dict[str, str]) -> str:
    command = re.sub(r"\b\d+\b", lambda number: pks_here.get(number[0], number[0]), command)
    words = shlex.split(command)
    if words[0] != "aiida-mlhull" or ">" in words:
        shell = subprocess.run(command, shell=True, capture_output=True, text=True, check=True, env=os.environ)
        return shell.stdout
    said = CliRunner().invoke(main, words[1:]).output
    return re.sub(PROGRESS, "", said, flags=re.MULTILINE)


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
