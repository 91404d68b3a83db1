"""Campaigns on what is in the graph already: shards, groups of structures, snapshots."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

from aiida_mlhull.launching import inputs
from aiida_mlhull.science.campaign.file import read_campaign_file
from aiida_mlhull.science.reading import read_candidates, read_references
from aiida_mlhull.science.schemes import KNOWN
from tests.arsenides import DEMO
from tests.cli.conftest import run
from tests.science.reading.phases.test_entries import elements, entry, write

pytestmark = pytest.mark.usefixtures("registered")


@pytest.fixture
def snapshot(aiida_profile):
    from aiida_mlhull.data import ReferencesData

    read = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json", bad_rows="leave_out")
    return ReferencesData.from_science(read.references, label="arsenide phases").store()


@pytest.fixture
def shards(aiida_profile, desk):
    """The desk's candidates in two stored shards, and their record in a file."""
    from aiida_mlhull.data import CandidatesData

    intake = read_candidates(desk.table())
    halves = [intake.candidates.take(range(30)), intake.candidates.take(range(30, len(intake.candidates)))]
    return [CandidatesData.from_science(half).store() for half in halves]


def grouped(label, nodes):
    from aiida import orm

    orm.Group(label).store().add_nodes([node.store() for node in nodes])
    return label


def test_stored_shards_and_references_go_in_as_they_are(desk, snapshot, shards):
    path = desk.campaign(
        candidates=[{"node": shards[0].pk}, {"group": grouped("rest", [shards[1]])}],
        references={"node": "arsenide phases"},
        record="candidates.parquet",
    )
    told = run("launch", path, "--dry-run")
    assert told.exit_code == 0, told.output
    assert (
        f"Stored already: shard_000 {shards[0].pk}, shard_001 {shards[1].pk}, references {snapshot.pk}" in told.output
    )
    made = inputs.make_nodes(inputs.read_inputs(read_campaign_file(path)))
    assert made["references"].uuid == snapshot.uuid
    assert [node.uuid for node in made["candidates"].values()] == [node.uuid for node in shards]
    assert made["record"].n_rows == 59


def test_structures_of_a_group_are_candidates_named_by_label_or_uuid(aiida_profile):
    from aiida import orm

    from aiida_mlhull.launching.stored import candidates_in

    def cell(a, label):
        structure = Structure(Lattice.cubic(a), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])
        node = orm.StructureData(pymatgen=structure)
        node.label = label
        return node

    nodes = [cell(4.1, "mine"), cell(4.2, "twice"), cell(4.3, "twice"), cell(4.4, "")]
    shards, intake, _ = candidates_in(grouped("structures", nodes), bad_rows="refuse")
    assert shards == []
    assert set(intake.candidates.ids) == {"mine", *(node.uuid for node in nodes[1:])}
    rows = dict(zip(intake.candidates.ids.tolist(), intake.candidates.origins.tolist(), strict=True))
    assert rows["mine"] == f"group structures, structure {nodes[0].uuid}"
    assert intake.candidates.crystals.volumes[intake.candidates.ids == "mine"] == pytest.approx(4.1**3)


def test_alloys_are_refused_with_their_count_or_left_out(aiida_profile):
    from aiida import orm

    from aiida_mlhull.launching.stored import candidates_in
    from aiida_mlhull.science.errors import CrystalError

    mixed = orm.StructureData(cell=[[4, 0, 0], [0, 4, 0], [0, 0, 4]])
    mixed.append_atom(position=(0, 0, 0), symbols=("Fe", "Co"), weights=(0.5, 0.5))
    mixed.label = "alloy"
    sound = orm.StructureData(pymatgen=Structure(Lattice.cubic(2.9), ["Fe"], [[0, 0, 0]]))
    label = grouped("alloys", [mixed, sound])
    with pytest.raises(CrystalError, match="1 of 2 rows: disordered or partially occupied sites: alloy"):
        candidates_in(label, bad_rows="refuse")
    _, intake, _ = candidates_in(label, bad_rows="leave_out")
    assert intake.left_out.counts() == {"disordered": 1}


def test_a_group_of_structures_becomes_a_table(aiida_profile, tmp_path):
    from aiida import orm

    sound = orm.StructureData(pymatgen=Structure(Lattice.cubic(2.9), ["Fe"], [[0, 0, 0]]))
    mixed = orm.StructureData(cell=[[4, 0, 0], [0, 4, 0], [0, 0, 4]])
    mixed.append_atom(position=(0, 0, 0), symbols=("Fe",), weights=(0.9,))
    result = run("import", "group", grouped("iron", [sound, mixed]), "-o", tmp_path / "iron.parquet")
    assert result.exit_code == 0, result.output
    assert " ".join(result.output.split()).startswith("group iron read 2 candidates 1 left out 1")
    assert pq.read_table(tmp_path / "iron.parquet")["id"].to_pylist() == [sound.uuid]
    nothing = run("import", "group", "nowhere", "-o", tmp_path / "t.parquet")
    assert "holds no structures, or there is no such group" in nothing.output


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"references": {"node": 999999999}}, "999999999"),
        ({"references": {"node": "{shard}"}}, "is not an mlhull.references but a CandidatesData"),
        ({"candidates": {"node": "{snapshot}"}}, "is not an mlhull.candidates but a ReferencesData"),
        ({"candidates": {"group": "nowhere"}}, "there is no group 'nowhere'"),
        ({"candidates": {"group": "{empty}"}}, "holds neither mlhull.candidates nor structures"),
    ],
)
def test_nodes_and_groups_that_are_not_what_they_should_be(desk, snapshot, shards, changes, said):
    from aiida import orm

    empty = orm.Group(label=f"empty {snapshot.pk}").store()
    names = {"{shard}": shards[0].pk, "{snapshot}": snapshot.pk, "{empty}": empty.label}
    filled = {what: {place: names.get(value, value) for place, value in wish.items()} for what, wish in changes.items()}
    result = run("launch", desk.campaign(**filled), "--dry-run")
    assert result.exit_code == 1
    assert said in result.output


def test_entries_are_corrected_on_the_way_into_a_campaign(desk):
    phases = write(desk.folder / "entries.json", [*elements(), entry("Ti2O4", -52.9), entry("Zn2O2", -18.1)])
    record = {"Ti": -7.8, "O": -4.9}
    (desk.folder / "elements.json").write_text(json.dumps(record))
    rows = [
        Structure(Lattice.cubic(a), ["Ti", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]).as_dict() | {"id": f"cell {a}"}
        for a in (4.1, 4.2)
    ]
    (desk.folder / "cells.json").write_text(json.dumps(rows))
    wish = desk.campaign(
        candidates="cells.json", references={"file": str(phases), "corrections": "mp2020", "scheme": "PBE"}
    )
    found = inputs.read_inputs(read_campaign_file(wish)).references
    assert found.scheme == KNOWN["mp-pbe-2020"].text
    expected = read_references(phases, corrections="mp2020", scheme="PBE").references
    assert found.energies.tolist() == expected.select(found.ids).energies.tolist()
    assert found.energies[found.formulas == "TiO2"] < -52.9 / 6


def test_what_a_group_holds_beside_crystals_is_a_row_or_counted(aiida_profile, tmp_path):
    import io

    from aiida import orm

    def cell(pbc, label):
        node = orm.StructureData(cell=np.diag([4.2, 4.3, 4.4]).tolist(), pbc=pbc)
        node.append_atom(position=(0, 0, 0), symbols="Ti")
        node.append_atom(position=(2.1, 2.1, 2.1), symbols="N")
        node.label = label
        return node

    salt = str(CifWriter(Structure(Lattice.cubic(4.1), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]])))
    contradicting = salt.replace("Cs1 Cl1", "Cs1 Cl2")
    cifs = [orm.CifData(file=io.BytesIO(text.encode()), filename="a.cif") for text in (salt, contradicting)]
    cifs[0].label, cifs[1].label = "salt", "wrong"
    shapes = {"bulk": (True,) * 3, "slab": (True, True, False), "molecule": (False,) * 3}
    nodes = [*(cell(pbc, label) for label, pbc in shapes.items()), *cifs, orm.Dict({"x": 1}), orm.Int(3), orm.Int(4)]
    result = run("import", "group", grouped("all kinds", nodes), "-o", tmp_path / "t.parquet")
    assert result.exit_code == 0, result.output
    table = pq.read_table(tmp_path / "t.parquet")
    assert dict(zip(table["id"].to_pylist(), table["formula"].to_pylist(), strict=True)) == {
        "bulk": "TiN",
        "salt": "CsCl",
    }
    said = " ".join(result.output.split())
    assert "2 not_periodic molecule (pbc F F F); slab (pbc T T F)" in said
    assert "1 formula_differs wrong (stated Cs1 Cl2, cell ClCs)" in said
    assert "not taken: 1 Dict, 2 Int" in said
    only = run("import", "group", grouped("no crystals", [orm.Dict({"y": 1})]), "-o", tmp_path / "t.parquet")
    assert "holds no structures (not taken: 1 Dict)" in only.output
