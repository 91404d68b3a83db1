"""Folders for real jobs, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiida_mlhull.science.program.entry import run_job
from aiida_mlhull.science.types import Table
from aiida_mlhull.science.wire import JobFolder, read_json

PROGRAM = [sys.executable, "-m", "aiida_mlhull.science.program"]


@dataclass(frozen=True)
class Ended:
    """A job that was run."""

    folder: JobFolder
    status: int
    out: str = ""
    err: str = ""

    @property
    def done(self) -> dict[str, Any]:
        """The completion marker."""
        return read_json(self.folder.path / "done.json")

    @property
    def refused(self) -> dict[str, Any]:
        """Why it refused."""
        return read_json(self.folder.path / "refused.json")


@dataclass(frozen=True)
class Prepared:
    """A job's folder that is ready to run."""

    folder: JobFolder
    task: str

    @property
    def command(self) -> list[str]:
        """What runs it."""
        return [*PROGRAM, self.task, str(self.folder.path)]

    def run(self) -> Ended:
        """Run it in a process of its own, as a compute node would."""
        done = subprocess.run(self.command, capture_output=True, text=True, check=False)
        return Ended(self.folder, done.returncode, done.stdout, done.stderr)

    def run_here(self) -> Ended:
        """Run it in this process: quicker, where nothing depends on the process."""
        return Ended(self.folder, run_job(self.folder.path, self.task))

    def rewrite(self, **changes: Any) -> Prepared:
        """Change settings in ``job.json``."""
        job = json.loads((self.folder.path / "job.json").read_text())
        job["settings"] |= changes
        (self.folder.path / "job.json").write_text(json.dumps(job))
        return self


def prepared(path: Path, task: str, settings: dict[str, Any], tables: dict[str, Table]) -> Prepared:
    """Write a job's folder."""
    path.mkdir()
    folder = JobFolder(path)
    (path / "job.json").write_text(folder.describe(task, settings))
    for name, table in tables.items():
        folder.write_table(name, table)
    return Prepared(folder, task)
