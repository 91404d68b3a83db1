"""mlhull.strain: a grid relaxed at fixed cell by a potential, measured, and refused where it would undo the strain."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.data import CandidatesData
from aiida_mlhull.science.strain.grid import grid_id
from aiida_mlhull.science.types import Candidates, Crystals
from aiida_mlhull.workflows.strain import Strain
from tests.programs import installed

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")

STAGE = {
    "name": "strain",
    "engine": "potential",
    "settings": {"volume": "as_given", "relaxation": {"freedom": "positions", "max_force": 0.02}},
}


def rutile():
    x = 0.305
    cell = np.diag([4.6, 4.6, 2.96])
    sites = [0, 0, 0, 0.5, 0.5, 0.5, x, x, 0, 1 - x, 1 - x, 0, 0.5 + x, 0.5 - x, 0.5, 0.5 - x, 0.5 + x, 0.5]
    return Candidates.from_rows(
        ids=["rutile"],
        formulas=["TiO2"],
        crystals=Crystals.from_lists([cell], [[22, 22, 8, 8, 8, 8]], [sites]),
        protostructures=[""],
        origins=["by hand"],
    )


def inputs(code, **changes):
    return {
        "crystals": CandidatesData.from_science(rutile()),
        "settings": orm.Dict({"ab": [-0.02, 0.0, 0.02], "c": [0.0], "pairs": ["Ti-O"]}),
        "stage": orm.Dict({**STAGE, **changes}),
        "jobs": orm.Dict({}),
        "engines": {"potential": {"code": code}},
    }


@pytest.mark.slow
def test_a_grid_is_relaxed_at_fixed_cell(aiida_code_installed):
    outputs, node = run_get_node(Strain, **inputs(installed(aiida_code_installed)))
    assert node.is_finished_ok, node.exit_message
    labels = outputs["labels"].to_science()
    assert labels.succeeded.all()
    row = int(labels.positions([grid_id("rutile", ab=0.02, c=0.0)])[0])
    np.testing.assert_allclose(labels.crystals.lattices[row], np.diag([4.6 * 1.02, 4.6 * 1.02, 2.96]), atol=1e-12)
    (crystal,) = outputs["response"]["crystals"]
    assert crystal["film"][0] == max(crystal["film"])  # CHGNet's rutile is a little larger than this one
    assert crystal["e_above_hull"] is None
    assert len(crystal["bonds"]) == 2  # rutile's octahedron: four bonds and two
    assert all(bond["d_ab"] > 0.2 for bond in crystal["bonds"])


def test_a_relaxation_that_would_undo_the_strain_is_refused(aiida_code_installed):
    full = {"settings": {"volume": "as_given", "relaxation": {"freedom": "full"}}}
    with pytest.raises(ValueError, match="'full' would undo the strain: set 'positions'"):
        run_get_node(Strain, **inputs(installed(aiida_code_installed), **full))
