"""Exported tables: what pandas, pymatgen and the package's own intake make of them."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest
from pymatgen.io.cif import CifParser

from aiida_mlhull.science.errors import InputError, TableError
from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.tables.export import cif_files, to_cif, to_csv, to_json, to_parquet
from aiida_mlhull.science.tables.listing import choose, listing
from tests.data.nouns import FORMULAS, IDS, candidates, decisions, labels, predictions, references


def test_sodium_nitride_stays_a_formula_and_a_missing_energy_is_missing() -> None:
    by_csv = pd.read_csv(io.BytesIO(to_csv(labels())), keep_default_na=False)
    assert by_csv["formula"].tolist() == FORMULAS.tolist()
    assert by_csv.loc[2, "energy_ev_per_atom"] == ""
    by_json = json.loads(to_json(labels()))
    assert by_json[3]["formula"] == "NaN"
    assert by_json[2]["energy_ev_per_atom"] is None
    assert by_json[2]["failure"] == "not_converged_ionically: after 100 steps"


def test_every_row_says_what_its_numbers_mean() -> None:
    frame = pd.read_parquet(io.BytesIO(to_parquet(labels())))
    assert set(frame["scheme"]) == {"CHGNet 0.3.0, MP2020-corrected"}
    assert set(frame["stage"]) == {"volume"}
    frame = pd.read_parquet(io.BytesIO(to_parquet(decisions())))
    assert frame["round"].tolist() == [2] * 6
    assert frame["keep"].tolist() == [True, False, False, False, True, False]


def test_predictions_carry_the_outcome_and_every_member() -> None:
    frame = pd.read_parquet(io.BytesIO(to_parquet(predictions())))
    assert frame["mean"].to_numpy() == pytest.approx([-1.1, 0.6, 0.1, 0.0, -2.0, 0.0])
    assert frame["sigma"].to_numpy() == pytest.approx(np.hypot(0.1, frame["sigma_epistemic"]))
    assert frame["member_1"].tolist() == predictions().members[:, 1].tolist()
    assert "member_2" not in frame


def test_csv_keeps_every_digit() -> None:
    third = references(energies=np.full(6, -1.0 / 3.0))
    frame = pd.read_csv(io.BytesIO(to_csv(third)), float_precision="round_trip")
    assert frame["energy_ev_per_atom"].tolist() == [-1.0 / 3.0] * 6


def test_pymatgen_reads_all_blocks_of_one_cif() -> None:
    parser = CifParser.from_str(to_cif(labels()).decode())
    structures = parser.parse_structures(primitive=False)
    assert list(parser.as_dict()) == IDS.tolist()
    for index, structure in enumerate(structures):
        assert structure.volume == pytest.approx(labels().crystals.volumes[index])
        assert structure.composition.reduced_formula == FORMULAS[index]


def test_no_id_is_a_path() -> None:
    shard = candidates(ids=np.asarray(["../x", "/etc/y", "a b", "c", "d", "é"]))
    names = [name for name, _ in cif_files(shard)]
    assert names == ["..%2Fx.cif", "%2Fetc%2Fy.cif", "a%20b.cif", "c.cif", "d.cif", "%C3%A9.cif"]
    assert b"data_a_b\n" in to_cif(shard)


def test_ids_that_are_too_long_for_a_file_name_stay_apart(tmp_path) -> None:
    long = [*("晶" * 100 + end for end in "ab"), *("x" * 300 + end for end in "cdef")]
    files = dict(cif_files(candidates(ids=np.asarray(sorted(long)))))
    assert len(files) == len(long)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    read = read_candidates(tmp_path).candidates
    assert len(read) == len(long)


@pytest.mark.parametrize("table", [candidates(crystals=None), decisions()], ids=["labels only", "decisions"])
def test_no_cif_without_cells(table) -> None:
    with pytest.raises(TableError, match="no cells"):
        to_cif(table)


def test_a_table_of_nothing_has_a_header() -> None:
    assert to_csv(decisions().take([])).decode().startswith('"id","formula","keep"')
    assert json.loads(to_json(labels().take([]))) == []


# ------------------------------------------------------------------- rows on a screen


def test_rows_are_chosen_by_id_reason_and_number() -> None:
    assert choose(decisions(), ids=["c5", "c1"]).ids.tolist() == ["c1", "c5"]
    assert choose(decisions(), reason="above_threshold").ids.tolist() == ["c1", "c2"]
    assert choose(decisions(), reason="above_threshold", limit=1).ids.tolist() == ["c1"]
    assert choose(labels(), reason="not_converged_ionically").ids.tolist() == ["c2"]
    assert len(choose(references(), limit=100)) == 6


def test_what_cannot_be_chosen_is_explained() -> None:
    with pytest.raises(TableError, match="c9"):
        choose(decisions(), ids=["c9"])
    with pytest.raises(InputError, match="reasons here: above_threshold, failed, same_as, within_threshold"):
        choose(decisions(), reason="too")
    with pytest.raises(InputError, match="References have no reasons"):
        choose(references(), reason="above_threshold")


def test_a_listing_has_no_cells_and_no_nan() -> None:
    shown = listing(labels())
    assert shown["atoms"] == ["2", "2", "2", "2", "2", "1"]
    assert shown["volume_per_atom"][0] == "32.0000"
    assert shown["energy_ev_per_atom"][2] == ""
    assert listing(decisions())["keep"] == ["yes", "no", "no", "no", "yes", "no"]
    assert listing(predictions())["sigma"][0] == f"{np.hypot(0.1, 0.1):.4f}"
    assert all(len(column) == 6 for column in shown.values())
