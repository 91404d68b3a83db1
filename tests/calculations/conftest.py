"""Real jobs through AiiDA, by the program that is installed beside this Python."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.calculations.fit import FitCalculation
from aiida_mlhull.data import CandidatesData, EnsembleData, LabelsData, ReferencesData
from tests.arsenides import every_sixth


@dataclass(frozen=True)
class Nodes:
    """What campaigns start from."""

    candidates: CandidatesData
    record: LabelsData
    references: ReferencesData


@pytest.fixture
def arsenides() -> Nodes:
    """59 arsenides, their published results and competing phases."""
    excerpt = every_sixth()
    return Nodes(
        CandidatesData.from_science(excerpt.candidates),
        LabelsData.from_science(excerpt.record),
        ReferencesData.from_science(excerpt.references),
    )


@pytest.fixture
def code(aiida_code_installed: Callable[..., orm.InstalledCode]) -> orm.InstalledCode:
    """``mlhull-job`` as it is installed."""
    return aiida_code_installed(
        label="mlhull-job", filepath_executable=str(Path(sys.executable).with_name("mlhull-job"))
    )


@pytest.fixture
def fit_inputs(code: orm.InstalledCode, arsenides: Nodes) -> dict[str, Any]:
    """Inputs of a fit of the first of two members."""
    return {
        "code": code,
        "cells": {"a": arsenides.candidates},
        "labels": {"a": arsenides.record},
        "references": arsenides.references,
        "settings": orm.Dict({"model": "trees_gp", "members": 2}),
        "baseline": orm.Str("references"),
        "seed": orm.Int(7),
        "members": orm.List([0]),
    }


@pytest.fixture
def ensemble(fit_inputs: dict[str, Any]) -> EnsembleData:
    """Both members, fitted in one job."""
    outputs, node = run_get_node(FitCalculation, **(fit_inputs | {"members": orm.List([0, 1])}))
    assert node.is_finished_ok, node.exit_message
    return outputs["ensemble"]
