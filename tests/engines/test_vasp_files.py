"""The files of every protocol for five kinds of crystals: as they were looked at once, and as pymatgen would write them."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pymatgen.io.vasp.inputs import Incar
from pymatgen.io.vasp.inputs import Kpoints as PymatgenKpoints
from pymatgen.io.vasp.sets import MPRelaxSet, MPScanRelaxSet, MPStaticSet

from tests.science.vasp.crystals import CRYSTALS
from tests.vasp_codes import placeholders
from tests.vasp_files import POTENTIALS, path_of, steps, written

SETS = {
    ("goodall-2021", "final"): MPRelaxSet,
    ("mp-compatible", "final"): MPRelaxSet,
    ("mp-compatible", "static"): MPStaticSet,
    ("r2scan", "final"): MPScanRelaxSet,
}
EXPLICIT = {"GGA", "LCHARG", "LWAVE", "LAECHG", "LVTOT", "KSPACING"}
"""Tags that the protocols say in so many words where the sets don't, and the one that becomes a mesh."""


@pytest.fixture(scope="module")
def family(aiida_profile, tmp_path_factory) -> str:
    return placeholders(tmp_path_factory.mktemp("potentials"), *POTENTIALS)


@pytest.mark.parametrize("crystal", list(CRYSTALS))
@pytest.mark.parametrize(("protocol", "step"), steps())
def test_files_are_those_that_were_looked_at(aiida_code_installed, family, protocol, step, crystal) -> None:
    code = aiida_code_installed(label="vasp", filepath_executable="/bin/true")
    assert written(code, family, CRYSTALS[crystal](), protocol=protocol, step=step) == (
        path_of(protocol, step, crystal).read_text()
    ), "if it is meant to change: python -m tests.vasp_files"


@pytest.mark.parametrize("crystal", list(CRYSTALS))
@pytest.mark.parametrize(("protocol", "step"), list(SETS))
def test_files_read_back_are_pymatgens(protocol, step, crystal) -> None:
    texts = dict(part.split("\n", 1) for part in path_of(protocol, step, crystal).read_text().split("=== ")[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = SETS[protocol, step](CRYSTALS[crystal]())
        expected, mesh = theirs.incar, theirs.kpoints
    ours = Incar.from_str(texts["INCAR"])
    assert {tag: ours[tag] for tag in ours if tag not in EXPLICIT} == pytest.approx(
        {tag: expected[tag] for tag in expected if tag not in EXPLICIT}
    )
    assert texts["POTCAR"].split() == theirs.potcar_symbols
    found = PymatgenKpoints.from_str(texts["KPOINTS"])
    if mesh is None:
        lengths = theirs.structure.lattice.reciprocal_lattice.abc
        assert found.kpts[0] == tuple(np.ceil(np.divide(lengths, expected["KSPACING"])).astype(int))
        return
    assert found.kpts == mesh.kpts
    # Monkhorst and Pack's own mesh lies half a step off the one around Γ wherever its number is even.
    off = [0.5 * (mesh.style.name == "Monkhorst" and number % 2 == 0) for number in mesh.kpts[0]]
    assert list(found.kpts_shift) == off
