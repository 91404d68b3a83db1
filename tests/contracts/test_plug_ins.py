"""Names that other packages add: the template that is copied, installed or as a folder, keeps to the contracts."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aiida_mlhull.science import registry
from aiida_mlhull.science.errors import SettingsError, UnknownNameError
from aiida_mlhull.science.registry import Registry, plugins

ROOT = Path(__file__).parents[2]
TEMPLATE = ROOT / "docs" / "plug-in-template"
ASK = """
from aiida_mlhull.science.campaign import campaign_settings, protocol_names
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.triage import RULES
settings = campaign_settings({"ensemble": {"model": "median"}}, protocol="quick-look")
print(RULES["cheapest"].__module__, MODELS["median"].__name__, RULES.from_plugins(), settings.ensemble.model)
"""
ANSWER = "mlhull_example.cheapest Median {'cheapest': 'mlhull_example.cheapest:Cheapest'} median"


def asked(*arguments: str, **environment: str) -> str:
    """What a Python of its own prints."""
    ran = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout.strip()


@pytest.fixture
def folder(tmp_path):
    """A copy of the template, as somebody keeps it in a folder of theirs."""
    return Path(shutil.copytree(TEMPLATE, tmp_path / "mine", ignore=shutil.ignore_patterns("__pycache__")))


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.delenv(registry.FOLDERS, raising=False)
    path = list(sys.path)
    for function in (plugins, registry._stated_in):
        function.cache_clear()
    yield
    sys.path[:] = path
    for function in (plugins, registry._stated_in):
        function.cache_clear()


def test_a_folder_adds_its_names(folder):
    assert asked("-c", ASK, MLHULL_PLUGINS=str(folder)) == ANSWER


def test_an_installed_package_adds_its_names(folder, tmp_path):
    site = tmp_path / "site"
    shutil.copytree(folder / "src" / "mlhull_example", site / "mlhull_example")
    facts = site / "mlhull_example-0.1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: mlhull-example\nVersion: 0.1.0\n")
    groups = registry._stated_in(folder)
    lines = [
        f"[{group}]\n" + "".join(f"{name} = {target}\n" for name, target in points.items())
        for group, points in groups.items()
    ]
    (facts / "entry_points.txt").write_text("\n".join(lines))
    assert asked("-c", ASK, PYTHONPATH=str(site)) == ANSWER


@pytest.mark.slow
def test_the_template_keeps_to_the_contracts(folder):
    files = ["tests/contracts/test_rules.py", "tests/contracts/test_models.py"]
    options = ["-q", "-p", "no:cacheprovider", "-k", "cheapest or median"]
    said = asked("-m", "pytest", *options, *files, MLHULL_PLUGINS=str(folder))
    assert int(said.rsplit("\n", 1)[-1].split(" passed")[0].split()[-1]) > 10


def test_names_that_are_taken_are_refused(folder, monkeypatch):
    monkeypatch.setenv(registry.FOLDERS, str(folder))
    with pytest.raises(SettingsError, match=r"calls its keep-rule 'cheapest', a name that is taken"):
        list(Registry("keep-rule", {"cheapest": "json:loads"}, group="mlhull.rules"))
    other = folder.parent / "other"
    shutil.copytree(folder, other)
    text = (other / "pyproject.toml").read_text().replace("cheapest:Cheapest", "cheapest:Cheaper")
    (other / "pyproject.toml").write_text(text)
    monkeypatch.setenv(registry.FOLDERS, os.pathsep.join([str(folder), str(other)]))
    plugins.cache_clear()
    with pytest.raises(SettingsError, match="two plug-ins have the name 'cheapest'"):
        plugins("mlhull.rules")


def test_what_can_not_be_loaded_is_told(tmp_path, monkeypatch):
    monkeypatch.setenv(registry.FOLDERS, str(tmp_path))
    with pytest.raises(SettingsError, match="pyproject.toml can't be read"):
        plugins("mlhull.rules")
    (tmp_path / "pyproject.toml").write_text("[project]\nname = 'x'\n")
    with pytest.raises(SettingsError, match="states no entry points"):
        plugins("mlhull.rules")
    (tmp_path / "pyproject.toml").write_text('[project.entry-points."mlhull.rules"]\nnone = "not_there:Rule"\n')
    registry._stated_in.cache_clear()
    rules = Registry("keep-rule", {"json": "json:loads"}, group="mlhull.rules")
    assert list(rules) == ["json", "none"]
    with pytest.raises(SettingsError, match="not_there:Rule, keep-rule 'none', can't be loaded"):
        rules["none"]
    with pytest.raises(UnknownNameError, match="did you mean 'json'"):
        rules["jsom"]
