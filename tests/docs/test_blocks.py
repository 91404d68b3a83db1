"""Python on a page imports what exists; a campaign file on a page is one that is taken."""

from __future__ import annotations

import ast
from importlib import import_module

import pytest
import yaml

from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.campaign.file import CampaignFile
from tests.docs.pages import PAGES, blocks

FACTORIES = {
    "CalculationFactory": "aiida.calculations",
    "WorkflowFactory": "aiida.workflows",
    "DataFactory": "aiida.data",
}
"""Of AiiDA, and the group of the entry points that they load."""

NOT_OURS = {"mlhull_example", "optuna"}
"""Packages that readers make or install."""


def python() -> list[object]:
    return [
        pytest.param(one.body, id=f"{page}:{number}")
        for page in PAGES
        for number, one in enumerate(blocks(page, "python"))
    ]


@pytest.mark.parametrize("code", python())
def test_names_that_python_takes_from_the_package_exist(code):
    from aiida.plugins.entry_point import get_entry_point

    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.split(".")[0] not in NOT_OURS:
            module = import_module(node.module)
            for name in node.names:
                assert hasattr(module, name.name) or import_module(f"{node.module}.{name.name}")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FACTORIES:
            (name,) = node.args
            assert isinstance(name, ast.Constant)
            get_entry_point(FACTORIES[node.func.id], name.value)


def campaign_files() -> list[object]:
    """Blocks of YAML whose keys are those of a campaign file."""
    found = []
    for page in PAGES:
        for number, one in enumerate(blocks(page, "yaml")):
            content = yaml.safe_load(one.body)
            if isinstance(content, dict) and set(content) <= set(CampaignFile.model_fields):
                found.append(pytest.param(content, id=f"{page}:{number}"))
    return found


@pytest.mark.parametrize("content", campaign_files())
def test_what_campaign_files_say_is_read(content):
    needed = {"candidates": "candidates.parquet", "references": "phases.json"}
    file = CampaignFile.model_validate(needed | content)
    campaign_settings(file.overrides, protocol=file.protocol)


def test_there_are_such_blocks():
    assert len(python()) >= 20
    assert len(campaign_files()) >= 8
