"""VASP's inputs: pymatgen's sets as they are, what a step says instead, and the order of the sites."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.vasp.sets import MPRelaxSet, MPScanRelaxSet, MPStaticSet

from aiida_mlhull.science.vasp import (
    PROTOCOLS,
    VaspSettings,
    potential_names,
    read_step,
    vasp_inputs,
)
from tests.science.vasp.crystals import CRYSTALS, magnet, metal, mixed_anion, nitride, oxide

SETS = {
    ("goodall-2021", "final"): MPRelaxSet,
    ("mp-compatible", "final"): MPRelaxSet,
    ("mp-compatible", "relax"): MPRelaxSet,
    ("mp-compatible", "static"): MPStaticSet,
    ("r2scan", "final"): MPScanRelaxSet,
}
QUIET = {"gga", "lcharg", "lwave", "laechg", "lvtot", "kspacing"}
"""Tags that the protocols say explicitly, and the one that becomes a mesh."""


def step_of(protocol="mp-compatible", stage="final", **said):
    return read_step(VaspSettings(protocol=protocol, **said), stage=stage)


def spelled(incar):
    """Without the tags that differ on purpose; the case of words and the last digit don't matter."""
    plain = {
        tag: value.lower() if isinstance(value, str) else value for tag, value in incar.items() if tag not in QUIET
    }
    return {tag: round(value, 12) if isinstance(value, float) else value for tag, value in plain.items()}


@pytest.fixture(params=list(CRYSTALS))
def crystal(request):
    return CRYSTALS[request.param]()


@pytest.mark.parametrize(("protocol", "stage"), list(SETS))
def test_settings_are_those_of_pymatgens_set(crystal, protocol, stage) -> None:
    made = vasp_inputs(crystal, step_of(protocol, stage))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = SETS[protocol, stage](crystal)
        expected = {str(tag).lower(): value for tag, value in theirs.incar.items()}
        mesh = theirs.kpoints
    assert spelled(made.incar) == spelled(expected)
    assert list(made.potentials.values()) == theirs.potcar_symbols
    assert [site.specie for site in made.structure] == [site.specie for site in theirs.structure]
    if mesh is not None:
        assert made.mesh == tuple(mesh.kpts[0])
        half = [0.5 if mesh.style.name == "Monkhorst" and number % 2 == 0 else 0.0 for number in made.mesh]
        assert list(made.shift) == half


def test_the_order_leads_back_to_the_sites_that_were_asked_about(crystal) -> None:
    made = vasp_inputs(crystal, step_of())
    assert sorted(made.order.tolist()) == list(range(len(crystal)))
    for place, site in enumerate(made.structure):
        asked = crystal[int(made.order[place])]
        assert site.specie == asked.specie
        assert np.allclose(site.frac_coords, asked.frac_coords)
    kinds = [site.specie.symbol for site in made.structure]
    assert len(list(made.potentials)) == len([1 for a, b in zip(kinds, ["", *kinds], strict=False) if a != b])


@pytest.mark.parametrize("protocol", PROTOCOLS.names())
def test_every_step_makes_inputs_of_every_crystal(crystal, protocol) -> None:
    for stage in PROTOCOLS.load(protocol)["steps"]:
        made = vasp_inputs(crystal, step_of(protocol, stage))
        assert min(made.mesh) >= 1
        assert len(made.incar["magmom"]) == len(crystal)
        assert all(tag == tag.lower() for tag in made.incar)
        assert "ediff_per_atom" not in made.incar
        assert made.incar.get("metagga") in {None, "R2SCAN"}
        assert made.incar.get("gga") in {None, "PE", "PS"}


def test_a_spacing_becomes_vasps_own_mesh() -> None:
    """Of the manual: at least one point, and so many that they are no further apart than KSPACING."""
    made = vasp_inputs(mixed_anion(), step_of(kpoints={"spacing": 0.25}))
    assert made.mesh == (int(np.ceil(2 * np.pi / 3.89 / 0.25)),) * 2 + (int(np.ceil(2 * np.pi / 7.35 / 0.25)),)
    assert vasp_inputs(metal(), step_of(kpoints={"spacing": 9.0})).mesh == (1, 1, 1)


@pytest.mark.parametrize(
    ("density", "mesh", "shift"),
    [(20, (5, 4, 3), (0.0, 0.0, 0.0)), (80, (8, 6, 4), (0.5, 0.5, 0.5)), (110, (9, 7, 5), (0.0, 0.0, 0.0))],
)
def test_an_even_mesh_of_monkhorst_and_pack_leaves_gamma_out(density, mesh, shift) -> None:
    """Points at (2r - q - 1) / 2q (Monkhorst and Pack 1976, Eq. 3): half a step from Γ for every even q."""
    crystal = Structure(Lattice.orthorhombic(3.3, 4.1, 5.7), ["Zr"], [[0, 0, 0]])
    made = vasp_inputs(crystal, step_of(kpoints={"reciprocal_density": density}))
    assert (made.mesh, made.shift) == (mesh, shift)


def test_tetrahedra_need_four_points() -> None:
    made = vasp_inputs(nitride(), step_of(kpoints={"spacing": 9.0}))
    assert (made.mesh, made.incar["ismear"]) == ((1, 1, 1), 0)
    assert vasp_inputs(nitride(), step_of()).incar["ismear"] == -5


def test_single_elements_differ_without_the_others_being_lost() -> None:
    plain = vasp_inputs(oxide(), step_of())
    assert list(plain.potentials) == ["La", "Fe", "O"]
    assert (plain.incar["ldauu"], plain.incar["lmaxmix"]) == ([0, 5.3, 0], 6)
    own = vasp_inputs(
        oxide(),
        step_of(elements={"La": {"u": 6.0, "orbital": "f"}, "Fe": {"magmom": 1.0, "potential": "Fe"}}),
    )
    assert own.incar["ldauu"] == [6.0, 5.3, 0.0]
    assert own.incar["ldaul"] == [3, 2, -1]
    assert own.incar["magmom"] == [0.6, 1.0, 0.6, 0.6, 0.6]
    assert own.potentials == {"La": "La", "Fe": "Fe", "O": "O"}


def test_without_any_u_left_it_is_off() -> None:
    made = vasp_inputs(oxide(), step_of(elements={"Fe": {"u": 0.0}}))
    assert not [tag for tag in made.incar if tag.startswith("ldau")]
    with_u = vasp_inputs(magnet(), step_of(elements={"Fe": {"u": 3.0}}))
    assert (with_u.incar["ldau"], with_u.incar["ldauu"], with_u.incar["ldaul"]) == (True, [3.0, 0.0], [2, -1])


def test_tags_of_the_stage_win_and_none_takes_one_out() -> None:
    made = vasp_inputs(metal(), step_of(incar={"encut": 450, "lasph": None}, parallel={"kpar": 2, "ncore": 4}))
    assert (made.incar["encut"], made.incar["kpar"], made.incar["ncore"]) == (450, 2, 4)
    assert "lasph" not in made.incar


def test_names_of_potentials_for_elements_that_nobody_knows() -> None:
    assert potential_names(["Fe", "W", "Qq"], step_of()) == {"Fe": "Fe_pv", "W": "W_pv", "Qq": "Qq"}
    assert potential_names(["W"], step_of("r2scan"))["W"] == "W_sv"


@pytest.mark.parametrize(
    ("freedom", "isif", "moves"), [("positions", 2, True), ("normal", 3, True), ("full", 3, True), ("static", 2, False)]
)
@pytest.mark.parametrize("stage", ["relax", "static"])
def test_freedom_is_spelled_in_tags_whatever_the_step_was_before(freedom, isif, moves, stage) -> None:
    incar = vasp_inputs(nitride(), step_of("mp-compatible", stage, freedom=freedom)).incar
    assert incar["isif"] == isif
    assert (incar["nsw"] > 0, incar["ibrion"] in (1, 2, 3)) == (moves, moves)
    assert incar.get("lattice_constraints") == ([False, False, True] if freedom == "normal" else None)


def test_a_film_is_turned_into_the_plane_and_not_mirrored() -> None:
    rng = np.random.default_rng(0)
    for sign in (1, -1):
        lattice = np.eye(3) * (5.0, 6.0, 7.0) + rng.normal(0, 0.8, (3, 3))
        lattice *= sign * np.sign(np.linalg.det(lattice))
        crystal = Structure(Lattice(lattice), ["Ga", "N"], [[0.1, 0.2, 0.3], [0.6, 0.5, 0.9]])
        made = vasp_inputs(crystal, step_of("mp-compatible", "relax", freedom="normal"))
        turned = made.structure.lattice.matrix
        assert turned[0, 1:].tolist() == [0, 0]
        assert turned[1, 2] == 0
        assert turned[0, 0] > 0 < turned[1, 1]
        np.testing.assert_allclose(turned @ turned.T, lattice @ lattice.T, atol=1e-9)
        assert np.linalg.det(turned) == pytest.approx(np.linalg.det(lattice))
        np.testing.assert_allclose(made.structure.frac_coords, crystal.frac_coords[made.order], atol=1e-12)


def test_a_tag_that_freedom_decides_is_not_said_twice() -> None:
    with pytest.raises(ValueError, match="not in incar: isif; freedom 'positions' says what they are"):
        VaspSettings(protocol="mp-compatible", freedom="positions", incar={"isif": 3})
