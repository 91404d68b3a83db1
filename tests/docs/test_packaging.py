"""What the project says of itself in several places is the same everywhere."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import yaml

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import aiida_mlhull

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
CONDA_NAMES = {"matplotlib": "matplotlib-base", "torch": "pytorch", "torch-geometric": "pytorch_geometric"}


def test_one_version():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    recipe = (ROOT / "conda" / "meta.yaml").read_text()
    stated = {PROJECT["version"], aiida_mlhull.__version__, citation["version"]}
    assert stated == {re.search(r'version = "(.+?)"', recipe)[1]}


def test_the_conda_recipe_has_all_requirements_and_programs():
    recipe = (ROOT / "conda" / "meta.yaml").read_text()
    for line in PROJECT["dependencies"]:
        requirement, *marker = (part.strip() for part in line.split(";"))
        name, limits = re.fullmatch(r"([\w.-]+)(.*)", requirement).groups()
        if not marker:
            assert f"    - {CONDA_NAMES.get(name, name)}{limits}\n" in recipe
    for name, target in PROJECT["scripts"].items():
        assert f"    - {name} = {target}\n" in recipe


def test_workflows_and_forms_are_yaml():
    files = [*(ROOT / ".github").rglob("*.yaml"), ROOT / ".readthedocs.yaml", ROOT / "CITATION.cff"]
    assert len(files) >= 4
    assert all(isinstance(yaml.safe_load(file.read_text()), dict) for file in files)


def test_every_supported_python_is_tried():
    versions = {line.rsplit(" ", 1)[1] for line in PROJECT["classifiers"] if re.search(r"Python :: 3\.\d+$", line)}
    workflow = (ROOT / ".github" / "workflows" / "ci.yaml").read_text()
    assert all(f'"{version}"' in workflow for version in versions)
