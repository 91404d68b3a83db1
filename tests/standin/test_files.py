"""What the stand-in writes, read by pymatgen and by parsevasp, which is what aiida-vasp reads with."""

from __future__ import annotations

import contextlib
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from parsevasp.outcar import Outcar as ParsevaspOutcar
from parsevasp.vasprun import Xml
from pymatgen.io.vasp import Oszicar, Outcar, Poscar, Vasprun

from aiida_mlhull.science.not_vasp import NOT_VASP
from tests.standin.cells import RELAX, inputs, iron_oxide, nitride, rutile

pytestmark = pytest.mark.filterwarnings("ignore::pymatgen.io.vasp.outputs.UnconvergedVASPWarning")

SPIN = {"ISPIN": 2, "LORBIT": 11, "MAGMOM": [5.0, -5.0, 0.6, 0.6]}


def vasprun(folder):
    return Vasprun(folder / "vasprun.xml", parse_potcar_file=False, parse_dos=False, parse_eigen=False)


@pytest.fixture
def relaxed(job):
    """A folder in which antiferromagnetic FeO with a U has been relaxed."""
    tags = {"LDAU": True, "LDAUL": [2, -1], "LDAUU": [5.3, 0.0], "LDAUJ": [0.0, 0.0], "ENCUT": 520, "GGA": "PE"}
    folder, status = job(structure=iron_oxide(), names=("Fe_pv", "O"), **RELAX, **SPIN, **tags)
    assert status == 0
    return folder


def test_pymatgen_reads_vasprun(relaxed):
    read = vasprun(relaxed)
    assert read.converged
    assert read.run_type == "PBE+U"
    assert read.hubbards == {"Fe": 5.3, "O": 0.0}
    assert [spec["titel"].split()[1] for spec in read.potcar_spec] == ["Fe_pv", "O"]
    assert read.kpoints.kpts == [(4, 4, 3)]
    assert read.parameters["ISIF"] == 3
    assert read.atomic_symbols == ["Fe", "Fe", "O", "O"]
    assert NOT_VASP.replace(" ", "-") in read.vasp_version.upper()
    for step in read.ionic_steps:
        assert len(step["electronic_steps"]) < read.parameters["NELM"]
        assert np.abs(np.sum(step["forces"], axis=0)).max() < 1e-4
    assert np.abs(np.diag(read.ionic_steps[-1]["stress"])).max() < 5.0


def test_another_functional_is_told_loudly_and_changes_no_number(job, capsys):
    folder, status = job(METAGGA="R2SCAN", NSW=0, IBRION=-1)
    assert status == 0
    said, energy = capsys.readouterr().out, float(vasprun(folder).final_energy)
    for text in (said, (folder / "OUTCAR").read_text()):
        words = " ".join(text.replace("|", " ").split())
        assert f"{NOT_VASP}: METAGGA = R2SCAN asks for another functional. ALL ENERGIES" in words
        assert "ARE PBE's ALL THE SAME" in words
    assert Outcar(folder / "OUTCAR").final_energy == pytest.approx(energy, abs=1e-6)
    folder, status = job(GGA="PE", NSW=0, IBRION=-1)
    assert status == 0
    assert "another functional" not in capsys.readouterr().out
    assert float(vasprun(folder).final_energy) == energy


def test_all_files_tell_the_same(relaxed):
    xml, outcar, oszicar = vasprun(relaxed), Outcar(relaxed / "OUTCAR"), Oszicar(relaxed / "OSZICAR")
    contcar = Poscar.from_file(relaxed / "CONTCAR").structure
    assert xml.final_structure.matches(contcar, scale=False)
    assert xml.final_structure.volume == pytest.approx(contcar.volume, rel=1e-6)
    assert float(xml.final_energy) == pytest.approx(outcar.final_energy, abs=1e-6)
    assert oszicar.final_energy == pytest.approx(outcar.final_energy, abs=1e-5)
    assert len(xml.ionic_steps) == len(oszicar.ionic_steps) == len(oszicar.electronic_steps)
    for step, electronic in zip(xml.ionic_steps, oszicar.electronic_steps, strict=True):
        assert [one["E"] for one in electronic] == pytest.approx([e["e_0_energy"] for e in step["electronic_steps"]])


def test_pymatgen_reads_moments_and_costs_from_outcar(relaxed):
    outcar = Outcar(relaxed / "OUTCAR")
    moments = [atom["tot"] for atom in outcar.magnetization]
    assert moments[0] == -moments[1] > 3.0
    assert outcar.total_mag == pytest.approx(sum(moments), abs=0.01)
    assert outcar.run_stats["Total CPU time used (sec)"] > 0.0
    assert outcar.run_stats["Maximum memory used (kb)"] > 1000.0
    assert not outcar.is_stopped


def test_parsevasp_reads_both(relaxed):
    outcar = ParsevaspOutcar(file_path=str(relaxed / "OUTCAR"))
    status = outcar.get_run_status()
    assert status["finished"]
    assert status["ionic_converged"]
    assert status["electronic_converged"]
    assert not status["contains_nelm_breach"]
    assert status["nsw"] == RELAX["NSW"]
    moments = outcar.get_magnetization()["sphere"]["x"]["site_moment"]
    assert moments[1]["tot"] == -moments[2]["tot"] > 3.0
    assert outcar.get_symmetry()["num_space_group_operations"]["static"][0] > 4
    xml = Xml(file_path=str(relaxed / "vasprun.xml"))
    assert not xml.truncated
    theirs = vasprun(relaxed)
    np.testing.assert_allclose(xml.get_forces("last"), theirs.ionic_steps[-1]["forces"])
    np.testing.assert_allclose(xml.get_unitcell("last"), theirs.final_structure.lattice.matrix, atol=1e-8)
    energies = xml.get_energies(status="all", etype=["energy_extrapolated"])
    assert energies["energy_extrapolated_final"][-1] == pytest.approx(float(theirs.final_energy))


def test_outcar_s_numbers_are_vasprun_s(relaxed):
    """Forces, stress and cell of the last step, as pymatgen's tables read them."""
    outcar, last = Outcar(relaxed / "OUTCAR"), vasprun(relaxed).ionic_steps[-1]
    table = outcar.read_table_pattern(
        r"TOTAL-FORCE \(eV/Angst\)\n\s*-+\n", r"\s+".join([r"([\d\.\-]+)"] * 6), r"\s*-+\n", postprocess=float
    )
    np.testing.assert_allclose(np.array(table)[:, 3:], last["forces"], atol=1e-6)
    np.testing.assert_allclose(np.array(table)[:, :3], last["structure"].cart_coords, atol=1e-5)
    outcar.read_pattern({"kB": r"in kB\s+" + r"\s+".join([r"([\d\.\-]+)"] * 6)}, postprocess=float)
    np.testing.assert_allclose(outcar.data["kB"][-1][:3], np.diag(last["stress"]), atol=1e-4)
    outcar.read_pattern({"volume": r"volume of cell :\s+([\d\.]+)"}, postprocess=float)
    assert outcar.data["volume"][-1][0] == pytest.approx(last["structure"].volume, abs=0.01)


def test_every_file_says_that_this_is_not_vasp(relaxed):
    for name in ("OUTCAR", "vasprun.xml", "CONTCAR", "WAVECAR"):
        assert NOT_VASP in (relaxed / name).read_text(), name


def test_standard_output_says_so_too(job, capsys):
    job()
    said = capsys.readouterr().out
    assert said.count(NOT_VASP) >= 2
    assert "vasp" in said.split(NOT_VASP)[0]  # without it, parsevasp takes VASP as not started


def test_a_static_run_is_read_and_converged(job):
    folder, status = job(structure=rutile())
    assert status == 0
    read = vasprun(folder)
    assert read.converged
    assert len(read.ionic_steps) == 1
    outcar = ParsevaspOutcar(file_path=str(folder / "OUTCAR")).get_run_status()
    assert outcar["finished"]
    assert outcar["electronic_converged"]
    assert outcar["ionic_converged"] is None


def test_too_few_ionic_steps_are_read_as_such(job):
    folder, _ = job(**RELAX | {"NSW": 2})
    assert not vasprun(folder).converged_ionic
    assert ParsevaspOutcar(file_path=str(folder / "OUTCAR")).get_run_status()["ionic_converged"] is False
    assert "reached required accuracy" not in (folder / "OUTCAR").read_text()


def test_too_few_electronic_steps_are_read_as_such(job):
    folder, _ = job(NELM=5)
    assert not vasprun(folder).converged_electronic
    assert not ParsevaspOutcar(file_path=str(folder / "OUTCAR")).get_run_status()["electronic_converged"]


def test_enthalpy_is_told_under_pressure(job):
    folder, _ = job(**RELAX | {"PSTRESS": 200})
    outcar = Outcar(folder / "OUTCAR")
    outcar.read_pattern(
        {"enthalpy": r"enthalpy is  TOTEN    =\s+([\d\.\-]+) eV   P V=\s+([\d\.\-]+)"}, postprocess=float
    )
    enthalpy, push = outcar.data["enthalpy"][-1]
    last = vasprun(folder).ionic_steps[-1]
    assert push == pytest.approx(20.0 / 160.21766208 * last["structure"].volume, rel=1e-6)
    assert enthalpy - push == pytest.approx(last["e_0_energy"], abs=1e-6)


def test_awkward_titles_stay_valid_xml(job):
    folder, _ = job(SYSTEM='Ti & "N" <cubic>')
    assert vasprun(folder).incar["SYSTEM"] == 'Ti & "N" <cubic>'
    ET.parse(folder / "vasprun.xml")


def test_contcar_keeps_fixed_atoms_fixed(job):
    flags = [[False, False, False], [True, True, True]]
    text = Poscar(nitride(), selective_dynamics=flags).get_str(significant_figures=12)
    folder, _ = job(given=inputs(poscar=text, **RELAX | {"ISIF": 2}))
    assert np.array(Poscar.from_file(folder / "CONTCAR").selective_dynamics).tolist() == flags


def test_a_second_job_in_the_folder_leaves_nothing_of_the_first(job):
    folder, _ = job(**RELAX)
    job()
    assert len(vasprun(folder).ionic_steps) == 1
    assert (folder / "OUTCAR").read_text().count("executed on") == 1


def test_refusals_are_boxes_that_parsevasp_finds(job, capsys):
    from parsevasp.stream import Stream

    folder, status = job(NSW=3)
    assert status == 1
    said = capsys.readouterr().out
    (folder / "vasp_output").write_text(said)
    with contextlib.redirect_stdout(io.StringIO()):
        entries = Stream(file_path=str(folder / "vasp_output")).entries
    assert [entry.kind for entry in entries] == ["ERROR"]
    assert "molecular dynamics" in entries[0].message
    assert "I REFUSE TO CONTINUE" in (folder / "OUTCAR").read_text()
    assert not (folder / "vasprun.xml").exists()
