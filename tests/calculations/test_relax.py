"""CalcJob ``mlhull.relax``, run for real with CHGNet."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.calculations.relax import RelaxCalculation
from aiida_mlhull.data import DecisionsData, LabelsData
from tests.arsenides import choice, every_sixth, smallest

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")


@pytest.mark.slow
def test_chosen_rows_then_the_next_stage(code, arsenides):
    """Candidates through a first stage, its labels through a second, and a second try of that one."""
    cells = every_sixth().candidates
    rows = smallest(cells, 4)
    first = {"name": "volume", "settings": {"relaxation": {"freedom": "volume", "max_force": 0.1, "max_steps": 4}}}
    outputs, node = run_get_node(
        RelaxCalculation,
        code=code,
        cells=arsenides.candidates,
        chosen=DecisionsData.from_science(choice(cells, rows)),
        stage=orm.Dict(first),
    )
    assert node.is_finished_ok, node.exit_message
    labels = outputs["labels"]
    assert isinstance(labels, LabelsData)
    assert labels.to_science().ids.tolist() == cells.ids[rows].tolist()
    assert labels.base.attributes.get("stage") == "volume"
    assert outputs["results"]["n_failed"] == 0

    second = {
        "name": "full",
        "settings": {"volume": "as_given", "relaxation": {"freedom": "full", "max_force": 0.1, "max_steps": 4}},
    }
    inputs = {
        "code": code,
        "cells": labels,
        "chosen": DecisionsData.from_science(choice(labels.to_science(), [1, 2])),
        "stage": orm.Dict(second),
    }
    outputs, node = run_get_node(RelaxCalculation, **inputs)
    assert node.is_finished_ok, node.exit_message
    relaxed = outputs["labels"].to_science()
    assert relaxed.ids.tolist() == labels.to_science().ids[[1, 2]].tolist()
    assert (relaxed.energies <= labels.to_science().energies[[1, 2]] + 1e-6).all()

    outputs, again = run_get_node(RelaxCalculation, **inputs, restart_from=node.outputs.remote_folder)
    assert again.is_finished_ok, again.exit_message
    assert outputs["results"]["n_done_before"] == 2
    np.testing.assert_array_equal(outputs["labels"].to_science().energies, relaxed.energies)
