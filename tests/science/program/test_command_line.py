"""The program as a user of a compute node meets it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aiida_mlhull import __version__
from aiida_mlhull.science.program import main
from aiida_mlhull.science.wire import read_json

BLOCKED = """
import sys
from importlib.abc import MetaPathFinder

class Blocker(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked!r}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Blocker())
from aiida_mlhull.science.program import main
status = main({arguments!r})
print("LOADED", *sorted({{name.partition(".")[0] for name in sys.modules}}))
sys.exit(status)
"""
AIIDA_SIDE = {"aiida", "aiida_vasp", "plumpy", "kiwipy", "click"}


def run_without(blocked: set[str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the program where some packages are not installed."""
    program = BLOCKED.format(blocked=blocked, arguments=list(arguments))
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)


def test_installed_command_lists_its_tasks():
    command = Path(sys.executable).with_name("mlhull-job")
    shown = subprocess.run([command, "--help"], capture_output=True, text=True, check=True).stdout
    assert all(task in shown for task in ("fit", "predict", "relax", "FOLDER", "done.json"))


def test_version(capsys):
    with pytest.raises(SystemExit, match="^0$"):
        main(["--version"])
    assert capsys.readouterr().out == f"aiida-mlhull {__version__}\n"


@pytest.mark.parametrize("task", ["fit", "predict", "relax", "make_cells", "fit_products", "predict_products"])
def test_help_needs_next_to_nothing(task):
    ended = run_without(AIIDA_SIDE | {"numpy", "torch", "pyarrow", "pydantic"}, task, "--help")
    assert ended.returncode == 0, ended.stderr
    assert "FOLDER" in ended.stdout


def test_job_runs_where_aiida_is_not_installed(fit_job):
    job = fit_job()
    ended = run_without(AIIDA_SIDE, "fit", str(job.folder.path))
    assert ended.returncode == 0, ended.stderr
    assert (job.folder.path / "done.json").exists()
    loaded = set(ended.stdout.split("LOADED", 1)[1].split())
    assert not loaded & AIIDA_SIDE
    assert "torch" not in loaded, "trees don't need it, and loading it takes longer than fitting them"


def test_missing_extra_is_named(relax_job):
    job = relax_job()
    ended = run_without(AIIDA_SIDE | {"chgnet"}, "relax", str(job.folder.path))
    assert ended.returncode == 1
    refused = read_json(job.folder.path / "refused.json")
    assert (refused["label"], refused["status"]) == ("ERROR_MISSING_EXTRA", 311)
    assert "aiida-mlhull[potential]" in refused["message"]


def test_missing_package_is_named(fit_job):
    job = fit_job()
    ended = run_without(AIIDA_SIDE | {"sklearn"}, "fit", str(job.folder.path))
    assert ended.returncode == 1
    refused = read_json(job.folder.path / "refused.json")
    assert refused["label"] == "ERROR_MISSING_EXTRA"
    assert "scikit-learn" in refused["message"]


def test_unknown_task(capsys):
    with pytest.raises(SystemExit, match="^2$"):
        main(["train", "."])
    assert "invalid choice: 'train'" in capsys.readouterr().err


def test_folder_that_is_not_there(tmp_path, capsys):
    assert main(["fit", str(tmp_path / "nowhere")]) == 1
    assert "nowhere is not a folder" in capsys.readouterr().err
