"""The relaxation: what each ISIF frees, when it ends, and whether its numbers are those of the potential engine."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
from pymatgen.entries.computed_entries import ComputedStructureEntry
from pymatgen.io.vasp import Poscar
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from aiida_mlhull.science.dft.orientation import plane_in_xy
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.standin.inputs import RefusalError
from aiida_mlhull.standin.task import KILOBAR, Task
from tests.standin.cells import RELAX, inputs, iron_oxide, nitride, rutile, skewed

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")

from aiida_mlhull.science.relaxation.base import RelaxationSettings
from aiida_mlhull.science.relaxation.chgnet.potential import CHGNetRelaxer
from aiida_mlhull.science.relaxation.conventions import mp2020_corrections
from aiida_mlhull.standin.descent import descend, find_symmetry

KB_PER_EV_A3 = 1602.1766208


@pytest.fixture(scope="module")
def relax(network):
    """All ionic steps of a job."""

    def run(structure=None, **tags):
        given = inputs(structure, **tags)
        task = Task.read(incar=given.incar, poscar=given.poscar, kpoints=given.kpoints, potcar=given.potcar)
        return list(descend(task, find_symmetry(task), network))

    return run


def structure_of(step, like: Structure) -> Structure:
    return Structure(Lattice(step.lattice), [site.specie for site in like], step.frac_coords)


def shape(lattice):
    """What is left of a cell's metric when its volume is divided out."""
    return lattice @ lattice.T / abs(np.linalg.det(lattice)) ** (2.0 / 3.0)


@pytest.mark.parametrize(
    ("isif", "positions", "form", "volume"),
    [
        (0, True, False, False),
        (1, True, False, False),
        (2, True, False, False),
        (3, True, True, True),
        (4, True, True, False),
        (5, False, True, False),
        (6, False, True, True),
        (7, False, False, True),
        (8, True, False, True),
    ],
)
def test_isif_frees_what_vasp_s_table_says(relax, isif, positions, form, volume):
    first, *_, last = relax(skewed(), **RELAX | {"ISIF": isif, "NSW": 6})
    assert (np.abs(last.frac_coords - first.frac_coords).max() > 1e-3) == positions
    assert (np.abs(shape(last.lattice) - shape(first.lattice)).max() > 1e-3) == form
    assert (abs(last.volume / first.volume - 1.0) > 1e-3) == volume
    if not positions:
        np.testing.assert_allclose(last.frac_coords, first.frac_coords, atol=1e-12)
    if not form:
        np.testing.assert_allclose(shape(last.lattice), shape(first.lattice), atol=1e-12)
    if not volume:
        assert last.volume == pytest.approx(first.volume, rel=1e-12)
    assert last.energy < first.energy


def test_lattice_constraints_leave_the_height_alone(relax):
    """A strained nitride: the plane stays, and the height is the potential engine's."""
    structure = plane_in_xy(nitride())
    structure.lattice = Lattice(structure.lattice.matrix @ np.diag([1.02, 1.02, 1.0]))
    last = relax(structure, **RELAX | {"NSW": 40, "ISIF": 3, "LATTICE_CONSTRAINTS": ".F. .F. .T."})[-1]
    np.testing.assert_allclose(last.lattice[:2], structure.lattice.matrix[:2], atol=1e-9)
    assert last.lattice[2, 2] < structure.lattice.matrix[2, 2] - 1e-3
    ours = next(
        CHGNetRelaxer(RelaxationSettings(freedom="normal", max_force=0.01)).stream(
            Crystals.from_structures([structure])
        )
    )
    assert last.lattice[2, 2] == pytest.approx(ours.lattice[2, 2], abs=5e-3)


@pytest.mark.parametrize("constraints", ["T T F", "F F F"])
def test_constraints_that_the_stand_in_cannot_keep_are_refused(relax, constraints):
    with pytest.raises(RefusalError, match="only frees the height along z"):
        relax(nitride(), **RELAX | {"ISIF": 3, "LATTICE_CONSTRAINTS": constraints})


@pytest.mark.parametrize(("freedom", "isif"), [("full", 3), ("volume", 7)])
@pytest.mark.parametrize("structure", [rutile(), nitride(), skewed(), iron_oxide()], ids=["TiO2", "TiN", "MgO", "FeO"])
def test_energies_and_cells_are_those_of_the_potential_engine(relax, structure, freedom, isif):
    settings = RelaxationSettings(freedom=freedom, max_force=0.01, max_steps=60)
    labels = CHGNetRelaxer(settings).relax(
        ["x"], [structure.composition.reduced_formula], Crystals.from_structures([structure]), stage="final"
    )
    raw = labels.energies - mp2020_corrections(labels.crystals)
    last = relax(structure, **RELAX | {"NSW": 60, "ISIF": isif})[-1]
    assert last.ending == "accuracy"
    assert last.energy / len(structure) == pytest.approx(raw[0], abs=1e-3)
    assert last.volume == pytest.approx(labels.crystals.volumes[0], rel=1e-2)


def test_correcting_the_raw_energy_gives_what_the_potential_said(relax):
    """MP2020 by pymatgen on the stand-in's energy is CHGNet's own, corrected one."""
    (step,) = relax(rutile())
    structure = structure_of(step, rutile())
    entry = ComputedStructureEntry(
        structure, step.energy, parameters={"run_type": "GGA", "hubbards": {}, "software": "vasp"}
    )
    corrected = MaterialsProject2020Compatibility(check_potcar=False).process_entry(entry)
    labels = CHGNetRelaxer(RelaxationSettings(freedom="static")).relax(
        ["x"], ["TiO2"], Crystals.from_structures([structure]), stage="final"
    )
    assert corrected.energy_per_atom == pytest.approx(labels.energies[0], abs=1e-5)
    assert abs(step.energy / 6 - labels.energies[0]) > 0.3


def test_forces_and_stress_do_not_depend_on_the_use_of_symmetry(relax):
    squeezed = rutile(0.29)
    (with_symmetry,), (without,) = relax(squeezed), relax(squeezed, ISYM=0)
    assert np.abs(without.forces).max() > 0.5
    np.testing.assert_allclose(with_symmetry.forces, without.forces, atol=2e-4)
    np.testing.assert_allclose(with_symmetry.stress, without.stress, atol=0.2)
    assert with_symmetry.energy == pytest.approx(without.energy, abs=1e-4)


def test_stress_is_positive_in_a_squeezed_cell(relax):
    (small,) = relax(nitride().apply_strain(-0.03, inplace=False))
    (large,) = relax(nitride().apply_strain(+0.03, inplace=False))
    volumes = np.array([small.volume, large.volume])
    assert np.trace(small.stress) > 0.0 > np.trace(large.stress)
    slope = (small.energy - large.energy) / (volumes[1] - volumes[0])  # minus dE/dV between the two, in eV/Å³
    pressure = (np.trace(small.stress) + np.trace(large.stress)) / 6.0
    assert pressure == pytest.approx(slope * KB_PER_EV_A3, rel=0.35)


@pytest.mark.parametrize("structure", [rutile(), nitride(), iron_oxide()], ids=["TiO2", "TiN", "FeO"])
def test_the_space_group_is_kept(relax, structure):
    steps = relax(structure, **RELAX)
    numbers = {
        SpacegroupAnalyzer(structure_of(step, structure), symprec=1e-4).get_space_group_number() for step in steps
    }
    assert numbers == {SpacegroupAnalyzer(structure, symprec=1e-4).get_space_group_number()}


def test_symprec_decides_what_counts_as_symmetric(relax):
    distorted = rutile()
    distorted.translate_sites([0], [0.0, 0.0, 0.002], to_unit_cell=False)
    exact = relax(distorted)[0]
    assert np.abs(exact.frac_coords[0] - distorted.frac_coords[0]).max() < 1e-9
    averaged = relax(distorted, SYMPREC=0.05)[0]
    relative = averaged.frac_coords[1, 2] - averaged.frac_coords[0, 2]
    assert relative == pytest.approx(0.5, abs=1e-9)


def test_pressure_is_what_is_left_at_the_end(relax):
    free = relax(nitride(), **RELAX)[-1]
    pressed = relax(nitride(), **RELAX | {"PSTRESS": 100.0})[-1]
    assert np.trace(free.stress) / 3.0 == pytest.approx(0.0, abs=3.0)
    assert np.trace(pressed.stress) / 3.0 == pytest.approx(100.0, abs=3.0)
    assert pressed.volume < free.volume
    push = 100.0 / KILOBAR
    assert pressed.energy + push * pressed.volume < free.energy + push * free.volume


def test_a_positive_criterion_looks_at_the_energy(relax):
    *_, before, last = relax(skewed(), **RELAX | {"EDIFFG": 0.05})
    assert last.ending == "accuracy"
    assert abs(last.energy - before.energy) < 0.05
    assert len(relax(skewed(), **RELAX | {"EDIFFG": 0.005})) > last.number


def test_no_criterion_uses_all_steps(relax):
    steps = relax(nitride(), **RELAX | {"EDIFFG": 0.0, "NSW": 9})
    assert [step.number for step in steps] == list(range(1, 10))
    assert steps[-1].ending == ""


def test_too_few_steps_end_without_accuracy(relax):
    steps = relax(skewed(), **RELAX | {"NSW": 2})
    assert [step.ending for step in steps] == ["", ""]


def test_without_ionic_moves_there_is_one_step(relax):
    for tags in ({}, {"NSW": 10, "IBRION": -1}, {"NSW": 0, "IBRION": 2, "ISIF": 3}):
        (step,) = relax(skewed(), **tags)
        assert step.ending == ""


def test_a_cell_without_freedom_is_done_at_once(relax):
    (step,) = relax(nitride(), **RELAX | {"ISIF": 2})
    assert step.ending == "accuracy"


@pytest.mark.parametrize(("isif", "third"), [(2, [False, False, True]), (3, [False, False, False])])
def test_fixed_atoms_stay_where_they_are(relax, isif, third):
    movable = [[True, True, True], [False, False, False], third, [True, True, True]]
    text = Poscar(skewed(), selective_dynamics=movable).get_str(significant_figures=12)
    first, *_, last = relax(skewed(), poscar=text, **RELAX | {"NSW": 6, "ISIF": isif})
    moved = np.abs(last.frac_coords - first.frac_coords)
    assert moved[~np.array(movable)].max() < 1e-12
    assert moved[np.array(movable)].min() > 1e-6
    assert last.energy < first.energy


def test_moments_are_the_potential_s_with_the_signs_of_magmom(relax):
    (parallel,) = relax(iron_oxide(), ISPIN=2, MAGMOM=[5.0, 5.0, 0.6, 0.6])
    (antiparallel,) = relax(iron_oxide(), ISPIN=2, MAGMOM=[5.0, -5.0, 0.6, 0.6])
    assert parallel.moments[0] == parallel.moments[1] > 3.0
    np.testing.assert_allclose(antiparallel.moments[:2], [parallel.moments[0], -parallel.moments[0]], atol=1e-3)
    assert relax(iron_oxide())[0].moments is None


def test_starting_moments_can_lower_the_symmetry():
    def operations(**tags):
        given = inputs(iron_oxide(), **tags)
        task = Task.read(incar=given.incar, poscar=given.poscar, kpoints=given.kpoints, potcar=given.potcar)
        return len(find_symmetry(task).rotations)

    assert operations(ISPIN=2, MAGMOM=[5, -5, 0, 0]) < operations(ISPIN=2, MAGMOM=[5, 5, 0, 0]) == operations()


def test_unknown_elements_and_impossible_cells_are_refused(relax):
    lawrencium = Structure(Lattice.cubic(4.0), ["Lr"], [[0, 0, 0]])
    with pytest.raises(RefusalError, match="Lr"):
        relax(lawrencium)
    with pytest.raises(RefusalError, match="collapsed or gone to pieces"):
        relax(Structure(Lattice.cubic(1.2), ["Ti"], [[0, 0, 0]]))


def test_a_molecule_in_a_box_that_stays(relax):
    """Fifty times the volume that atoms take is refused where a cell may run away only."""
    box = Structure(Lattice.orthorhombic(10, 10.5, 11), ["N", "N"], [[0.5, 0.5, 0.45], [0.5, 0.5, 0.55]])
    last = relax(box, **RELAX | {"NSW": 60, "ISIF": 2})[-1]
    assert last.ending == "accuracy"
    np.testing.assert_allclose(last.lattice, box.lattice.matrix, atol=1e-12)
    bond = float(np.linalg.norm((last.frac_coords[1] - last.frac_coords[0]) @ last.lattice))
    assert bond == pytest.approx(1.098, abs=0.05)  # of N2: K. P. Huber, G. Herzberg (1979)
