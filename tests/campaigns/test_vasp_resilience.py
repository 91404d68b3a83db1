"""A stage with the engine vasp under a real daemon: a worker that is killed in its midst changes nothing.

The calculations are recorded runs of the stand-in, which is NOT VASP.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node, submit
from aiida.engine.daemon.client import DaemonClient

from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.engines.vasp.engine import VaspEngine
from aiida_mlhull.science.types import Labels
from tests.arsenides import choice
from tests.campaigns.daemons import kill, running_daemon, under_way, wait_until, worker
from tests.engines.test_vasp import OPTIONS, POTENTIALS, rock_salts
from tests.programs import computer_in
from tests.vasp_codes import placeholders, replayed

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

SIDES = {"MgO": 4.3, "CaO": 4.9, "SrO": 5.3}


def inputs(folder: Path) -> dict[str, Any]:
    """Three rock salts in two lanes."""
    computer = computer_in(folder)

    def install(**words: str) -> Any:
        return orm.InstalledCode(computer=computer, **words).store()

    cells = rock_salts(**SIDES)
    return {
        "code": replayed(install, folder, "resilience"),
        "potential_family": orm.Str(placeholders(folder / "potentials", *POTENTIALS)),
        "options": orm.Dict(OPTIONS),
        "cells": CandidatesData.from_science(cells),
        "chosen": DecisionsData.from_science(choice(cells, range(len(cells)))),
        "stage": orm.Dict({"name": "preprerelax", "engine": "vasp", "settings": {"protocol": "ekstrom-2022"}}),
        "jobs": orm.Dict({"max_in_flight": 2}),
    }


@pytest.fixture(scope="module")
def undisturbed(aiida_profile, tmp_path_factory) -> Labels:
    """The stage in this process and in the profile of all tests."""
    outputs, node = run_get_node(VaspEngine, **inputs(tmp_path_factory.mktemp("undisturbed")))
    assert node.is_finished_ok, node.exit_message
    return outputs["labels"].to_science()


@pytest.fixture
def daemon(undisturbed, aiida_config, aiida_profile_factory) -> Iterator[DaemonClient]:
    """After the undisturbed run, which needs the profile of all tests."""
    with running_daemon(aiida_config, aiida_profile_factory, name="vasp-resilience") as client:
        yield client


def test_a_worker_killed_in_mid_stage_changes_nothing(
    undisturbed: Labels, daemon: DaemonClient, tmp_path: Path
) -> None:
    """Killed while both lanes calculate: the same energies and cells, and each was calculated once."""
    node = submit(VaspEngine, inputs(tmp_path))
    wait_until(under_way("VaspCalculation", number=2), what="calculations in both lanes")
    kill([worker(daemon)])
    wait_until(lambda: node.is_terminated, what="the end of the stage", after_a_kill=daemon)
    assert node.is_finished_ok, node.exit_message
    labels = node.outputs.labels.to_science()
    assert labels.ids.tolist() == undisturbed.ids.tolist()
    assert np.array_equal(labels.energies, undisturbed.energies)
    assert np.array_equal(labels.crystals.lattices, undisturbed.crystals.lattices)
    assert np.array_equal(labels.failures, undisturbed.failures)
    assert labels.succeeded.all()
    chains = [one for one in node.called_descendants if one.process_label == "VaspWorkChain"]
    assert sorted(one.label for one in chains) == labels.ids.tolist()
