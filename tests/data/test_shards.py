"""Candidates as nodes, shard by shard."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.types import Candidates, Crystals

pytestmark = pytest.mark.usefixtures("aiida_profile")


def table(first, last):
    n = last - first
    return Candidates.from_rows(
        ids=[f"{index:06d}" for index in range(first, last)],
        formulas=["Fe"] * n,
        crystals=Crystals.from_lists([np.eye(3) * 3.0] * n, [[26]] * n, [[[0.0, 0.0, 0.0]]] * n),
        protostructures=[""] * n,
        origins=[""] * n,
        source="iron",
    )


@pytest.mark.parametrize("borders", [[0, 25], [0, 3, 3, 4, 17, 25], [0, 10, 20, 25], [0, 10, 20]])
def test_rows_are_regrouped_into_whole_shards(borders):
    from aiida_mlhull.data.shards import regrouped

    parts = [table(first, last) for first, last in pairwise(borders) if first < last]
    empty = parts[0].take([])
    made = list(regrouped([empty, *parts, empty], size=10))
    assert [len(shard) for shard in made] == [10, 10, 5][: len(made)]
    assert [name for shard in made for name in shard.ids.tolist()] == [f"{i:06d}" for i in range(borders[-1])]


def test_shards_are_stored_as_they_come_and_a_group_is_filled_once():
    from aiida import orm

    from aiida_mlhull.data import CandidatesData
    from aiida_mlhull.data.shards import store_shards

    stored_before_the_last, label = [], "iron shards 0000"

    def tables():
        yield table(0, 12)
        stored_before_the_last.append(orm.QueryBuilder().append(CandidatesData, filters={"label": label}).count())
        yield table(12, 25)

    nodes = store_shards(tables(), group="iron shards", size=10)
    assert stored_before_the_last == [1]
    assert [node.n_rows for node in nodes] == [10, 10, 5]
    assert [node.label for node in nodes] == [f"iron shards {i:04d}" for i in range(3)]
    assert {node.uuid for node in orm.load_group("iron shards").nodes} == {node.uuid for node in nodes}
    with pytest.raises(InputError, match=r"there is a group 'iron shards' already \(3 nodes\)"):
        store_shards([table(30, 31)], group="iron shards")


def test_a_run_that_was_interrupted_leaves_no_group():
    """Half of the shards would look like all of them, and the same command could not be tried again."""
    from aiida import orm

    from aiida_mlhull.data.shards import store_shards

    def tables():
        yield table(0, 12)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_shards(tables(), group="half of it", size=10)
    assert not orm.QueryBuilder().append(orm.Group, filters={"label": "half of it"}).count()
    assert len(store_shards([table(0, 12)], group="half of it", size=10)) == 2


def test_nothing_to_store_leaves_no_group():
    from aiida import orm

    from aiida_mlhull.data.shards import store_shards

    with pytest.raises(InputError, match="there is no row"):
        store_shards([table(0, 1).take([])], group="empty shards")
    assert not orm.QueryBuilder().append(orm.Group, filters={"label": "empty shards"}).count()
