"""verdi data mlhull-...: what people type and what they see."""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from aiida.orm import Data, Group
from aiida.plugins import DataFactory
from click.testing import CliRunner, Result

import aiida_mlhull.cli.data as groups
from aiida_mlhull.data import CandidatesData, DecisionsData, EnsembleData, LabelsData, WyckoffData
from aiida_mlhull.science.reading.candidates import read_candidates
from aiida_mlhull.science.representations.protostructure import read_protostructure
from tests.data.nouns import EVERY_NOUN, IDS, candidates, decisions, ensemble, labels

KINDS = sorted(EVERY_NOUN)


alone = pytest.mark.usefixtures("empty_profile")
"""For lists: the profile holds the nodes of the test and no others."""


def run(kind: str, *arguments: object) -> Result:
    return CliRunner().invoke(getattr(groups, kind), [str(argument) for argument in arguments])


def lines(kind: str, *arguments: object) -> list[str]:
    result = run(kind, *arguments)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def stored(kind: str) -> Data:
    return DataFactory(f"mlhull.{kind}").from_science(EVERY_NOUN[kind]()).store()


# ------------------------------------------------------------------- every kind


@pytest.mark.parametrize("kind", KINDS)
def test_offered_formats_are_those_of_the_node(kind: str) -> None:
    (choice,) = [p.type for p in getattr(groups, kind).commands["export"].params if p.name == "fileformat"]
    assert sorted(choice.choices) == DataFactory(f"mlhull.{kind}").get_export_formats()


@alone
@pytest.mark.parametrize("kind", KINDS)
def test_list_tells_what_is_inside(kind: str) -> None:
    node = stored(kind)
    listed = lines(kind, "list")
    assert listed[0].split() == ["PK", "Created", "Label", "Content"]
    assert listed[2].startswith(str(node.pk))
    assert listed[2].endswith(node.description)
    assert listed[-1] == "1 node"
    assert len(lines(kind, "list", "--raw")) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_show_has_a_summary_and_all_rows(kind: str) -> None:
    node = stored(kind)
    shown = lines(kind, "show", node.uuid)
    columns = node.listing()
    assert shown[0] == node.description
    assert shown[2].split() == list(columns)
    assert len(shown) == 4 + len(next(iter(columns.values())))


@pytest.mark.parametrize("kind", KINDS)
def test_export_goes_to_the_screen_by_default(kind: str) -> None:
    node = stored(kind)
    default = "json" if kind in {"ensemble", "substitutions", "wyckoff"} else "csv"
    assert run(kind, "export", node.pk).output.encode() == node._exportcontent(default)[0]


@pytest.mark.parametrize("kind", KINDS)
def test_a_node_of_another_kind_is_a_usage_error(kind: str) -> None:
    other = stored("labels" if kind != "labels" else "decisions")
    result = run(kind, "show", other.pk)
    assert result.exit_code == 2
    assert f"no {DataFactory(f'mlhull.{kind}').__name__} found" in result.output


# ------------------------------------------------------------------- list


@alone
def test_list_filters_by_stage_round_and_rule() -> None:
    for number in (1, 2):
        DecisionsData.from_science(decisions(round=number)).store()
    DecisionsData.from_science(decisions(stage="final", rule="top_n")).store()
    assert len(lines("decisions", "list", "--raw")) == 3
    assert len(lines("decisions", "list", "--raw", "--stage", "volume")) == 2
    assert len(lines("decisions", "list", "--raw", "--stage", "volume", "--round", 1)) == 1
    assert len(lines("decisions", "list", "--raw", "--rule", "top_n")) == 1
    assert lines("decisions", "list", "--round", 7)[-1] == "0 nodes"


@alone
def test_list_filters_by_group_age_and_chemical_system() -> None:
    inside, _ = stored("labels"), stored("labels")
    Group("campaign").store().add_nodes([inside])
    assert [line.split()[0] for line in lines("labels", "list", "--raw", "--group", "campaign")] == [str(inside.pk)]
    assert len(lines("labels", "list", "--raw", "--past-days", 1)) == 2
    assert lines("labels", "list", "--past-days", 0)[-1] == "0 nodes"
    assert len(lines("labels", "list", "--raw", "--system", "Zn-Ti")) == 2
    assert lines("labels", "list", "--system", "Ti-Xe")[-1] == "0 nodes"
    assert run("labels", "list", "--group", "nobody").exit_code == 2


@alone
def test_list_finds_systems_in_tables_with_too_many_to_list(monkeypatch) -> None:
    monkeypatch.setattr("aiida_mlhull.science.tables.summary.MAX_SYSTEMS", 2)
    assert stored("labels").base.attributes.get("chemical_systems") is None
    assert len(lines("labels", "list", "--raw", "--system", "Ti-Zn")) == 1
    assert lines("labels", "list", "--system", "Ti-Xe")[-1] == "0 nodes"


@alone
def test_list_finds_wyckoff_representations() -> None:
    for label in ("AB_cF8_225_a_b:N-Ti", "AB_cF8_225_a_b:N-Zr", "AB_cF8_216_a_c:N-Ti"):
        WyckoffData.from_science(read_protostructure(label)).store()
    assert len(lines("wyckoff", "list", "--raw", "--space-group", 225)) == 2
    assert len(lines("wyckoff", "list", "--raw", "--prototype", "AB_cF8_225_a_b")) == 2
    assert len(lines("wyckoff", "list", "--raw", "--system", "Ti-N")) == 2
    assert run("wyckoff", "list", "--space-group", 231).exit_code == 2


# ------------------------------------------------------------------- show


def test_show_limits_and_chooses_rows() -> None:
    node = stored("decisions")
    assert lines("decisions", "show", node.pk, "--limit", 2)[-1].startswith("2 of 6 rows")
    (row,) = lines("decisions", "show", node.pk, "--raw", "--id", "c5")
    assert row.split() == ["c5", "Ti", "no", "same_as", "c0", "0.0000", "0.2000", "0.0000", "5.0000"]
    assert len(lines("decisions", "show", node.pk, "--raw", "--reason", "above_threshold")) == 2
    (failed,) = lines("labels", "show", stored("labels").pk, "--raw", "--reason", "not_converged_ionically")
    assert failed.split()[0] == "c2"


def test_show_explains_ids_and_reasons_that_are_not_there() -> None:
    node = stored("decisions")
    result = run("decisions", "show", node.pk, "--id", "nobody")
    assert (result.exit_code, result.output) == (1, "Error: unknown ids: nobody [invalid_table]\n")
    result = run("decisions", "show", node.pk, "--reason", "bad")
    assert result.exit_code == 1
    assert "reasons here: above_threshold, failed, same_as, within_threshold" in result.output


# ------------------------------------------------------------------- export


def test_export_to_a_file_goes_by_its_suffix(tmp_path: Path) -> None:
    node = CandidatesData.from_science(candidates()).store()
    assert lines("candidates", "export", node.pk, "-o", tmp_path / "a.parquet") == [f"wrote {tmp_path / 'a.parquet'}"]
    assert pq.read_table(tmp_path / "a.parquet").column("id").to_pylist() == IDS.tolist()
    lines("candidates", "export", node.pk, "-o", tmp_path / "some.json", "--id", "c1", "--id", "c3")
    assert [row["formula"] for row in json.loads((tmp_path / "some.json").read_text())] == ["ZnN", "NaN"]
    result = run("candidates", "export", node.pk, "-o", tmp_path / "a.xlsx")
    assert result.exit_code == 2
    assert "csv, json, parquet, cif" in result.output


def test_export_to_a_folder_writes_a_cif_for_every_row(tmp_path: Path) -> None:
    node = LabelsData.from_science(labels()).store()
    assert "wrote 6 files" in lines("labels", "export", node.pk, "-F", "cif", "-o", f"{tmp_path}/cells/")[0]
    assert read_candidates(tmp_path / "cells").candidates.ids.tolist() == IDS.tolist()
    lines("labels", "export", node.pk, "-F", "csv", "-o", tmp_path / "cells")
    assert [path.name for path in (tmp_path / "cells").glob("*.csv")] == [f"labels_{node.uuid[:8]}.csv"]


def test_export_does_not_overwrite_without_force(tmp_path: Path) -> None:
    node = stored("decisions")
    (tmp_path / "a.csv").write_text("mine")
    result = run("decisions", "export", node.pk, "-o", tmp_path / "a.csv")
    assert result.exit_code == 1
    assert "--force" in result.output
    assert (tmp_path / "a.csv").read_text() == "mine"
    lines("decisions", "export", node.pk, "-o", tmp_path / "a.csv", "--force")
    assert (tmp_path / "a.csv").read_text() != "mine"


def test_one_file_in_the_way_stops_a_folder_before_anything_is_written(tmp_path: Path) -> None:
    node = stored("candidates")
    (tmp_path / "c4.cif").write_text("mine")
    result = run("candidates", "export", node.pk, "-F", "cif", "-o", tmp_path)
    assert result.exit_code == 1
    assert "c4.cif" in result.output
    assert [path.name for path in tmp_path.iterdir()] == ["c4.cif"]
    lines("candidates", "export", node.pk, "-F", "cif", "-o", tmp_path, "-f")
    assert len(list(tmp_path.iterdir())) == 6


def test_ids_cannot_lead_out_of_the_folder(tmp_path: Path) -> None:
    ids = np.asarray(["../outside", "a/b", *IDS[2:]])
    shard = candidates(ids=ids).take([0, 1])
    node = CandidatesData.from_science(shard).store()
    lines("candidates", "export", node.pk, "-F", "cif", "-o", f"{tmp_path}/in/")
    assert sorted(path.name for path in (tmp_path / "in").iterdir()) == ["..%2Foutside.cif", "a%2Fb.cif"]
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_weights_need_a_folder(tmp_path: Path) -> None:
    node = EnsembleData.from_science(ensemble()).store()
    result = run("ensemble", "export", node.pk, "-F", "safetensors")
    assert result.exit_code == 1
    assert "3 files" in result.output
    result = run("ensemble", "export", node.pk, "-o", tmp_path / "all.safetensors")
    assert result.exit_code == 1
    assert "name a folder" in result.output
    assert not list(tmp_path.iterdir())
    lines("ensemble", "export", node.pk, "-F", "safetensors", "-o", f"{tmp_path}/weights/")
    assert sorted(path.name for path in (tmp_path / "weights").iterdir()) == [
        "ensemble.json",
        "member_000.safetensors",
        "member_001.safetensors",
    ]


# ------------------------------------------------------------------- through verdi itself


def test_verdi_finds_the_groups(aiida_profile) -> None:
    node = stored("decisions")
    verdi = [sys.executable, "-m", "aiida", "-p", aiida_profile.name, "data", "mlhull-decisions"]
    shown = subprocess.run([*verdi, "show", str(node.pk)], capture_output=True, text=True, check=True)
    assert shown.stdout.startswith(node.description)
    exported = subprocess.run([*verdi, "export", str(node.pk), "-F", "csv"], capture_output=True, text=True, check=True)
    assert [row["id"] for row in csv.DictReader(io.StringIO(exported.stdout))] == IDS.tolist()


def test_help_needs_no_aiida() -> None:
    script = (
        "import sys; from aiida_mlhull.cli.data import labels;"
        "labels.main(['export', '--help'], standalone_mode=False); print('aiida' in sys.modules)"
    )
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert told.stdout.splitlines()[-1] == "False"
