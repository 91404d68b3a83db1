"""VASP's input files as we read them, against pymatgen."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Structure
from pymatgen.io.vasp import Poscar as TheirPoscar

from aiida_mlhull.science.not_vasp import other_functional
from aiida_mlhull.standin.inputs import Incar, KpointsFile, Poscar, RefusalError, read_potcar
from aiida_mlhull.standin.potcars import placeholder
from aiida_mlhull.standin.task import FREEDOMS, Task
from tests.standin.cells import inputs, rutile, skewed

FIXED = np.array([[True, True, True], [False, True, True], [False, False, False], [True, True, False]])


PARTLY_FIXED = "x\n4\n1 0 0\n0 1 0\n0 0 1\nTi N\n1 1\nSelective\nDirect\n0 0 0 F F F\n0.5 0.5 0.5 T F T\n"


def task(given):
    return Task.read(incar=given.incar, poscar=given.poscar, kpoints=given.kpoints, potcar=given.potcar)


@pytest.mark.parametrize("structure", [rutile(), skewed()], ids=["rutile", "skewed"])
@pytest.mark.parametrize("direct", [True, False])
def test_poscars_are_read_as_pymatgen_reads_them(structure, direct):
    text = TheirPoscar(structure, comment="something").get_str(direct=direct, significant_figures=14)
    ours = Poscar.read(text)
    assert ours.comment == "something"
    assert ours.symbols == [site.specie.symbol for site in structure]
    np.testing.assert_allclose(ours.lattice, structure.lattice.matrix, atol=1e-12)
    np.testing.assert_allclose(ours.frac_coords, structure.frac_coords, atol=1e-12)
    assert ours.movable.all()


def test_fixed_atoms_are_read():
    text = TheirPoscar(skewed(), selective_dynamics=FIXED.tolist()).get_str()
    np.testing.assert_array_equal(Poscar.read(text).movable, FIXED)


@pytest.mark.parametrize(("scale", "mode"), [("2.5", "Direct"), ("2.5", "Cartesian"), ("-60.0", "Direct")])
def test_the_scale_applies_to_cell_and_cartesian_positions(scale, mode):
    text = f"x\n{scale}\n1 0 0\n0 1.5 0\n0.1 0 2\nMg O\n1 1\n{mode}\n0 0 0\n0.5 0.25 0.1\n"
    theirs: Structure = TheirPoscar.from_str(text).structure
    ours = Poscar.read(text)
    np.testing.assert_allclose(ours.lattice, theirs.lattice.matrix, atol=1e-9)
    np.testing.assert_allclose(ours.frac_coords, theirs.frac_coords, atol=1e-9)


def test_minus_the_volume_scales_cartesian_positions_like_the_cell():
    """By hand: pymatgen multiplies them by the volume."""
    ours = Poscar.read("x\n-64\n1 0 0\n0 2 0\n0 0 4\nMg O\n1 1\nCartesian\n0 0 0\n0.5 0.5 3\n")
    np.testing.assert_allclose(ours.lattice, np.diag([2.0, 4.0, 8.0]))
    np.testing.assert_allclose(ours.frac_coords[1], [0.5, 0.25, 0.75])


def test_three_scales_apply_along_x_y_and_z():
    ours = Poscar.read("x\n2 3 4\n1 1 0\n0 1 0\n0 0 1\nMg\n1\nCartesian\n1 1 1\n")
    np.testing.assert_allclose(ours.lattice, [[2, 3, 0], [0, 3, 0], [0, 0, 4]])
    np.testing.assert_allclose(ours.frac_coords @ ours.lattice, [[2, 3, 4]])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x\n1\n1 0 0\n0 1 0\n", "POSCAR"),
        ("x\n1\n1 0 0\n0 1 0\n0 0 1\n2\nDirect\n0 0 0\n", "POSCAR"),
        ("x\n1\n1 0 0\n0 1 0\n0 0 1\nMg O\n1\nDirect\n0 0 0\n", "POSCAR"),
        ("x\n1\n1 0 0\n0 1 0\n0 0 1\nMg\n2\nDirect\n0 0 0\n", "POSCAR"),
        ("x\n1\n0 1 0\n1 0 0\n0 0 1\nMg\n1\nDirect\n0 0 0\n", "triple product"),
    ],
    ids=["short", "VASP 4", "counts", "atoms", "left-handed"],
)
def test_broken_poscars_are_refused(text, message):
    with pytest.raises(RefusalError, match=message):
        Poscar.read(text)


def test_incars_in_all_spellings():
    incar = Incar(
        "# a comment\n encut = 520 eV ! so\nISIF=3; NSW = 40\nLDAU = .TRUE.\nLREAL = Auto\nMAGMOM = 2*5.0 -0.6 \\\n 3*0\n"
        "EDIFF = 1D-5\nISIF = 2\nno tag here\nLWAVE = .f.\n"
    )
    assert incar.real("ENCUT", 0.0) == 520.0
    assert (incar.integer("ISIF", 2), incar.integer("NSW", 0)) == (3, 40)  # the first ISIF counts
    assert incar.flag("LDAU", default=False)
    assert not incar.flag("LWAVE", default=True)
    assert incar.flag("LCHARG", default=True)
    assert incar.reals("MAGMOM") == [5.0, 5.0, -0.6, 0.0, 0.0, 0.0]
    assert incar.real("EDIFF", 1e-4) == 1e-5
    assert incar.word("LREAL", "F") == "Auto"


@pytest.mark.parametrize(("text", "read"), [("NSW = many", "integer"), ("EDIFF =", "real"), ("MAGMOM = 2*x", "reals")])
def test_what_is_no_number_is_named(text, read):
    incar = Incar(text)
    tag = text.split()[0]
    with pytest.raises(RefusalError, match=f"'{tag}'"):
        getattr(incar, read)(tag, *([] if read == "reals" else [0]))


def test_meshes():
    lattice = np.diag([3.0, 4.0, 6.0])

    def read(text, spacing=0.5):
        return KpointsFile.read(text, lattice=lattice, spacing=spacing, gamma=True)

    assert read("x\n0\nGamma\n4 5 6\n0 0 0.5\n") == KpointsFile("Gamma", (4, 5, 6), (0.0, 0.0, 0.5))
    assert read("x\n0\nMonkhorst-Pack\n4 5 6\n") == KpointsFile("Monkhorst-Pack", (4, 5, 6))
    assert read("x\n0\nAuto\n20\n") == KpointsFile("Gamma", (7, 5, 3))
    assert read("x\n2\nReciprocal\n0 0 0 1\n0.5 0 0 1\n").style == "Listgenerated"
    assert read(None) == KpointsFile("Gamma", (5, 4, 3))  # 2 pi / (0.5 * 3) = 4.19 and so on
    with pytest.raises(RefusalError, match="KPOINTS"):
        read("nothing")


def test_potcars_without_headers_are_refused():
    assert [potential.element for potential in read_potcar(placeholder("Ti_pv") + placeholder("O"))] == ["Ti", "O"]
    with pytest.raises(RefusalError, match="TITEL"):
        read_potcar("not a POTCAR")


def test_defaults_are_vasp_s():
    single = task(inputs())
    assert (single.nsw, single.ibrion, single.isif, single.relaxes, single.max_steps) == (0, -1, 2, False, 1)
    assert (single.ediff, single.ediffg, single.nelm) == (1e-4, 1e-3, 60)
    assert single.signs is None
    assert single.symmetry_tolerance == 1e-5
    relaxation = task(inputs(NSW=5, IBRION=1, EDIFF=1e-6, ISYM=0, PSTRESS=100))
    assert relaxation.relaxes
    assert relaxation.free == FREEDOMS[2]
    assert relaxation.ediffg == pytest.approx(1e-5)
    assert relaxation.symmetry_tolerance is None
    assert relaxation.pressure == pytest.approx(10.0 / 160.21766208)  # 10 GPa


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"NSW": 10}, "molecular dynamics"),  # VASP's default for IBRION is 0 as soon as there are steps
        ({"NSW": 1, "IBRION": 5}, "phonons"),
        ({"NSW": 1, "IBRION": 2, "ISIF": 9}, "ISIF = 9"),
        ({"NSW": 1, "IBRION": 2, "ISIF": 3, "poscar": PARTLY_FIXED}, "fixed as a whole"),
        ({"names": ("N", "Ti_pv")}, "incompatible"),
        ({"names": ("Ti_pv",)}, "incompatible"),
        ({"ISPIN": 2, "MAGMOM": [5.0]}, "1 moments for 2 atoms"),
    ],
)
def test_what_the_stand_in_cannot_do_is_refused(asked, message):
    with pytest.raises(RefusalError, match=message):
        task(inputs(**asked))


def test_tags_without_effect_on_energies_are_noted():
    noted = task(inputs(METAGGA="R2SCAN", LDAU=True, LHFCALC=False, IVDW=0)).notes
    assert [note.split()[0] for note in noted] == ["METAGGA", "LDAU"]
    assert [note.split()[0] for note in task(inputs(GGA="PS")).notes] == ["GGA"]
    assert task(inputs(GGA="PE")).notes == []


@pytest.mark.parametrize(
    ("gga", "metagga", "other"),
    [
        ("", "", ""),
        ("PE", "", ""),
        ("pe", "none", ""),
        ("PS", "", "GGA = PS"),
        ("", "R2SCAN", "METAGGA = R2SCAN"),
        ("PE", "Scan", "METAGGA = SCAN"),
    ],
)
def test_another_functional_than_the_potentials_is_known(gga, metagga, other):
    assert other_functional(gga=gga, metagga=metagga) == other
