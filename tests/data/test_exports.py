"""AiiDA's own export() writes files that other programs read, and archives carry nodes elsewhere."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from aiida.manage import get_manager
from aiida.orm import Group, load_node
from aiida.plugins import DataFactory
from aiida.tools.archive import create_archive, import_archive

from aiida_mlhull.data import CandidatesData, DecisionsData, EnsembleData, LabelsData
from aiida_mlhull.science.errors import InputError, TableError
from aiida_mlhull.science.reading.candidates import read_candidates
from aiida_mlhull.science.wire import decode_ensemble
from tests.data.nouns import EVERY_NOUN, FORMULAS, IDS, TABLES, candidates, decisions, ensemble, labels


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_every_table_goes_to_csv_parquet_and_json(kind: str, tmp_path: Path) -> None:
    node, table = DataFactory(f"mlhull.{kind}").from_science(TABLES[kind]()), TABLES[kind]()
    for suffix in ("csv", "parquet", "json"):
        assert node.export(str(tmp_path / f"table.{suffix}")) == [str(tmp_path / f"table.{suffix}")]
    with (tmp_path / "table.csv").open() as file:
        by_csv = list(csv.DictReader(file))
    by_json = json.loads((tmp_path / "table.json").read_text())
    by_parquet = pq.read_table(tmp_path / "table.parquet").to_pylist()
    assert [row["formula"] for row in by_csv] == table.formulas.tolist()
    assert [row["id"] for row in by_json] == IDS.tolist()
    assert by_json == by_parquet
    assert list(by_csv[0]) == list(by_json[0])


def test_existing_files_are_left_alone(tmp_path: Path) -> None:
    node = DecisionsData.from_science(decisions())
    node.export(str(tmp_path / "a.csv"))
    with pytest.raises(OSError, match="already"):
        node.export(str(tmp_path / "a.csv"))
    node.export(str(tmp_path / "a.csv"), overwrite=True, reason="above_threshold")
    assert len((tmp_path / "a.csv").read_text().splitlines()) == 3


def test_rows_can_be_chosen() -> None:
    node = DecisionsData.from_science(decisions())
    content, _ = node._exportcontent("json", ids=["c1", "c5"])
    assert [row["reason"] for row in json.loads(content)] == ["above_threshold", "same_as c0"]
    with pytest.raises(TableError, match="unknown ids: c9"):
        node._exportcontent("json", ids=["c9"])
    with pytest.raises(InputError, match="above_threshold, failed, same_as, within_threshold"):
        node._exportcontent("json", reason="same")


@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_exported_candidates_are_read_again(suffix: str, tmp_path: Path) -> None:
    CandidatesData.from_science(candidates()).export(str(tmp_path / f"out.{suffix}"))
    back = read_candidates(tmp_path / f"out.{suffix}").candidates
    assert back.ids.tolist() == IDS.tolist()
    assert back.formulas.tolist() == FORMULAS.tolist()
    assert np.array_equal(back.crystals.lattices, candidates().crystals.lattices)
    assert np.array_equal(back.crystals.frac_coords, candidates().crystals.frac_coords)
    assert np.array_equal(back.crystals.numbers, candidates().crystals.numbers)


def test_a_folder_of_cif_files_is_read_again(tmp_path: Path) -> None:
    files = LabelsData.from_science(labels()).export_files("cif")
    assert list(files) == [f"{name}.cif" for name in IDS]
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    back = read_candidates(tmp_path).candidates
    assert back.ids.tolist() == IDS.tolist()
    assert back.crystals.volumes == pytest.approx(labels().crystals.volumes)


def test_candidates_without_cells_have_no_cif() -> None:
    node = CandidatesData.from_science(candidates(crystals=None))
    with pytest.raises(TableError, match="no cells"):
        node._exportcontent("cif")


def test_unknown_formats_name_the_known_ones() -> None:
    with pytest.raises(ValueError, match="csv,json,parquet"):
        DecisionsData.from_science(decisions())._exportcontent("cif")


def test_an_ensemble_goes_into_a_folder_and_back(tmp_path: Path) -> None:
    node = EnsembleData.from_science(ensemble())
    written = node.export(str(tmp_path / "ensemble.json"), fileformat="safetensors")
    assert sorted(Path(name).name for name in written) == sorted(node.base.repository.list_object_names())
    back = decode_ensemble({path.name: path.read_bytes() for path in tmp_path.iterdir()})
    assert [member.seed for member in back.members] == [3, 7]
    described = json.loads(node._exportcontent("json")[0])
    assert described["scores"][0]["epochs"] == 12
    assert described["settings"] == {"width": 64, "cutoff": 8.0}


def test_an_archive_carries_every_node_elsewhere(tmp_path: Path, aiida_config, aiida_profile_factory) -> None:
    nodes = {kind: DataFactory(f"mlhull.{kind}").from_science(EVERY_NOUN[kind]()).store() for kind in EVERY_NOUN}
    told = {kind: (node.uuid, dict(node.base.attributes.all), node._files()) for kind, node in nodes.items()}
    group = Group(f"to be moved {tmp_path.name}").store()
    group.add_nodes(list(nodes.values()))
    create_archive([group], filename=tmp_path / "nodes.aiida")
    home = get_manager().get_profile().name
    with aiida_profile_factory(aiida_config, name=f"elsewhere_{tmp_path.name}"):
        assert get_manager().get_profile().name != home
        import_archive(tmp_path / "nodes.aiida")
        for kind, (uuid, attributes, files) in told.items():
            node = load_node(uuid)
            assert type(node) is DataFactory(f"mlhull.{kind}")
            assert dict(node.base.attributes.all) == attributes
            assert node._files() == files
            assert node._validate()
            assert type(node.to_science()) is node._noun
