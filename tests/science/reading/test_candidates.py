"""Tables of candidates: what is read, what is refused, what is left out and counted."""

from __future__ import annotations

from importlib import resources

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymatgen.core import Composition

from aiida_mlhull.science.errors import CrystalError, InputError, TableError, WireError
from aiida_mlhull.science.reading import read_candidates

DEMO = resources.files("aiida_mlhull") / "demo_data" / "hypothetical_pnictides.parquet"
CULPRIT = "a-KCl"
OVERLAPPING = [0.0, 0.0, 0.0, 0.02, 0.02, 0.02]  # 0.139 Å in the cube of 4 Å
NAN, INF = float("nan"), float("inf")


@pytest.mark.parametrize("written", ["parquet", "csv"])
def test_rows_become_candidates_and_their_record(rows, written, request):
    intake = read_candidates(request.getfixturevalue(written)(rows), scheme="PBE")
    candidates, record = intake.candidates, intake.require_record()
    assert candidates.ids.tolist() == ["a-KCl", "b-KN", "c-NaCl", "d-NaN"]
    assert candidates.formulas.tolist() == [Composition(f).reduced_formula for f in ("KCl", "KN", "NaCl", "NaN")]
    assert candidates.origins.tolist() == [f"pairs.{written} row {row}" for row in (2, 4, 1, 3)]
    assert candidates.crystals.volumes_per_atom == pytest.approx([32.0] * 4)
    assert record.ids.tolist() == candidates.ids.tolist()
    assert record.energies.tolist() == [-3.1, -1.9, -3.2, -2.0]
    assert record.crystals.volumes_per_atom == pytest.approx([42.592] * 4)
    assert record.crystals.numbers.tolist() == [19, 17, 7, 19, 11, 17, 11, 7]
    assert record.scheme == "PBE"
    assert len(intake.left_out) == 0
    assert intake.summary() == f"pairs.{written}: 4 rows read, 4 used; nothing was left out"


@pytest.mark.parametrize("written", ["parquet", "csv"])
def test_cells_alone_have_no_record(rows, written, request):
    bare = [
        {key.removesuffix("_unrelaxed"): value for key, value in row.items() if "_relaxed" not in key} for row in rows
    ]
    intake = read_candidates(request.getfixturevalue(written)(bare))
    assert len(intake.candidates) == 4
    assert intake.record is None
    with pytest.raises(InputError, match=r"no results to replay.*lattice_relaxed"):
        intake.require_record()


FAULTS = {
    "NaN energy": ({"energy_per_atom_ev": NAN}, TableError, "no_energy"),
    "infinite energy": ({"energy_per_atom_ev": INF}, TableError, "no_energy"),
    "NaN coordinate": ({"frac_coords_unrelaxed": [0, 0, NAN, 0.5, 0.5, 0.5]}, CrystalError, "not_finite"),
    "infinite coordinate": ({"frac_coords_relaxed": [0, 0, INF, 0.5, 0.5, 0.5]}, CrystalError, "not_finite"),
    "thin cell": ({"lattice_unrelaxed": [1e-3, 0, 0, 0, 1e4, 0, 0, 0, 10.0]}, CrystalError, "overlapping_atoms"),
    "sheared thin cell": (
        {"lattice_unrelaxed": [4.0, 0, 0, 400.0, 1e-2, 0, 0, 0, 1e4]},
        CrystalError,
        "overlapping_atoms",
    ),
    "cell in no unit": ({"lattice_unrelaxed": [1e200, 0, 0, 0, 4.0, 0, 0, 0, 4.0]}, CrystalError, "not_finite"),
    "NaN cell": ({"lattice_relaxed": [NAN, *[1.0] * 8]}, CrystalError, "not_finite"),
    "overlapping atoms": ({"frac_coords_unrelaxed": OVERLAPPING}, CrystalError, "overlapping_atoms"),
    "overlapping atoms, relaxed": ({"frac_coords_relaxed": OVERLAPPING}, CrystalError, "overlapping_atoms"),
    "atoms on top of each other": ({"frac_coords_unrelaxed": [0.0] * 6}, CrystalError, "overlapping_atoms"),
    "atoms overlapping across the border": (
        {"frac_coords_unrelaxed": [0.0, 0.0, 0.001, 0.0, 0.0, 0.999]},
        CrystalError,
        "overlapping_atoms",
    ),
    "flat cell": ({"lattice_unrelaxed": [4.0, 0, 0, 4.0, 0, 0, 0, 0, 4.0]}, CrystalError, "no_volume"),
    "unknown element": ({"species_unrelaxed": ["K", "Qq"]}, CrystalError, "unknown_element"),
    "other composition": ({"species_relaxed": ["Na", "Cl"]}, TableError, "composition_differs"),
    "elements swapped": (
        {
            "species_unrelaxed": ["K", "K", "Cl"],
            "frac_coords_unrelaxed": [0.0, 0, 0, 0.5, 0, 0, 0.5, 0.5, 0.5],
            "species_relaxed": ["Cl", "Cl", "K"],
            "frac_coords_relaxed": [0.0, 0, 0, 0.5, 0, 0, 0.5, 0.5, 0.5],
        },
        TableError,
        "composition_differs",
    ),
    "too few coordinates": ({"frac_coords_unrelaxed": [0.0] * 5}, CrystalError, "broken_lists"),
    "eight cell numbers": ({"lattice_unrelaxed": [1.0] * 8}, CrystalError, "broken_lists"),
    "no sites": ({"species_unrelaxed": [], "frac_coords_unrelaxed": []}, CrystalError, "broken_lists"),
}


@pytest.mark.parametrize(("changes", "error"), [fault[:2] for fault in FAULTS.values()], ids=FAULTS.keys())
@pytest.mark.parametrize("written", ["parquet", "csv"])
def test_a_bad_row_is_refused_by_name(damaged, written, changes, error, request):
    path = request.getfixturevalue(written)(damaged(**changes))
    with pytest.raises(error, match=f"1 of 4 rows.*{CULPRIT}") as caught:
        read_candidates(path)
    assert not any(sound in str(caught.value) for sound in ("b-KN", "c-NaCl", "d-NaN"))
    assert caught.value.status < 300


@pytest.mark.parametrize(("changes", "reason"), [fault[::2] for fault in FAULTS.values()], ids=FAULTS.keys())
def test_a_bad_row_is_left_out_and_counted(damaged, parquet, changes, reason):
    intake = read_candidates(parquet(damaged(**changes)), bad_rows="leave_out")
    assert intake.candidates.ids.tolist() == ["b-KN", "c-NaCl", "d-NaN"]
    assert intake.require_record().energies.tolist() == [-1.9, -3.2, -2.0]
    assert intake.left_out.ids.tolist() == [CULPRIT]
    assert intake.left_out.counts() == {reason: 1}
    assert intake.summary().endswith(f"4 rows read, 3 used; 1 left out: 1 {reason}")


@pytest.mark.parametrize("volume", [0.0, -12.5, NAN])
def test_a_volume_that_is_not_positive_is_refused(rows, parquet, volume):
    for row in rows:
        row["volume_per_atom_relaxed_A3"] = volume if row["structure_id"] == CULPRIT else 42.6
    with pytest.raises(CrystalError, match=f"volume_per_atom_relaxed_A3.*{CULPRIT}"):
        read_candidates(parquet(rows))


def test_a_left_handed_cell_is_a_crystal(damaged, parquet):
    mirrored = [0.0, 4.0, 0.0, 4.0, 0.0, 0.0, 0.0, 0.0, 4.0]
    candidates = read_candidates(parquet(damaged(lattice_unrelaxed=mirrored))).candidates
    assert np.linalg.det(candidates.crystals.lattices[0]) == pytest.approx(-64.0)
    assert candidates.crystals.volumes[0] == pytest.approx(64.0)


def test_distances_are_measured_not_guessed(damaged, parquet):
    just_apart = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0501]  # 0.2004 Å
    assert len(read_candidates(parquet(damaged(frac_coords_unrelaxed=just_apart))).candidates) == 4
    just_too_close = [0.0, 0.0, 0.0, 0.0, 0.0, 0.0499]
    with pytest.raises(CrystalError, match=rf"{CULPRIT} \(0\.[12]\d* Å\)"):
        read_candidates(parquet(damaged(frac_coords_unrelaxed=just_too_close)))


@pytest.mark.parametrize("bad_rows", ["refuse", "leave_out"])
def test_duplicate_ids_are_always_refused(rows, parquet, bad_rows):
    rows[0]["structure_id"] = CULPRIT
    with pytest.raises(TableError, match=f"duplicate ids: {CULPRIT}"):
        read_candidates(parquet(rows), bad_rows=bad_rows)


@pytest.mark.parametrize("missing", ["", None])
def test_rows_without_id_are_refused(damaged, parquet, missing):
    with pytest.raises(TableError, match="1 rows have no id"):
        read_candidates(parquet(damaged(structure_id=missing)), bad_rows="leave_out")


def test_a_single_candidate_is_no_campaign(rows, parquet):
    with pytest.raises(InputError, match="a single candidate, c-NaCl"):
        read_candidates(parquet(rows[:1]))


def test_nothing_left_is_an_error(rows, parquet):
    for row in rows:
        row["energy_per_atom_ev"] = NAN
    with pytest.raises(InputError, match=r"no row can be used; 4 left out: 4 no_energy"):
        read_candidates(parquet(rows), bad_rows="leave_out")


def test_missing_columns_are_listed_with_those_present(rows, parquet):
    for row in rows:
        del row["species_unrelaxed"]
    with pytest.raises(TableError, match=r"species_unrelaxed.*the file has: .*lattice_unrelaxed"):
        read_candidates(parquet(rows))


def test_rows_that_the_file_calls_unclean_are_always_left_out(rows, parquet):
    for row in rows:
        row["clean_pair"] = row["structure_id"] not in {"a-KCl", "b-KN"}
    rows[1]["species_relaxed"] = ["Na", "Cl"]
    intake = read_candidates(parquet(rows))
    assert intake.candidates.ids.tolist() == ["c-NaCl", "d-NaN"]
    assert dict(zip(intake.left_out.ids, intake.left_out.reasons, strict=True)) == {
        "a-KCl": "composition_differs",  # what we see ourselves says more than the mark
        "b-KN": "marked_unclean",
    }
    assert intake.left_out.details[0] == "unrelaxed KCl, relaxed NaCl"


def test_a_fault_in_a_clean_row_is_refused_beside_unclean_ones(rows, parquet):
    for row in rows:
        row["clean_pair"] = row["structure_id"] != "b-KN"
    rows[1]["energy_per_atom_ev"] = NAN
    with pytest.raises(TableError, match=rf"1 of 4 rows.*{CULPRIT}"):
        read_candidates(parquet(rows))


@pytest.mark.parametrize("stated", ["NaCl", "Cl2K", "no formula"])
def test_a_stated_formula_has_to_be_that_of_the_cell(rows, parquet, stated):
    for row in rows:
        row["formula"] = {"a-KCl": stated, "b-KN": "K4N4", "c-NaCl": "Cl1Na1", "d-NaN": "NaN"}[row["structure_id"]]
    with pytest.raises(TableError, match=rf"formula is not the composition.*{CULPRIT} \(formula {stated}, cell KCl\)"):
        read_candidates(parquet(rows))


def test_sodium_nitride_survives_csv(rows, csv):
    for row in rows:
        row["structure_id"] = row["structure_id"][2:]
        row["reduced_formula"] = row["structure_id"]
    intake = read_candidates(csv(rows))
    assert "NaN" in intake.candidates.ids
    assert intake.candidates.formulas[intake.candidates.ids == "NaN"].tolist() == ["NaN"]


def test_ids_that_look_like_numbers_stay_as_written(rows, csv):
    for number, row in enumerate(rows):
        row["structure_id"] = f"00{number}"
    assert read_candidates(csv(rows)).candidates.ids.tolist() == ["000", "001", "002", "003"]


@pytest.mark.parametrize("name", ["pairs.parquet", "pairs.csv"])
@pytest.mark.parametrize("content", [b"", b"\x00\xff\xfe not a table", b"PAR1"])
def test_unreadable_files_are_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(WireError, match=name):
        read_candidates(tmp_path / name)


def test_a_truncated_file_is_refused(rows, parquet):
    path = parquet(rows)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(WireError, match=r"can't be read as parquet"):
        read_candidates(path)


@pytest.mark.parametrize("written", ["parquet", "csv"])
def test_a_table_without_rows_is_refused(rows, tmp_path, written, request):
    path = request.getfixturevalue(written)(rows)
    if written == "csv":
        path.write_text(path.read_text().splitlines()[0] + "\n")
    else:
        pq.write_table(pq.read_table(path).slice(0, 0), path)
    with pytest.raises(WireError, match="no rows"):
        read_candidates(path)


@pytest.mark.parametrize("name", ["nowhere.parquet", "nowhere"])
def test_a_missing_file_is_named(tmp_path, name):
    with pytest.raises(InputError, match=name):
        read_candidates(tmp_path / name)


@given(broken=st.sets(st.integers(0, 11), max_size=10), order=st.permutations(range(12)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_broken_the_rest_is_read_unchanged(rows, parquet, broken, order):
    faults = list(FAULTS.values())
    whole = [{**rows[1], "structure_id": f"id{i:02d}", "energy_per_atom_ev": float(i)} for i in range(12)]
    for i in broken:
        whole[i].update(faults[i % len(faults)][0])
    intake = read_candidates(parquet([whole[i] for i in order]), bad_rows="leave_out")
    record = intake.require_record()
    assert record.energies.tolist() == [float(i) for i in range(12) if i not in broken]
    assert intake.left_out.ids.tolist() == [f"id{i:02d}" for i in sorted(broken)]
    assert intake.left_out.reasons.tolist() == [faults[i % len(faults)][2] for i in sorted(broken)]


def test_the_demo_is_read_as_pymatgen_reads_it():
    intake = read_candidates(DEMO)
    assert (len(intake.candidates), len(intake.left_out)) == (354, 8)
    assert intake.left_out.counts() == {"composition_differs": 7, "formula_differs": 1}
    stored = {row["structure_id"]: row for row in pq.read_table(DEMO).to_pylist()}
    record = intake.require_record()
    for index in range(0, 354, 37):
        row = stored[intake.candidates.ids[index]]
        before, after = intake.candidates.crystals.structure(index), record.crystals.structure(index)
        assert before.lattice.matrix.ravel().tolist() == row["lattice_unrelaxed"]
        assert [site.specie.symbol for site in after] == row["species_relaxed"]
        assert after.frac_coords.ravel().tolist() == row["frac_coords_relaxed"]
        assert record.energies[index] == row["energy_per_atom_ev"]
        assert intake.candidates.formulas[index] == before.composition.reduced_formula


def test_a_composition_check_finds_what_the_mark_would_have(tmp_path):
    table = pq.read_table(DEMO)
    unmarked = tmp_path / "unmarked.parquet"
    pq.write_table(table.drop_columns(["clean_pair"]), unmarked)
    with pytest.raises(TableError, match=r"7 of 362 rows: unrelaxed and relaxed cells of different composition"):
        read_candidates(unmarked)
    found = read_candidates(unmarked, bad_rows="leave_out")
    assert found.left_out.ids.tolist() == read_candidates(DEMO).left_out.ids.tolist()
