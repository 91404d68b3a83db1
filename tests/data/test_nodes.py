"""What holds for every node: it gives back its noun, can't be changed, and can't lie."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import fields, replace
from io import BytesIO

import numpy as np
import pytest
from aiida.common.exceptions import ModificationNotAllowed, ValidationError
from aiida.engine import calcfunction
from aiida.manage.caching import enable_caching
from aiida.orm import Data, Int, QueryBuilder, StructureData, load_node
from aiida.orm.nodes.caching import NodeCaching
from aiida.orm.nodes.repository import NodeRepository
from aiida.plugins import DataFactory

from aiida_mlhull.data import CandidatesData, DecisionsData, EnsembleData, LabelsData, WyckoffData, fetch
from aiida_mlhull.data.tables import TABLE_FILE
from aiida_mlhull.data.wyckoff import WYCKOFF_FILE
from aiida_mlhull.science.errors import CrystalError, FormulaError, InputError, TableError
from aiida_mlhull.science.representations.protostructure import read_protostructure
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals, Table
from aiida_mlhull.science.wire import encode_table, encode_wyckoff
from tests.data.nouns import EVERY_NOUN, IDS, TABLES, candidates, decisions, ensemble, labels, wyckoff

KINDS = sorted(EVERY_NOUN)


def make(kind: str) -> Data:
    return DataFactory(f"mlhull.{kind}").from_science(EVERY_NOUN[kind]())


def same(left: object, right: object) -> bool:
    if isinstance(left, Crystals | Table):
        return all(same(getattr(left, f.name), getattr(right, f.name)) for f in fields(left))
    if isinstance(left, np.ndarray):
        return left.dtype.kind == right.dtype.kind and bool(
            np.array_equal(left, right, equal_nan=left.dtype.kind == "f")
        )
    return left == right


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_a_table_comes_back_as_it_went_in(kind: str) -> None:
    stored = load_node(make(kind).store().pk)
    assert same(stored.to_science(), TABLES[kind]())


def test_a_wyckoff_representation_comes_back_as_it_went_in() -> None:
    assert load_node(make("wyckoff").store().pk).to_science() == wyckoff()


def test_an_ensemble_comes_back_as_it_went_in() -> None:
    there, back = ensemble(), load_node(make("ensemble").store().pk).to_science()
    assert (back.model, back.settings, back.versions) == (there.model, there.settings, there.versions)
    for before, after in zip(there.members, back.members, strict=True):
        assert (before.seed, before.scores, before.meta) == (after.seed, after.scores, after.meta)
        assert before.arrays.keys() == after.arrays.keys()
        assert all(np.array_equal(before.arrays[name], after.arrays[name]) for name in before.arrays)


@pytest.mark.parametrize("kind", KINDS)
def test_attributes_follow_the_declared_model(kind: str) -> None:
    node = make(kind)
    declared = set(type(node).AttributesModel.model_fields) - {"source"}
    assert set(node.base.attributes.all) == declared
    assert node.store().serialize()["attributes"].items() >= node.base.attributes.all.items()


@pytest.mark.parametrize("kind", KINDS)
def test_the_description_tells_what_is_inside(kind: str) -> None:
    node = make(kind)
    assert node.description == type(node).headline(node.base.attributes.all)
    assert DataFactory(f"mlhull.{kind}").from_science(EVERY_NOUN[kind](), description="mine").description == "mine"


@calcfunction
def count_files(node: Data) -> Int:
    """Something to be cached."""
    return Int(len(node.base.repository.list_object_names()))


@pytest.mark.parametrize("kind", KINDS)
def test_work_on_an_equal_noun_is_a_cache_hit(kind: str) -> None:
    first, second = make(kind).store(), make(kind).store()
    assert first.uuid != second.uuid
    assert first.base.caching.get_hash() == second.base.caching.get_hash()
    with enable_caching():
        _, run = count_files.run_get_node(first)
        _, again = count_files.run_get_node(second)
    assert again.base.caching.is_created_from_cache
    assert again.base.caching.get_cache_source() == run.uuid


def test_other_content_has_another_hash() -> None:
    first = DecisionsData.from_science(decisions()).store()
    second = DecisionsData.from_science(decisions(round=3)).store()
    assert first.base.caching.get_hash() != second.base.caching.get_hash()


def test_the_hash_that_was_kept_is_that_of_the_content() -> None:
    node = load_node(make("labels").store().pk)
    fresh = NodeCaching(node).compute_hash()
    assert node.base.caching.compute_hash() == fresh
    node.base.extras.set("_aiida_hash", "that of an earlier version")
    assert node.base.caching.compute_hash() == "that of an earlier version"
    node.base.caching.rehash()
    assert node.base.caching.compute_hash() == fresh
    node.base.caching.clear_hash()  # as an import leaves it
    assert node.base.caching.compute_hash() == fresh


def test_files_that_were_fetched_together_are_read_once_and_the_rest_as_ever(monkeypatch) -> None:
    nodes = {kind: load_node(make(kind).store().pk) for kind in sorted(TABLES)}
    unstored = make("labels")
    fetch([*nodes.values(), *nodes.values(), unstored, Int(1)])
    read, get = [], NodeRepository.get_object_content
    monkeypatch.setattr(
        NodeRepository, "get_object_content", lambda self, *path, **mode: read.append(path) or get(self, *path, **mode)
    )
    for kind, node in nodes.items():
        assert same(node.to_science(), TABLES[kind]())
    assert not read
    for kind, node in nodes.items():
        assert same(node.to_science(), TABLES[kind]())
    assert same(unstored.to_science(), TABLES["labels"]())
    assert len(read) == len(nodes) + 1


def test_a_file_that_has_gone_is_missed_by_the_node_that_needs_it(monkeypatch) -> None:
    lost, there = load_node(make("labels").store().pk), load_node(make("decisions").store().pk)
    key = lost.base.repository.get_object(TABLE_FILE).key
    lost.backend.get_repository().delete_objects([key])
    fetch([lost, there])
    assert same(there.to_science(), decisions())
    with pytest.raises(FileNotFoundError):
        lost.to_science()
    lost.backend.get_repository().put_object_from_filelike(BytesIO(encode_table(labels())))


def test_bytes_are_the_same_in_another_process() -> None:
    script = (
        "from tests.data.nouns import ensemble, labels;"
        "from aiida_mlhull.science.wire import encode_ensemble, encode_table;"
        "print(encode_table(labels()), sorted(encode_ensemble(ensemble()).items()))"
    )
    runs = [subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True) for _ in "ab"]
    assert runs[0].stdout == runs[1].stdout != ""


@pytest.mark.parametrize("kind", KINDS)
def test_a_stored_node_is_immutable(kind: str) -> None:
    node = make(kind).store()
    with pytest.raises(ModificationNotAllowed):
        node.base.attributes.set("n_rows", 3)
    with pytest.raises(ModificationNotAllowed):
        node.base.repository.put_object_from_bytes(b"", "other")


@pytest.mark.parametrize("kind", KINDS)
def test_a_clone_can_be_stored(kind: str) -> None:
    node = make(kind).store()
    assert node.clone().store().base.caching.get_hash() == node.base.caching.get_hash()


@pytest.mark.parametrize("kind", KINDS)
def test_another_noun_is_refused(kind: str) -> None:
    other = ensemble() if kind != "ensemble" else labels()
    with pytest.raises(InputError, match=rf"not {type(other).__name__}"):
        DataFactory(f"mlhull.{kind}").from_science(other)


def test_unreadable_formulas_are_refused_at_construction() -> None:
    with pytest.raises(FormulaError, match="Xx"):
        CandidatesData.from_science(candidates(formulas=np.asarray(["TiN", "ZnN", "TiZn", "NaN", "TiN", "Xx"])))


def test_a_shard_holds_at_most_ten_thousand_rows() -> None:
    def shard(rows: int) -> CandidatesData:
        empty = np.full(rows, "")
        return CandidatesData.from_science(
            candidates(
                ids=np.asarray([f"{i:06d}" for i in range(rows)]),
                formulas=np.full(rows, "TiN"),
                crystals=None,
                protostructures=empty,
                origins=empty,
            )
        )

    assert shard(10_000).n_rows == 10_000
    with pytest.raises(TableError, match="10001 candidates in one shard, at most 10000"):
        shard(10_001)


# ------------------------------------------------------------------- what store() refuses


@pytest.mark.parametrize(
    ("attribute", "value", "message"),
    [
        ("n_rows", "many", "n_rows"),
        ("n_rows", -1, "greater than or equal to 0"),
        ("unknown", 1, "unknown"),
        ("n_rows", 5, "differ from the content: n_rows"),
        ("stage", "full", "differ from the content: stage"),
    ],
)
def test_attributes_that_lie_are_refused(attribute: str, value: object, message: str) -> None:
    node = LabelsData.from_science(labels())
    node.base.attributes.set(attribute, value)
    with pytest.raises(ValidationError, match=message):
        node.store()


def test_a_missing_attribute_is_refused() -> None:
    node = LabelsData.from_science(labels())
    node.base.attributes.delete("scheme")
    with pytest.raises(ValidationError, match="scheme"):
        node.store()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "truncated"),
        (b"PAR1 but nothing else", "truncated"),
        (encode_table(labels())[:-20], "truncated"),
        (encode_table(decisions()), "holds Decisions, expected Labels"),
        (encode_table(labels(stage="full")), "differ from the content: .*stage"),
    ],
    ids=["empty", "foreign", "truncated", "another noun", "another table"],
)
def test_a_file_that_was_changed_is_refused(content: bytes, message: str) -> None:
    node = LabelsData.from_science(labels())
    node.base.repository.put_object_from_filelike(BytesIO(content), TABLE_FILE)
    with pytest.raises(ValidationError, match=message):
        node.store()


def test_a_row_that_was_changed_is_refused() -> None:
    """Also where all counts and ranges stay the same."""
    table = labels()
    energies = table.energies.copy()
    energies[1] += 1e-6
    node = LabelsData.from_science(table)
    node.base.repository.put_object_from_filelike(BytesIO(encode_table(replace(table, energies=energies))), TABLE_FILE)
    with pytest.raises(ValidationError, match="differ from the content: content_hash"):
        node.store()


def test_missing_and_foreign_files_are_refused() -> None:
    node = LabelsData.from_science(labels())
    node.base.repository.put_object_from_bytes(b"?", "notes.txt")
    with pytest.raises(ValidationError, match=r"notes\.txt"):
        node.store()
    node.base.repository.delete_object("notes.txt")
    node.base.repository.delete_object(TABLE_FILE)
    with pytest.raises(ValidationError, match="found none"):
        node.store()


def test_truncated_and_missing_weights_are_refused() -> None:
    node = EnsembleData.from_science(ensemble())
    name = "member_001.safetensors"
    whole = node.base.repository.get_object_content(name, mode="rb")
    node.base.repository.put_object_from_filelike(BytesIO(whole[:-10]), name)
    with pytest.raises(ValidationError, match=r"wrong_weights.*member_001"):
        node.store()
    node.base.repository.delete_object(name)
    with pytest.raises(ValidationError, match=r"missing: member_001"):
        node.store()


def rewritten(**changes: object) -> bytes:
    """The file of a Wyckoff representation with some values changed."""
    return json.dumps(json.loads(encode_wyckoff(wyckoff())) | changes).encode()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"{", "truncated"),
        (b"[]", "truncated"),
        (rewritten(letters=["a", "b", "c"]), "equivalent letterings must hold"),
        (rewritten(space_group=231), "no space group 231"),
        (encode_wyckoff(read_protostructure("AB_cF8_225_a_b:N-Ti")), "differ from the content"),
        (rewritten(version=2), "format version 2"),
    ],
    ids=["truncated", "a list", "letters", "space group", "another crystal", "another version"],
)
def test_a_wyckoff_file_that_was_changed_is_refused(content: bytes, message: str) -> None:
    node = WyckoffData.from_science(wyckoff())
    node.base.repository.put_object_from_filelike(BytesIO(content), WYCKOFF_FILE)
    with pytest.raises(ValidationError, match=message):
        node.store()


def test_nothing_of_a_refused_node_is_stored() -> None:
    node = LabelsData.from_science(labels(), label="refused")
    node.base.attributes.set("n_rows", 5)
    with pytest.raises(ValidationError):
        node.store()
    assert QueryBuilder().append(LabelsData, filters={"label": "refused"}).count() == 0


def test_ids_name_the_rows() -> None:
    node = CandidatesData.from_science(candidates())
    assert (node.base.attributes.get("id_min"), node.base.attributes.get("id_max")) == (IDS[0], IDS[-1])


# ------------------------------------------------------------------- what a Wyckoff representation offers


def test_equivalent_letterings_by_element() -> None:
    rock_salt = WyckoffData.from_science(read_protostructure("AB_cF8_225_a_b:N-Ti"))
    assert rock_salt.equivalents() == [{"N": ["a"], "Ti": ["b"]}, {"N": ["b"], "Ti": ["a"]}]


@pytest.mark.parametrize("label", ["AB3C_cP5_221_a_c_b:Ba-O-Ti", "ABC_oP18_31_ab_ab_ab:N-Ti-Zn"])
def test_a_representation_gives_a_structure_of_its_own_kind(label: str) -> None:
    """From a known prototype and from a draw."""
    node = WyckoffData.from_science(read_protostructure(label))
    first, again = node.to_structure(seed=3), node.to_structure(seed=3)
    assert not first.is_stored
    assert first.label == label
    found = Crystals.from_structures([first.get_pymatgen(), again.get_pymatgen()])
    assert protostructures(found).tolist() == [label, label]
    assert (found.lattices[0] == found.lattices[1]).all()


def test_a_representation_of_a_structure() -> None:
    node = WyckoffData.from_science(wyckoff())
    again = WyckoffData.from_structure(node.to_structure(), label="perovskite")
    assert again.to_science() == wyckoff()
    assert again.label == "perovskite"


def test_crystals_without_a_representation_are_refused() -> None:
    written_twice = StructureData(cell=[[3, 0, 0], [0, 3, 0], [0, 0, 3]])
    for height in (0.0, 0.03):
        written_twice.append_atom(position=(0, 0, height), symbols="Cu")
    with pytest.raises(CrystalError, match="no symmetry is found"):
        WyckoffData.from_structure(written_twice)
    mixed = StructureData(cell=[[3, 0, 0], [0, 3, 0], [0, 0, 3]])
    mixed.append_atom(position=(0, 0, 0), symbols=("Cu", "Zn"), weights=(0.5, 0.5))
    with pytest.raises(CrystalError, match="disordered"):
        WyckoffData.from_structure(mixed)


@pytest.mark.parametrize("kind", sorted(TABLES))
def test_rows_and_columns_alone_are_those_of_the_whole(kind: str) -> None:
    node, whole = load_node(make(kind).store().pk), TABLES[kind]()
    wanted = whole.ids[::-2]
    assert same(node.rows([*wanted.tolist(), "not there"]), whole.select(wanted))
    assert same(node.take([len(whole) - 1, 0]), whole.take([0, len(whole) - 1]))
    assert same(node.columns("formulas")["formulas"], whole.formulas)
    assert same(node.names(), Table(ids=whole.ids, formulas=whole.formulas))
    assert same(node.row(str(whole.ids[1])), whole.take([1]))
    assert node.row("not there") is None
    last = node.take_where(lambda formulas, ids: np.flatnonzero(ids == ids[-1]) + 0 * len(formulas), "ids", "formulas")
    assert same(last, whole.take([len(whole) - 1]))


def test_kept_rows_alone() -> None:
    assert same(make("decisions").kept(), decisions().take(decisions().keep))
