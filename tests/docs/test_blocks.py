"""Python on a page imports what exists; a campaign file on a page is one that is taken."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from importlib import import_module
from inspect import signature
from textwrap import dedent
from typing import Any, ClassVar

import numpy as np
import pytest
import yaml
from pydantic import Field

from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.campaign.file import CampaignFile
from aiida_mlhull.science.models.cgcnn import CGCNN, CGCNNSettings
from aiida_mlhull.science.representations.crystal_graph import crystal_graphs
from aiida_mlhull.science.representations.graph_data import to_data
from tests.arsenides import DEMO
from tests.cli.conftest import Desk
from tests.docs.pages import PAGES, ROOT, blocks
from tests.science.real_crystals import model_rows, mp_crystals, mp_energies

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


ELSEWHERE = {
    "docs/how-to/from-python.md": "tests/docs/test_from_python.py",
    "docs/how-to/report.md": "tests/docs/test_first_campaign.py",
    "docs/topics/provenance.md": "tests/docs/test_first_campaign.py",
}
"""Pages whose Python is run by a file of its own."""


def with_numpy() -> dict[str, Any]:
    return {"np": np}


def with_a_network() -> dict[str, Any]:
    crystals = mp_crystals()
    model = CGCNN(CGCNNSettings(atom_width=8, layers=1, max_epochs=1))
    inputs, half = model.represent(model_rows(crystals)), np.arange(40)
    weights = model.fit(inputs, mp_energies(), train=half, validation=half + 40, loss="l1", seed=0)
    items = [to_data(crystal_graphs(crystals), row) for row in range(3)]
    return {"crystals": crystals, "model": model, "weights": weights, "items_of_yours": items}


RUN = {
    "docs/how-to/maps.md": dict,
    "docs/how-to/your-own-data.md": dict,
    "docs/topics/hull.md": with_numpy,
    "docs/topics/models.md": with_a_network,
}
"""Pages whose Python runs here, and what it finds there."""


def test_python_runs_or_the_page_says_why_not():
    silent = {page for page in PAGES if any(not one.mark for one in blocks(page, "python"))} - {*RUN, *ELSEWHERE}
    assert not silent, "list these pages in RUN, or write '% not run: REASON' above a block"
    for file in ELSEWHERE.values():
        assert (ROOT / file).is_file(), file


@pytest.mark.parametrize("page", RUN)
def test_python_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Desk(tmp_path).table()
    shutil.copy(DEMO / "competing_phases.parquet", "phases.parquet")
    shutil.copy(DEMO / "elements.json", "elements.json")
    names = RUN[page]()
    for block in blocks(page, "python"):
        exec(compile(block.body, page, "exec"), names)
        for line in block.body.splitlines():
            expression, _, said = line.partition("  # ")
            if said[:1] in {"{", "["}:
                assert eval(expression, names) == pytest.approx(ast.literal_eval(said), abs=1e-5)


SKELETONS = {
    "docs/how-to/add-a-generator.md": ("aiida_mlhull.science.generators.base", "Generator"),
    "docs/how-to/add-a-keep-rule.md": ("aiida_mlhull.science.triage.base", "Rule"),
    "docs/how-to/add-a-model.md": ("aiida_mlhull.science.models.base", "Model"),
    "docs/how-to/add-a-potential.md": ("aiida_mlhull.science.relaxation.calculators.relaxer", "CalculatorRelaxer"),
    "docs/how-to/add-an-engine.md": ("aiida_mlhull.engines.base", "Engine"),
}
"""Pages that show the skeleton of a class, and whose contract it has to keep."""


@pytest.mark.parametrize("page", SKELETONS)
def test_a_skeleton_keeps_its_contract(page):
    module, name = SKELETONS[page]
    contract = getattr(import_module(module), name)
    (code, *_) = re.findall(r"^ *```python\n(.*?)^ *```$", PAGES[page], re.MULTILINE | re.DOTALL)
    names = vars(import_module(module)) | {"Any": Any, "ClassVar": ClassVar, "Field": Field, "Iterator": Iterator}
    names |= {"MySettings": names.get("MySettings", object), "MP2020_RAW": "", "orm": None}
    exec(compile("from __future__ import annotations\n" + dedent(code), page, "exec"), names)
    mine = next(one for one in names.values() if getattr(one, "__name__", "") in {"Mine"} | {f"My{name}"})
    shown = [key for key, value in vars(mine).items() if callable(value) or isinstance(value, classmethod)]
    assert shown
    for method in set(shown) - {"__init__", "Settings"}:
        taken, offered = (list(signature(getattr(one, method)).parameters) for one in (mine, contract))
        assert taken == offered, method


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
