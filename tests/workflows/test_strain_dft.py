"""mlhull.strain with engines of density functional theory: VASP's files from the stand-in, recorded; pw.x itself."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.data import CandidatesData
from aiida_mlhull.science.strain.grid import grid_id
from aiida_mlhull.science.types import Candidates, Labels
from aiida_mlhull.workflows.strain import Strain
from tests.engines.test_espresso import CHEAP, crystals, magnesium
from tests.engines.test_vasp import OPTIONS, POTENTIALS, rock_salts
from tests.pw_codes import needs_pw, pw_inputs
from tests.vasp_codes import placeholders, replayed

WIDER = 0.03


def strain(cells: Candidates, engine: str, settings: dict[str, Any], inputs: dict[str, Any]) -> tuple[Labels, Any]:
    """Two points of a grid: as it is, and with a wider plane."""
    outputs, node = run_get_node(
        Strain,
        crystals=CandidatesData.from_science(cells),
        settings=orm.Dict({"ab": [0.0, WIDER], "c": [0.0]}),
        stage=orm.Dict({"name": "strain", "engine": engine, "settings": settings}),
        jobs=orm.Dict({"max_in_flight": 1}),
        engines={engine: inputs},
    )
    assert node.is_finished_ok, node.exit_message
    labels = outputs["labels"].to_science()
    assert labels.succeeded.all(), labels.failures.tolist()
    return labels, outputs["response"].get_dict()["crystals"][0]


def cell(labels: Labels, name: str, *, ab: float) -> Any:
    return labels.crystals.lattices[int(labels.positions([grid_id(name, ab=ab, c=0.0)])[0])]


def gram(lattice: Any) -> Any:
    """Lengths and angle of the plane, however the cell lies."""
    return lattice[:2] @ lattice[:2].T


def height(lattice: Any) -> float:
    return abs(np.linalg.det(lattice)) / np.linalg.norm(np.cross(lattice[0], lattice[1]))


def check(before: Any, labels: Labels, name: str, freedom: str) -> None:
    """The plane is what the grid says, and the height is too, or has become smaller under a wider plane."""
    for ab in (0.0, WIDER):
        np.testing.assert_allclose(gram(cell(labels, name, ab=ab)), gram(before) * (1 + ab) ** 2, rtol=1e-5)
    wide = height(cell(labels, name, ab=WIDER))
    if freedom == "positions":
        assert wide == pytest.approx(height(before), rel=1e-5)
    else:
        assert wide < height(cell(labels, name, ab=0.0)) * 0.995


@pytest.mark.slow
@pytest.mark.parametrize("freedom", ["positions", "normal"])
def test_vasp(aiida_code_installed, tmp_path, freedom):
    (tmp_path / "potentials").mkdir()
    inputs = {
        "code": replayed(aiida_code_installed, tmp_path, "strain"),
        "potential_family": orm.Str(placeholders(tmp_path / "potentials", *POTENTIALS)),
        "options": orm.Dict(OPTIONS),
    }
    salt = rock_salts(MgO=4.25)
    settings = {"protocol": "mp-compatible", "step": "relax", "freedom": freedom}
    labels, response = strain(salt, "vasp", settings, inputs)
    check(salt.crystals.lattices[0], labels, "MgO_rock_salt", freedom)
    assert len(response["bonds"]) >= 1


@needs_pw
@pytest.mark.slow
@pytest.mark.parametrize("freedom", ["positions", "normal"])
def test_pw_itself(aiida_code_installed, freedom):
    metal = crystals(magnesium=magnesium())
    settings = {**CHEAP, "step": "coarse", "freedom": freedom}
    labels, response = strain(metal, "quantumespresso", settings, pw_inputs(aiida_code_installed))
    check(metal.crystals.lattices[0], labels, "magnesium", freedom)
    np.testing.assert_allclose(response["film"], labels.energies, atol=1e-9)  # one height each: a film's is its own
