"""From sources to a table: files and folders, and what is said of them."""

from __future__ import annotations

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from pymatgen.core import Lattice, Structure

from aiida_mlhull.cli import main
from aiida_mlhull.science.errors import InputError, WireError
from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.sources import SOURCES
from aiida_mlhull.science.sources.base import Row, Source, sift
from aiida_mlhull.science.sources.importing import import_from


def salt(a=4.0):
    return Structure(Lattice.cubic(a), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def triclinic(seed):
    rng = np.random.default_rng(seed)
    cell = Lattice.from_parameters(4, 5, 6, 75, 80, 95)
    return Structure(cell, ["Na", "Cl", "O"], [[0, 0, 0], [0.4, 0.5, 0.5], *rng.uniform(0.1, 0.3, (1, 3))])


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "mine"
    place.mkdir()
    salt().to(str(place / "salt.cif"))
    triclinic(0).to(str(place / "odd.vasp"), fmt="poscar")
    Structure(Lattice.cubic(4), [{"Na": 0.5, "K": 0.5}], [[0, 0, 0]]).to(str(place / "alloy.cif"))
    return place


def test_a_folder_becomes_a_table_with_labels(folder, tmp_path):
    result = CliRunner().invoke(main, ["import", "files", str(folder), "-o", str(tmp_path / "t.parquet")])
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "read 3 candidates 2 left out 1 without symmetry (P1) 1" in said
    assert "1 disordered alloy" in said
    rows = {row["id"]: row for row in pq.read_table(tmp_path / "t.parquet").to_pylist()}
    assert rows["salt"]["protostructure"] == "AB_cP2_221_a_b:Cl-Cs"
    assert rows["odd"]["protostructure"].split("_")[2] == "1"
    assert read_candidates(tmp_path / "t.parquet").candidates.ids.tolist() == ["odd", "salt"]


def test_a_set_that_is_p1_throughout_is_told(tmp_path):
    for seed in range(2):
        triclinic(seed).to(str(tmp_path / f"{seed}.vasp"), fmt="poscar")
    result = CliRunner().invoke(main, ["import", "files", str(tmp_path), "-o", str(tmp_path / "t.csv")])
    assert "all of them are P1" in result.output


def test_links_out_of_the_folder_are_not_followed(folder, tmp_path):
    salt(4.2).to(str(tmp_path / "elsewhere.cif"))
    (folder / "linked.cif").symlink_to(tmp_path / "elsewhere.cif")
    counts = import_from(SOURCES["files"]([folder]), tmp_path / "t.parquet")
    assert (counts.used, counts.left_out["unreadable"]) == (2, 1)
    assert counts.examples["unreadable"] == ["linked (a link out of the folder)"]
    (folder / "linked.cif").unlink()
    (folder / "inside.cif").symlink_to(folder / "salt.cif")
    assert import_from(SOURCES["files"]([folder]), tmp_path / "t.parquet").used == 3


def test_pickles_are_not_opened(tmp_path):
    (tmp_path / "candidates.pkl").write_bytes(b"\x80\x04cos\nsystem\n")
    with pytest.raises(WireError, match="neither a folder nor a file that can be read"):
        import_from(SOURCES["files"]([tmp_path / "candidates.pkl"]), tmp_path / "t.parquet")


class Twice(Source):
    """Gives rows in portions, some of them twice, as a database does that grows while it is read."""

    name = "twice"

    def portions(self, journal):
        for names in (["a", "b"], ["b", "c"], ["c"]):
            yield sift(self.name, [Row(name, salt(4 + ord(name) / 1000)) for name in names], total=3)


def test_a_row_that_comes_twice_is_kept_once(tmp_path):
    counts = import_from(Twice(), tmp_path / "t.parquet")
    assert counts.used == 3
    assert counts.left_out == {"repeated": 2}
    assert counts.examples == {"repeated": ["b", "c"]}
    assert pq.read_table(tmp_path / "t.parquet")["id"].to_pylist() == ["a", "b", "c"]


def test_tables_are_written_where_people_say(tmp_path):
    with pytest.raises(WireError, match=r"written as .parquet or .csv"):
        import_from(Twice(), tmp_path / "t.json")
    with pytest.raises(WireError, match="there is no folder"):
        import_from(Twice(), tmp_path / "nowhere" / "t.csv")
    with pytest.raises(InputError, match="no files"):
        SOURCES["files"]([])


def test_every_source_that_is_registered_can_be_loaded():
    assert list(SOURCES) == ["files", "materials-project", "optimade"]
    assert all(issubclass(SOURCES[name], Source) for name in SOURCES)
