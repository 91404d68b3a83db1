"""What the pages print runs as it is printed; commands that don't run here exist, with the options that are shown."""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from aiida_mlhull.cli import main

ROOT = Path(__file__).parents[2]
PAGES = {
    str(page.relative_to(ROOT)): page.read_text()
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}
BLOCK = re.compile(r"^```(?P<kind>console|python|yaml|text)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)

RUN = {"docs/how-to/ask-the-hull.md": (), "docs/how-to/prospecting.md": ("benchmarks/data/mp20_excerpt.parquet",)}
"""Pages that need no profile: their commands run in order, beside the files that the page shows and these of the repository."""

NOT_RUN = {
    "README.md": "its first campaign is run by benchmarks/strangers_road.py; make and pip are not for tests",
    "docs/index.md": "its first campaign is that of README",
    "docs/installation.md": "installs things",
    "docs/how-to/add-a-generator.md": "shows classes that tests/contracts have of their own",
    "docs/how-to/add-a-keep-rule.md": "the same",
    "docs/how-to/add-a-model.md": "the same",
    "docs/how-to/add-an-engine.md": "the same",
    "docs/how-to/from-a-chemical-system.md": "tests/cli/test_prototypes.py and tests/cli/test_generate.py run it in small",
    "docs/how-to/from-my-own-crystals.md": "tests/cli/test_generate.py runs it in small",
    "docs/how-to/from-optimade.md": "tests/science/sources run it against a server of their own",
    "docs/how-to/from-python.md": "tests/docs/test_from_python.py runs it",
    "docs/how-to/on-a-cluster.md": "needs a cluster: tests/campaigns/test_cluster.py has one of its own",
    "docs/how-to/maps.md": "tests/cli/test_map.py runs it in small",
    "docs/how-to/plug-ins.md": "tests/contracts/test_plug_ins.py runs it",
    "docs/how-to/quantum-espresso.md": "needs pw.x",
    "docs/how-to/recipes.md": "tests/cli/test_recipes.py runs it in small",
    "docs/how-to/references.md": "needs a key of the Materials Project and a server; tests/cli/test_references.py",
    "docs/how-to/report.md": "needs a campaign that has run: the tests of the report",
    "docs/how-to/strain.md": "tests/cli/test_strain.py runs it in small",
    "docs/how-to/train-on-any-property.md": "tests/cli/test_fit.py runs it in small",
    "docs/how-to/vasp.md": "needs VASP, or its stand-in: tests/cli/test_vasp_launch.py",
    "docs/how-to/watch-and-steer.md": "needs campaigns that run: tests/launching/test_extension.py and tests/graph",
    "docs/how-to/when-something-breaks.md": "needs campaigns that have failed",
    "docs/how-to/your-own-data.md": "shows keys; tests/science/reading read such files",
    "docs/reference/hull.md": "tests/science/hull compute the same",
    "docs/reference/models.md": "shows settings",
    "docs/reference/vasp-stand-in.md": "tests/standin run it",
    "docs/topics/accuracy.md": "hours of training: benchmarks",
    "docs/topics/candidates.md": "tests/cli/test_generate.py runs it in small",
    "docs/topics/hull.md": "shows settings",
    "docs/topics/models.md": "shows settings",
    "docs/topics/protocols.md": "needs data that is not shipped: benchmarks",
    "docs/topics/provenance.md": "tests/graph ask such questions",
    "docs/topics/reaction-hulls.md": "shows settings",
    "docs/topics/schemes.md": "tests/science/schemes",
    "docs/topics/uncertainty.md": "shows settings",
    "docs/tutorials/first-campaign.md": "tests/cli/test_replay.py and test_campaign.py run it in small",
    "docs/tutorials/new-chemistry.md": "tests/cli/test_potential.py runs it in small",
}
"""Why the blocks of a page don't run in this file, and what stands in for it."""


def blocks(text: str, *kinds: str) -> list[str]:
    return [match["body"] for match in BLOCK.finditer(text) if match["kind"] in kinds]


def commands(text: str) -> list[str]:
    """Lines behind a $, those that go on joined."""
    joined = "\n".join(blocks(text, "console")).replace("\\\n", " ")
    return [line[2:] for line in joined.splitlines() if line.startswith("$ ")]


def test_every_page_with_code_runs_or_says_why_not():
    with_code = {name for name, text in PAGES.items() if blocks(text, "console", "python")}
    told = {*RUN, *NOT_RUN}
    assert not with_code - told, "list these pages in RUN or NOT_RUN"


@pytest.mark.parametrize("page", [name for name in RUN if name in PAGES])
def test_the_page_runs_as_it_is_printed(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for file in RUN[page]:
        shutil.copy(ROOT / file, tmp_path)
    ran = 0
    for match in BLOCK.finditer(PAGES[page]):
        first, _, rest = match["body"].partition("\n")
        if match["kind"] in {"text", "yaml", "python"} and (name := re.fullmatch(r"# ([\w./-]+\.\w+)", first)):
            (tmp_path / name[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name[1]).write_text(rest)
        if match["kind"] == "console":
            for told in re.split(r"^\$ ", match["body"], flags=re.MULTILINE)[1:]:
                command, _, output = told.partition("\n")
                if command.startswith("aiida-mlhull ") and output.strip():
                    said = CliRunner().invoke(main, shlex.split(command)[1:])
                    assert said.output.rstrip() == output.rstrip(), command
                    ran += 1
    assert ran


def shown() -> list[tuple[str, str]]:
    return sorted(
        {(page, command) for page, text in PAGES.items() for command in commands(text) if "aiida-mlhull " in command}
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
