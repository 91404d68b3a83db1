"""Candidates from structure files: the same crystals come out that pymatgen and ase have put in."""

from __future__ import annotations

import gzip
import json

import ase.build
import ase.io
import numpy as np
import pytest
from pymatgen.core import DummySpecies, Lattice, Structure
from pymatgen.entries.computed_entries import ComputedStructureEntry
from pymatgen.io.cif import CifWriter

from aiida_mlhull.science.errors import CrystalError, InputError, TableError, WireError
from aiida_mlhull.science.reading import read_candidates


@pytest.fixture(scope="module")
def structures():
    """Rock salt and cesium chloride, with cells that are not cubes."""
    return {
        "salt": Structure.from_spacegroup("Fm-3m", Lattice.cubic(5.6), ["Na", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
        "sheared": Structure(Lattice([[4, 0, 0], [1, 4, 0], [0, 1, 5]]), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]),
    }


def assert_same(candidates, structures):
    assert candidates.ids.tolist() == sorted(structures)
    for index, name in enumerate(candidates.ids.tolist()):
        read, given = candidates.crystals.structure(index), structures[name]
        assert candidates.formulas[index] == given.composition.reduced_formula
        assert read.volume == pytest.approx(given.volume, rel=1e-4)
        assert sorted(read.distance_matrix.ravel()) == pytest.approx(sorted(given.distance_matrix.ravel()), abs=1e-3)


def test_a_folder_of_cif_and_poscar(structures, tmp_path):
    structures["salt"].to(filename=str(tmp_path / "salt.cif"))
    (tmp_path / "sheared").mkdir()
    structures["sheared"].to(filename=str(tmp_path / "sheared" / "POSCAR"), fmt="poscar")
    structures["sheared"].to(filename=str(tmp_path / "POSCAR.001"), fmt="poscar")
    (tmp_path / "notes.txt").write_text("not a structure")
    intake = read_candidates(tmp_path)
    assert_same(intake.candidates, {**structures, "POSCAR.001": structures["sheared"]})
    assert intake.record is None


def test_a_cif_of_many_gives_all_of_them(structures, tmp_path):
    blocks = [
        str(CifWriter(given)).replace(f"data_{given.composition.reduced_formula}", f"data_{name}")
        for name, given in structures.items()
    ]
    notes = "data_global\n_journal_year 1913\n"
    (tmp_path / "many.cif").write_text("\n".join([notes, *blocks]))
    (tmp_path / "one.cif").write_text("\n".join([notes, blocks[0]]))
    found = read_candidates(tmp_path).candidates
    expected = {f"many/{name}": given for name, given in structures.items()} | {"one": structures["salt"]}
    assert_same(found, expected)


@pytest.mark.parametrize("name", ["", "NaCl"])
def test_blocks_of_one_name_are_numbered(structures, tmp_path, name):
    blocks = [str(CifWriter(given)) for given in structures.values()]
    named = [
        block.replace(f"data_{s.composition.reduced_formula}", f"data_{name}")
        for block, s in zip(blocks, structures.values(), strict=True)
    ]
    (tmp_path / "many.cif").write_text("\n".join(named))
    found = read_candidates(tmp_path).candidates
    ids = [f"many/{name}_1", f"many/{name}_2"] if name else ["many/1", "many/2"]
    assert_same(found, dict(zip(ids, structures.values(), strict=True)))


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("layout", ["mapping", "entries", "list"])
def test_json_as_pymatgen_writes_it(structures, tmp_path, layout, packed):
    content = {
        "mapping": {name: structure.as_dict() for name, structure in structures.items()},
        "entries": [ComputedStructureEntry(s, -1.0, entry_id=name).as_dict() for name, s in structures.items()],
        "list": [structure.as_dict() for structure in structures.values()],
    }[layout]
    text = json.dumps(content).encode()
    path = tmp_path / ("many.json.gz" if packed else "many.json")
    path.write_bytes(gzip.compress(text) if packed else text)
    expected = structures
    if layout == "list":
        expected = dict(zip(["many_1", "many_2"], structures.values(), strict=True))
    assert_same(read_candidates(path).candidates, expected)


def test_extxyz(tmp_path):
    frames = [ase.build.bulk("NaCl", "rocksalt", a=5.6), ase.build.bulk("CsCl", "cesiumchloride", a=4.1)]
    frames[1].info["structure_id"] = "cesium"
    ase.io.write(tmp_path / "many.xyz", frames, format="extxyz")
    candidates = read_candidates(tmp_path / "many.xyz").candidates
    assert candidates.ids.tolist() == ["cesium", "many_1"]
    assert candidates.formulas.tolist() == ["CsCl", "NaCl"]
    assert candidates.crystals.volumes == pytest.approx([4.1**3, 5.6**3 / 4])


def test_a_molecule_is_not_a_candidate(tmp_path):
    ase.io.write(tmp_path / "many.xyz", [ase.build.molecule("H2O")] * 2, format="extxyz")
    with pytest.raises(CrystalError, match="2 of 2 rows: not periodic in three directions: many_1"):
        read_candidates(tmp_path / "many.xyz")


def test_files_that_cannot_be_read_are_named(structures, tmp_path):
    structures["salt"].to(filename=str(tmp_path / "salt.cif"))
    (tmp_path / "broken.cif").write_text("data_broken\n_cell_length_a oops\n")
    (tmp_path / "empty.vasp").write_text("")
    with pytest.raises(WireError, match=r"2 of 3 rows: can't be read: broken .*empty") as caught:
        read_candidates(tmp_path)
    assert "salt" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "{", "[1, 2]", '{"a": {"lattice": 3}}', "3"])
def test_json_that_holds_no_structures_is_refused(tmp_path, content):
    (tmp_path / "many.json").write_text(content)
    with pytest.raises(WireError, match="many.json"):
        read_candidates(tmp_path / "many.json")


@pytest.mark.parametrize("content", ["", "2\nno cell\nNa 0 0 0\n", "nonsense"])
def test_extxyz_that_holds_no_structures_is_refused(tmp_path, content):
    (tmp_path / "many.xyz").write_text(content)
    with pytest.raises(WireError, match="many.xyz"):
        read_candidates(tmp_path / "many.xyz")


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(WireError, match="no structures"):
        read_candidates(tmp_path)


def test_a_file_of_another_kind_is_refused_with_the_known_ones(tmp_path):
    (tmp_path / "a.docx").write_text("")
    with pytest.raises(WireError, match=r"a\.docx.*\.parquet, \.csv, \.json"):
        read_candidates(tmp_path / "a.docx")


def test_isotopes_and_charges_are_elements_and_dummies_are_none(structures, tmp_path):
    salt, dummy = structures["salt"].copy(), structures["salt"].copy()
    salt.replace_species({"Na": "Na+", "Cl": "D"})
    dummy.replace_species({"Na": DummySpecies("X")})
    content = {"plain": structures["salt"], "deuteride": salt, "dummy": dummy}
    (tmp_path / "many.json").write_text(json.dumps({name: given.as_dict() for name, given in content.items()}))
    with pytest.raises(CrystalError, match="unknown elements in the cell: dummy"):
        read_candidates(tmp_path / "many.json")
    intake = read_candidates(tmp_path / "many.json", bad_rows="leave_out")
    assert dict(zip(intake.candidates.ids, intake.candidates.formulas, strict=True)) == {
        "plain": "NaCl",
        "deuteride": "NaH",
    }
    assert intake.left_out.counts() == {"unknown_element": 1}


def test_disordered_structures_are_refused(structures, tmp_path):
    mixed = structures["salt"].copy()
    mixed[0] = {"Na": 0.5, "K": 0.5}
    (tmp_path / "many.json").write_text(json.dumps({"salt": structures["salt"].as_dict(), "mixed": mixed.as_dict()}))
    with pytest.raises(CrystalError, match=r"disordered.*mixed"):
        read_candidates(tmp_path / "many.json")


@pytest.mark.parametrize("first", [True, False])
def test_disordered_structures_may_be_left_out(structures, tmp_path, first):
    mixed = structures["salt"].copy()
    mixed[0] = {"Na": 0.5, "K": 0.5}
    entries = [{"id": name, "structure": structure.as_dict()} for name, structure in structures.items()]
    entries.insert(0 if first else 2, {"id": "mixed", "structure": mixed.as_dict()})
    (tmp_path / "many.json").write_text(json.dumps(entries))
    intake = read_candidates(tmp_path / "many.json", bad_rows="leave_out")
    assert_same(intake.candidates, structures)
    assert intake.left_out.counts() == {"disordered": 1}


def test_overlapping_atoms_are_refused_or_left_out(structures, tmp_path):
    doubled = Structure(Lattice.cubic(4), ["Na", "Na"], [[0, 0, 0], [0, 0, 0.01]])
    everything = {**structures, "doubled": doubled}
    (tmp_path / "many.json").write_text(json.dumps({name: s.as_dict() for name, s in everything.items()}))
    with pytest.raises(CrystalError, match=r"1 of 3 rows: atoms closer than.*doubled \(0.040 Å\)"):
        read_candidates(tmp_path / "many.json")
    intake = read_candidates(tmp_path / "many.json", bad_rows="leave_out")
    assert_same(intake.candidates, structures)
    assert intake.left_out.counts() == {"overlapping_atoms": 1}


def test_duplicate_ids_are_refused(structures, tmp_path):
    entries = [{"id": "twin", "structure": structure.as_dict()} for structure in structures.values()]
    (tmp_path / "many.json").write_text(json.dumps(entries))
    with pytest.raises(TableError, match="duplicate ids: twin"):
        read_candidates(tmp_path / "many.json")


def test_not_finite_coordinates_are_refused(structures, tmp_path):
    broken = structures["sheared"].as_dict()
    broken["sites"][0]["abc"] = [float("nan"), 0, 0]
    (tmp_path / "many.json").write_text(json.dumps({"salt": structures["salt"].as_dict(), "broken": broken}))
    with pytest.raises(CrystalError, match=r"NaN or infinite.*broken"):
        read_candidates(tmp_path / "many.json")


def test_a_single_structure_is_no_campaign(structures, tmp_path):
    (tmp_path / "one.json").write_text(json.dumps(structures["salt"].as_dict()))
    with pytest.raises(InputError, match="a single candidate"):
        read_candidates(tmp_path / "one.json")


def test_order_of_files_does_not_matter(structures, tmp_path):
    texts = [
        json.dumps(dict(pairs))
        for pairs in (
            [(n, s.as_dict()) for n, s in structures.items()],
            [(n, s.as_dict()) for n, s in reversed(structures.items())],
        )
    ]
    read = []
    for number, text in enumerate(texts):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "many.json").write_text(text)
        read.append(read_candidates(tmp_path / str(number) / "many.json").candidates)
    assert np.array_equal(read[0].crystals.frac_coords, read[1].crystals.frac_coords)
    assert read[0].origins.tolist() == read[1].origins.tolist()
