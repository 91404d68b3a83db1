"""Shards of people's own structures lead back to these, and these lead to what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from pymatgen.core import Lattice, Structure

from aiida_mlhull.calculations.functions import enter_first_stage
from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.launching.materials.packing import packed_from_structures
from aiida_mlhull.science.types import Candidates, Crystals, concatenate

pytestmark = pytest.mark.usefixtures("aiida_profile")


def cell(a, label):
    return orm.StructureData(
        pymatgen=Structure(Lattice.cubic(a), ["Cs", "Cl"], [[0, 0, 0], [0.5, 0.5, 0.5]]), label=label
    ).store()


def test_what_becomes_of_a_structure_is_found_from_it():
    mine, twice, same = cell(4.1, "mine"), cell(4.2, "twice"), cell(4.3, "twice")
    shard = CandidatesData.from_structures([mine, twice, same], label="chlorides")
    made = packed_from_structures({"shard_000": shard})["shard_000"]
    table, expected = made.to_science(), shard.to_science()
    assert made.is_stored
    assert not shard.is_stored
    assert table.ids.tolist() == expected.ids.tolist() == sorted(["mine", twice.uuid, same.uuid])
    assert table.origins.tolist() == expected.origins.tolist()
    assert np.allclose(table.crystals.volumes, expected.crystals.volumes)
    decided = enter_first_stage(made, orm.Dict({"name": "final", "engine": "potential"}))
    for node in (mine, twice, same):
        found = orm.QueryBuilder().append(orm.StructureData, filters={"id": node.pk}, tag="own")
        found.append(DecisionsData, with_ancestors="own")
        assert [one.pk for one in found.all(flat=True)] == [decided.pk]


def test_candidates_from_files_stay_beside_them():
    mine = cell(4.1, "mine")
    own = CandidatesData.from_structures([mine]).to_science()
    written = Candidates.from_rows(
        ids=["from a file"],
        formulas=["TiN"],
        crystals=Crystals.from_lists([np.eye(3) * 4.0], [[22, 7]], [np.array([[0, 0, 0], [0.5, 0.5, 0.5]])]),
        protostructures=[""],
        origins=["crystals.cif, block 1"],
    )
    both = CandidatesData.from_science(concatenate([own, written]))
    made = packed_from_structures({"shard_000": both})["shard_000"]
    assert made.to_science().ids.tolist() == ["from a file", "mine"]
    assert made.to_science().origins.tolist() == both.to_science().origins.tolist()
    assert mine.pk in [node.pk for node in made.creator.base.links.get_incoming().all_nodes()]


def test_other_shards_stay_as_they_are():
    stored = CandidatesData.from_structures([cell(4.1, "mine")]).store()
    assert packed_from_structures({"shard_000": stored}) == {"shard_000": stored}
