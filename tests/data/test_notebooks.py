"""What nodes offer in notebooks: frames, pictures of tables, and shards of people's own structures."""

from __future__ import annotations

import pytest
from aiida import orm
from pymatgen.core import Lattice, Structure

from aiida_mlhull.data import CandidatesData
from aiida_mlhull.science.errors import UnknownNameError

pytestmark = pytest.mark.usefixtures("aiida_profile")


def rock_salt(cation: str, label: str) -> orm.StructureData:
    cell = Structure.from_spacegroup("Fm-3m", Lattice.cubic(4.2), [cation, "N"], [[0, 0, 0], [0.5, 0.5, 0.5]])
    return orm.StructureData(pymatgen=cell, label=label)


def test_structures_become_a_shard_that_shows_itself():
    node = CandidatesData.from_structures([rock_salt("Ti", "one <script>"), rock_salt("Zr", "two")], label="mine")
    frame = node.to_pandas()
    assert dict(zip(frame["id"], frame["formula"], strict=True)) == {"one <script>": "TiN", "two": "ZrN"}
    shown = node._repr_html_()
    assert "CandidatesData (not stored)" in shown
    assert "TiN" in shown
    assert "<script>" not in shown


def test_a_group_becomes_a_shard():
    group = orm.Group("nitrides of mine").store()
    group.add_nodes([rock_salt("Ti", "a").store(), rock_salt("Hf", "b").store(), orm.Int(1).store()])
    assert sorted(CandidatesData.from_group("nitrides of mine").to_science().ids.tolist()) == ["a", "b"]
    with pytest.raises(UnknownNameError, match="no group 'nothing'"):
        CandidatesData.from_group("nothing")
