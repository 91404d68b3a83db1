"""The commands of the page on recipes answer what is printed there, from the files that it offers."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import pytest

from tests.cli.conftest import run

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "recipes.md"
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
OF_A_CAMPAIGN = "recipes 1234 "  # tests/docs/test_first_campaign.py asks the demo's


def commands():
    """Every command of the page, and what stands below it."""
    for block in BLOCK.findall(PAGE.read_text()):
        for part in block.split("$ aiida-mlhull ")[1:]:
            asked, _, answer = part.partition("\n")
            if OF_A_CAMPAIGN not in asked:
                yield pytest.param(asked, answer.strip(), id=" ".join(asked.split()[:3]))


@pytest.mark.parametrize(("asked", "answer"), commands())
def test_it_answers_what_is_printed(asked, answer, tmp_path, monkeypatch):
    for file in (PAGE.parent / "data").iterdir():
        shutil.copy(file, tmp_path)
    monkeypatch.chdir(tmp_path)
    result = run(*shlex.split(asked))
    assert result.exit_code == 0, result.output
    assert [line.rstrip() for line in result.output.strip().splitlines()] == answer.splitlines()


def test_pictures_are_there():
    shown = re.findall(r"\]\(\.\./images/(\S+)\)", PAGE.read_text())
    assert len(shown) == 3
    for name in shown:
        assert (PAGE.parents[1] / "images" / name).stat().st_size > 5000


def test_what_the_campaign_file_may_say_is_read():
    import yaml

    from aiida_mlhull.science.campaign.recipes import RecipesRequest

    (block,) = re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    asked = RecipesRequest.model_validate(yaml.safe_load(block)["recipes"])
    assert asked.settings().conditions.atmosphere == "N2"
    assert asked.literature.file.name == "recipes.json.gz"
