"""A folder of one prospect at a time."""

from __future__ import annotations

import subprocess
import sys

import pytest

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.prospecting import ProspectFolder

ANOTHER = "another process is prospecting in"
BEGINS = """\
from pathlib import Path
from aiida_mlhull.science.prospecting import ProspectFolder

place = ProspectFolder(Path("found"), {"seed": 1}, last="campaign.yaml")
place.stages.facts("one", lambda: 1)
input("begun\\n")
"""


def begun(folder):
    """Another process that has kept its first result."""
    other = subprocess.Popen([sys.executable, "-c", BEGINS], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert other.stdout.readline() == b"begun\n"
    return other


def test_one_process_at_a_time(tmp_path):
    late = ProspectFolder(tmp_path / "found", {"seed": 1}, last="campaign.yaml")
    late.check()
    with begun(tmp_path) as other:
        with pytest.raises(InputError, match=ANOTHER):
            late.check()
        with pytest.raises(InputError, match=ANOTHER):
            late.stages.facts("two", lambda: 2)
        assert not (late.path / "stages" / "two.json").exists()
        other.kill()
    late.check()
    assert late.stages.facts("two", lambda: 2) == 2
    late.check()
    with pytest.raises(InputError, match=ANOTHER):
        ProspectFolder(late.path, late.asked, last=late.last).check()
    late.close()
    ProspectFolder(late.path, late.asked, last=late.last).check()
