"""Somebody who follows a page: runs its commands in order, and holds what they say against what is printed there."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aiida.manage import get_manager
from click.testing import CliRunner

from aiida_mlhull.cli import main
from tests.docs.pages import PASSED_OVER, ROOT, blocks, difference, pks

LAUNCHES = re.compile(r"aiida-mlhull (launch|extend|explore)\b(?!.*(--foreground|--dry-run|--init))")
"""Commands that hand a campaign to a daemon: here they stop after the dry run."""

BESIDE = [ROOT / "docs" / "how-to" / "data", ROOT / "docs" / "tutorials" / "data"]
"""Files that pages offer."""

PUBLIC = {
    "materials_project/mp20_binary_ternary.parquet": "mp20_excerpt.parquet",
    "perovskites/perov5.parquet": "perov5_excerpt.parquet",
}
"""Public data that studies look for, and what a clone has of them."""

VERDI = Path(sys.executable).with_name("verdi")

PROGRESS = re.compile(r"^drawing\n", re.MULTILINE)
"""What is said of work that takes long, on a slow machine alone."""


def desk_of_a_reader(folder: Path) -> None:
    """Put into a folder what pages offer, and what a clone brings."""
    for beside in BESIDE:
        shutil.copytree(beside, folder, dirs_exist_ok=True)
    (folder / "benchmarks").symlink_to(ROOT / "benchmarks")
    (folder / "plug-in-template").symlink_to(ROOT / "docs" / "plug-in-template")
    for place, name in PUBLIC.items():
        (folder / "public-data" / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / "public-data" / place).symlink_to(ROOT / "benchmarks" / "data" / name)
    for table in (ROOT / "benchmarks" / "data").glob("*.parquet"):
        (folder / table.name).symlink_to(table)


@dataclass
class Reader:
    """Follows one page.

    Attributes:
        page: of the project's folder.
        folder: with the files that the page speaks of; the current folder.
        words: what stands on the page for something that is smaller, or has another name, here.
        numbers: pks on the page, and those of the same nodes here.
        exported: variables that the page has exported; commands then run in a process of their own.
        part: a file of tests that blocks of the page name: these alone are followed; else those that name none.
    """

    page: str
    folder: Path
    words: Mapping[str, str] = field(default_factory=dict)
    numbers: dict[str, str] = field(default_factory=dict)
    exported: dict[str, str] = field(default_factory=dict)
    part: str = ""

    def follow(self) -> int:
        """Run all commands that the page doesn't except, and compare.

        Returns:
            How many have run.

        Raises:
            AssertionError: A command fails, or says something else than is printed below it.
        """
        ran = 0
        parts = blocks(self.page, "console", "text", "yaml")
        for block in reversed(parts):  # a command may speak of a file that is shown below it
            if block.kind != "console":
                self._write(block.body, whole=block.kind == "yaml")
        for block in parts:
            if block.kind != "console":
                self._write(block.body, whole=block.kind == "yaml")
            elif block.mark != "not run" and (block.mark == "run by") == bool(self.part) and self.part in block.why:
                for command, printed in block.commands():
                    ran += self._try(command, printed, figures=not block.mark)
        return ran

    def _write(self, body: str, *, whole: bool) -> None:
        first, _, rest = body.partition("\n")
        if name := re.match(r"# ([\w./-]+\.\w+)", first):
            path = self.folder / name[1]
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(self._in_words_of_here(body if whole else rest))

    def _try(self, command: str, printed: str, *, figures: bool) -> bool:
        command = self._here(command)
        if PASSED_OVER.match(command):
            return False
        said, code = self._run(command)
        assert code == 0 or printed.startswith("Error: "), f"{command}\n{said}"
        if printed:
            assert difference(said, printed, figures=figures) is None, f"{command}\n{said}"
            self.numbers |= pks(said, printed)
        return True

    def _here(self, command: str) -> str:
        command = self._in_words_of_here(re.sub(r"\s+#\s.*$", "", command).replace("$PWD", str(self.folder)))
        return f"{command} --dry-run" if LAUNCHES.match(command) else command

    def _in_words_of_here(self, text: str) -> str:
        for word, here in self.words.items():
            text = re.sub(rf"(?<![\w./-]){re.escape(word)}(?![\w/-])", here.replace("\\", r"\\"), text)
        return re.sub(r"\b\d+\b", lambda number: self.numbers.get(number[0], number[0]), text)

    def _run(self, command: str) -> tuple[str, int]:
        words = shlex.split(command)
        if words[0] == "export":
            name, _, value = words[1].partition("=")
            self.exported[name] = value
            return "", 0
        if words[0] == "verdi":
            command = f"{VERDI} -p {get_manager().get_profile().name} {command.removeprefix('verdi ')}"
        if words[0] != "aiida-mlhull" or ">" in words or self.exported:
            environment = os.environ | self.exported
            shell = subprocess.run(command, shell=True, capture_output=True, text=True, check=False, env=environment)
            return shell.stdout + shell.stderr * bool(shell.returncode), shell.returncode
        result = CliRunner().invoke(main, words[1:])
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return PROGRESS.sub("", result.output), result.exit_code
