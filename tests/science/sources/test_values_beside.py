"""What a table says beside its cells goes along through import and clean, or it is said what doesn't."""

from __future__ import annotations

import json
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pymatgen.core import Lattice, Structure

from aiida_mlhull.cli import main
from aiida_mlhull.science.generators.parents import read_parents
from aiida_mlhull.science.reading import read_candidates

SITES = [0.0, 0.0, 0.0, 0.5, 0.5, 0.5]
NAMES = ("Sc", "Ti", "V")


def record(**more):
    """Candidates with a record and a distance from somebody's hull; a row is broken."""
    before, after = np.diag([4.0, 4.0, 4.0]).ravel().tolist(), np.diag([4.2, 4.2, 4.2]).ravel().tolist()
    flat = [0.0] * 9
    columns = {
        "structure_id": ["c", "a", "broken", "b"],
        "lattice_unrelaxed": [before, before, flat, before],
        "lattice_relaxed": [after, after, after, after],
        "energy_per_atom_ev": [Decimal("-9.1"), Decimal("-9.2"), Decimal("-9.3"), Decimal("-9.4")],
        "e_above_hull": [0.3, 0.1, 0.4, 0.2],
        "project": pa.array(["mine", "yours", "mine", None]).dictionary_encode(),
        "source": ["x", "y", "z", "x"],
    }
    for side in ("unrelaxed", "relaxed"):
        columns[f"species_{side}"] = [["Sc", "N"], ["Ti", "N"], ["Ti", "N"], ["V", "N"]]
        columns[f"frac_coords_{side}"] = [SITES] * 4
    return pa.table(columns | more)


def run(*arguments):
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_an_import_keeps_the_record_and_other_columns(tmp_path, suffix):
    pq.write_table(record(), tmp_path / "t.parquet")
    said = run("import", "files", tmp_path / "t.parquet", "-o", tmp_path / f"o.{suffix}")
    assert "e_above_hull, project" in " ".join(said.split())
    assert "don't go along, as written tables have their own: source" in " ".join(said.split())
    intake = read_candidates(tmp_path / f"o.{suffix}")
    assert intake.candidates.ids.tolist() == ["a", "b", "c"]
    assert intake.require_record().energies.tolist() == [-9.2, -9.4, -9.1]
    assert intake.require_record().crystals.volumes == pytest.approx([4.2**3] * 3)
    assert intake.beside["project"].to_pylist()[::2] == ["yours", "mine"]
    parents, _ = read_parents(tmp_path / f"o.{suffix}")
    assert parents.above_hull.tolist() == [0.1, 0.2, 0.3]


@pytest.mark.parametrize("suffix", ["parquet", "csv"])
def test_cleaning_keeps_them_with_their_rows(tmp_path, suffix):
    pq.write_table(record(), tmp_path / "t.parquet")
    run("clean", tmp_path / "t.parquet", "-o", tmp_path / f"o.{suffix}")
    intake = read_candidates(tmp_path / f"o.{suffix}")
    pairs = dict(zip(intake.candidates.ids.tolist(), intake.require_record().energies.tolist(), strict=True))
    assert pairs == {"a": -9.2, "b": -9.4, "c": -9.1}


def test_of_several_files_a_record_goes_along_only_if_all_have_one(tmp_path):
    pq.write_table(record(), tmp_path / "t.parquet")
    other = Structure(Lattice.cubic(4.4), ["Zr", "N"], [[0, 0, 0], [0.5] * 3])
    (tmp_path / "other.json").write_text(json.dumps({"z": other.as_dict()}))
    said = run("import", "files", tmp_path / "t.parquet", tmp_path / "other.json", "-o", tmp_path / "o.parquet")
    assert "as only some of the files have them: energy_per_atom_ev, frac_coords_relaxed" in " ".join(said.split())
    intake = read_candidates(tmp_path / "o.parquet")
    assert intake.candidates.ids.tolist() == ["a", "b", "c", "z"]
    assert intake.record is None
    assert intake.beside["e_above_hull"].to_pylist() == [0.1, 0.2, 0.3, None]


def test_one_file_that_can_not_be_used_does_not_block_the_others(tmp_path):
    pq.write_table(record(), tmp_path / "t.parquet")
    (tmp_path / "torn.parquet").write_bytes(b"PAR1 and no more")
    (tmp_path / "POSCAR").write_text("nothing\n")
    said = run(
        "import", "files", *(tmp_path / n for n in ("torn.parquet", "t.parquet", "POSCAR")), "-o", tmp_path / "o.csv"
    )
    assert "2  unreadable" in said
    missing = CliRunner().invoke(main, ["import", "files", str(tmp_path / "x.cif"), "-o", str(tmp_path / "o.csv")])
    assert "no such file or folder" in missing.output
