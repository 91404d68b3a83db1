"""Inputs of pw.x for a crystal: thresholds per cell, cutoffs, k-points, what may move, spin, U, the scheme."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.errors import InputError, MissingPotentialError
from aiida_mlhull.science.espresso import espresso_inputs, scheme
from aiida_mlhull.science.espresso.inputs import Hubbard, cutoffs, mesh
from aiida_mlhull.science.schemes.known import same_scheme
from aiida_mlhull.science.schemes.scheme import parse_scheme
from tests.science.espresso.families import family, fluorite, magnesium, step


def test_thresholds_grow_with_the_cell():
    one, two = (espresso_inputs(crystal, step(), family()).parameters for crystal in (magnesium(), fluorite()))
    assert one["ELECTRONS"]["conv_thr"] == pytest.approx(2 * 4e-10)
    assert two["ELECTRONS"]["conv_thr"] == pytest.approx(3 * 4e-10)
    assert two["CONTROL"]["etot_conv_thr"] == pytest.approx(3e-4)
    assert two["CONTROL"]["forc_conv_thr"] == 1e-3


@pytest.mark.parametrize(
    ("freedom", "calculation", "namelists"),
    [
        ("full", "vc-relax", ["IONS", "CELL"]),
        ("cell", "vc-relax", ["IONS", "CELL"]),
        ("normal", "vc-relax", ["IONS", "CELL"]),
        ("positions", "relax", ["IONS"]),
        ("static", "scf", []),
    ],
)
def test_what_may_move(freedom, calculation, namelists):
    inputs = espresso_inputs(fluorite(), step(freedom=freedom), family())
    assert inputs.parameters["CONTROL"]["calculation"] == calculation
    assert list(inputs.parameters) == ["CONTROL", "SYSTEM", "ELECTRONS", *namelists]
    assert ("nstep" in inputs.parameters["CONTROL"]) == bool(namelists)
    assert inputs.fixed_positions == (freedom == "cell")
    assert inputs.parameters.get("CELL", {}).get("cell_dofree") == ("z" if freedom == "normal" else None)


def test_a_free_normal_lies_along_z():
    given = fluorite()
    turned = espresso_inputs(given, step(freedom="normal"), family()).structure
    np.testing.assert_allclose(turned.lattice.matrix[:2, 2], 0, atol=1e-12)
    np.testing.assert_allclose(turned.lattice.parameters, given.lattice.parameters, rtol=1e-12)
    assert np.linalg.det(turned.lattice.matrix) * np.linalg.det(given.lattice.matrix) > 0  # not mirrored
    np.testing.assert_allclose(turned.distance_matrix, given.distance_matrix, atol=1e-9)
    assert espresso_inputs(given, step(freedom="positions"), family()).structure is given


def test_cutoffs_are_the_familys_unless_the_step_says_otherwise():
    both = ["Mg", "Si"]
    assert cutoffs(both, step(), family()) == (28, 112)
    assert cutoffs(both, step(stringency="high"), family()) == (36, 144)
    assert cutoffs(both, step(ecutwfc=14), family()) == (14, 56)
    assert cutoffs(["Fe"], step(ecutwfc=30), family()) == (30, 300)
    assert cutoffs(both, step(ecutwfc=14, ecutrho=70), family()) == (14, 70)
    bare = family().model_copy(
        update={"pseudos": {key: one.model_copy(update={"cutoffs": {}}) for key, one in family().pseudos.items()}}
    )
    assert cutoffs(both, step(ecutwfc=14), bare) == (14, 56)
    with pytest.raises(MissingPotentialError, match="O"):
        cutoffs(["O"], step(ecutwfc=14, ecutrho=56), family())


@given(
    lengths=st.tuples(*[st.floats(2, 20)] * 3),
    angles=st.tuples(*[st.floats(70, 110)] * 3),
    distance=st.floats(0.08, 0.8),
)
def test_no_two_k_points_of_an_axis_are_farther_apart_than_asked(lengths, angles, distance):
    lattice = Lattice.from_parameters(*lengths, *angles)
    points = mesh(lattice.matrix, distance=distance)
    spacing = np.asarray(lattice.reciprocal_lattice.abc) / points
    assert (spacing <= distance * (1 + 1e-4)).all()
    fewer = np.asarray(lattice.reciprocal_lattice.abc) / np.maximum(1, np.asarray(points) - 1)
    if len(set(np.round(lengths, 4))) == 3:
        assert ((fewer > distance) | (np.asarray(points) == 1)).all()


def test_one_k_point_across_a_vacuum():
    """A molecule in its box, a slab along an axis that is not upright; a layered crystal keeps its k-points."""
    box = Structure(Lattice.orthorhombic(10, 10.5, 11), ["Mg", "Si"], [[0.98, 0.5, 0.5], [0.03, 0.5, 0.5]])
    assert espresso_inputs(box, step(kpoints_distance=0.3), family()).mesh == (1, 1, 1)
    leaning = Lattice.from_parameters(3.2, 3.2, 24, 75, 90, 120)
    slab = Structure(leaning, ["Mg", "Mg"], [[0, 0, 0.9], [1 / 3, 2 / 3, 0.02]])
    spread = Structure(leaning, ["Mg"] * 4, [[0, 0, z] for z in (0.0, 0.3, 0.55, 0.8)])
    first, second, third = espresso_inputs(slab, step(kpoints_distance=0.2), family()).mesh
    assert (first, second, third) == (*mesh(leaning.matrix, distance=0.2)[:2], 1)
    assert espresso_inputs(spread, step(kpoints_distance=0.2), family()).mesh[2] == 2


def test_a_molecule_in_a_box_is_not_smeared_as_a_metal():
    """Nor is a slab or a crystal as a molecule; the scheme is that of the crystals."""
    box = Structure(Lattice.orthorhombic(10, 10.5, 11), ["Si", "Si"], [[0.5, 0.5, 0.4], [0.5, 0.5, 0.6]])
    system = espresso_inputs(box, step(), family()).parameters["SYSTEM"]
    assert (system["occupations"], system["smearing"], system["degauss"]) == ("smearing", "gauss", 0.002)
    slab = Structure(Lattice.hexagonal(3.2, 24), ["Mg", "Mg"], [[0, 0, 0.5], [1 / 3, 2 / 3, 0.6]])
    for other in (slab, fluorite()):
        system = espresso_inputs(other, step(), family()).parameters["SYSTEM"]
        assert (system["smearing"], system["degauss"]) == ("cold", 0.0275)
    fixed = step(parameters={"SYSTEM": {"occupations": "fixed", "smearing": None, "degauss": None}})
    assert "smearing" not in espresso_inputs(box, fixed, family()).parameters["SYSTEM"]


def test_spin_begins_with_shares_of_the_valence_electrons():
    magnet = fluorite().replace_species({"Mg": "Fe"}, in_place=False)
    plain = espresso_inputs(magnet, step(), family()).parameters["SYSTEM"]
    assert not {"nspin", "starting_magnetization"} & plain.keys()
    usual = espresso_inputs(magnet, step(spin="collinear"), family()).parameters["SYSTEM"]
    assert usual["nspin"] == 2
    assert usual["starting_magnetization"] == pytest.approx({"Fe": 5 / 16, "Si": 0.6 / 4})
    own = step(spin="collinear", elements={"Fe": {"magmom": -2.0}})
    system = espresso_inputs(magnet, own, family()).parameters["SYSTEM"]
    assert system["starting_magnetization"]["Fe"] == pytest.approx(-2 / 16)
    with pytest.raises(InputError, match="9.0 Bohr magnetons for Si is more than its 4"):
        espresso_inputs(magnet, step(spin="collinear", elements={"Si": {"magmom": 9.0}}), family())


def test_u_acts_on_elements_of_the_crystal_alone():
    with_u = step(elements={"Fe": {"u": 4.0, "manifold": "3d"}, "Mg": {"magmom": 1.0}})
    magnet = fluorite().replace_species({"Mg": "Fe"}, in_place=False)
    assert espresso_inputs(magnet, with_u, family()).hubbard == (Hubbard("Fe", "3d", 4.0),)
    assert espresso_inputs(fluorite(), with_u, family()).hubbard == ()


@pytest.mark.parametrize(
    "differs",
    [
        {"ecutwfc": 40},
        {"ecutrho": 400},
        {"stringency": "high"},
        {"kpoints_distance": 0.2},
        {"spin": "collinear"},
        {"functional": "PBEsol"},
        {"parameters": {"SYSTEM": {"degauss": 0.01}}},
        {"elements": {"Fe": {"u": 4.0, "manifold": "3d"}}},
    ],
    ids=lambda differs: next(iter(differs)),
)
def test_what_changes_energies_changes_the_scheme(differs):
    plain, other = scheme(step(), family()), scheme(step(**differs), family())
    assert not same_scheme(plain, other)
    assert parse_scheme(other).text == other


def test_what_does_not_change_energies_does_not_change_the_scheme():
    plain = scheme(step(), family())
    assert plain == scheme(step(max_steps=3, pools=2, must_converge=False, restarts=0, keep_steps=True), family())
    assert plain.startswith("PBE, Quantum ESPRESSO with three/1.0 [")
    assert plain.endswith("not corrected")
    pseudos = {**family().pseudos, "Mg": family().pseudos["Mg"].model_copy(update={"md5": "other"})}
    assert plain != scheme(step(), family().model_copy(update={"pseudos": pseudos}))
