"""Questions to a large campaign stay cheap: only tables that can hold an id are opened."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from aiida_mlhull import names

SHARDS = 20
ROUNDS = 10
ROWS = 10_000


@pytest.fixture(scope="module")
def large(aiida_profile):
    """The graph that 200,000 candidates in ten rounds leave behind, its tables as large as shards may be.

    Shards that the question is not about are kept short: they are told apart by their first and last id.
    """
    from aiida import orm
    from aiida.common.links import LinkType
    from aiida.manage import get_manager

    from aiida_mlhull.data import CandidatesData, DecisionsData

    rng = np.random.default_rng(1)
    ids = np.sort([str(uuid.UUID(bytes=rng.bytes(16))) for _ in range(SHARDS * ROWS)])
    blocks = np.split(ids, SHARDS)
    asked = SHARDS // 2
    blocks = [block if shard == asked else block[[0, -1]] for shard, block in enumerate(blocks)]
    with get_manager().get_profile_storage().transaction():
        campaign = orm.WorkChainNode(process_type=names.SCREEN.process_type)
        for shard, block in enumerate(blocks):
            node = CandidatesData.from_science(_candidates(block)).store()
            campaign.base.links.add_incoming(node, LinkType.INPUT_WORK, f"candidates__shard_{shard:03d}")
        campaign.store()
        for number in range(1, ROUNDS + 1):
            rounds = orm.WorkChainNode(process_type=names.ROUND.process_type)
            rounds.base.links.add_incoming(campaign, LinkType.CALL_WORK, f"round_{number}")
            step = orm.CalcFunctionNode(process_type=names.DECIDE_ROUND.process_type)
            step.base.links.add_incoming(rounds.store(), LinkType.CALL_CALC, "decide")
            step.store()
            for shard, block in enumerate(blocks):
                node = DecisionsData.from_science(_decisions(block, number, rng))
                node.base.links.add_incoming(step, LinkType.CREATE, f"shard_{shard:03d}")
                node.store()
    return campaign, str(blocks[asked][ROWS // 3])


def _candidates(ids):
    from aiida_mlhull.science.types import Candidates

    empty = np.full(len(ids), "")
    return Candidates(
        ids=ids,
        formulas=np.full(len(ids), "GaAs2"),
        crystals=None,
        protostructures=empty,
        origins=empty,
        source="drawn",
    )


def _decisions(ids, number, rng):
    from aiida_mlhull.science.types import Decisions

    n = len(ids)
    return Decisions(
        ids=ids,
        formulas=np.full(n, "GaAs2"),
        keep=np.zeros(n, dtype=bool),
        reasons=np.full(n, "above_threshold"),
        values=rng.random(n),
        thresholds=np.full(n, 0.1),
        margins=rng.random(n),
        scores=rng.random(n),
        rule="two_sigma",
        stage="final",
        round=number,
    )


@pytest.fixture
def opened(monkeypatch):
    """Pks of the nodes whose files are read, in order."""
    from aiida.orm.nodes.repository import NodeRepository

    from aiida_mlhull import data

    pks, reading, fetching = [], NodeRepository.get_object_content, data.fetch

    def counted(self, *arguments, **options):
        pks.append(self._node.pk)
        return reading(self, *arguments, **options)

    def fetched(nodes):
        there = list(nodes)
        pks.extend(node.pk for node in there)
        fetching(there)

    monkeypatch.setattr(NodeRepository, "get_object_content", counted)
    monkeypatch.setattr(data, "fetch", fetched)
    return pks


@pytest.mark.slow
def test_the_history_of_one_of_very_many_opens_its_own_tables_only(large, opened):
    from aiida import orm

    from aiida_mlhull.data import CandidatesData
    from aiida_mlhull.graph import history

    campaign, identifier = large
    ((shard, row),) = history.shards_with(identifier)
    events = history.events(history.campaigns_of(shard)[0], identifier, [shard])
    assert history.campaigns_of(shard)[0].pk == campaign.pk
    assert row.ids.tolist() == [identifier]
    assert [event.what for event in events] == [f"final: round {k}, two_sigma" for k in range(1, ROUNDS + 1)]
    # Of 220 tables: the shard, and what was decided about it in every round.
    # Tables of other tests in this profile may span the same ids.
    first = orm.QueryBuilder().append(orm.Node, filters={"pk": campaign.pk}, tag="campaign")
    first.append(CandidatesData, with_outgoing="campaign", project="id")
    assert [pk for pk in opened if pk >= min(first.all(flat=True))] == [shard.pk, *(event.pk for event in events)]


@pytest.mark.slow
def test_tables_of_other_shards_stay_closed_where_all_span_the_same_ids(interleaved, opened):
    """Ids of generators are random, so that every shard spans nearly all of them: only names of shards tell them apart."""
    from aiida_mlhull.graph import history

    campaign, identifier, decided = interleaved
    ((shard, _),) = history.shards_with(identifier)
    before = list(opened)
    events = history.events(campaign, identifier, [shard])
    assert opened[len(before) :] == [decided]
    assert [event.pk for event in events] == [decided]
    assert [event.pk for event in history.events(campaign, identifier)] == [decided]


@pytest.fixture
def interleaved(aiida_profile):
    """A round over three shards of three rows that span the same ids; asked for is a row of the second."""
    from aiida import orm
    from aiida.common.links import LinkType

    from aiida_mlhull.data import CandidatesData, DecisionsData

    own = uuid.uuid4().hex
    rows = np.array([f"{letter}{own}" for letter in "abcdefghi"])
    campaign = orm.WorkChainNode(process_type=names.SCREEN.process_type)
    for shard in range(3):
        node = CandidatesData.from_science(_candidates(rows[shard::3])).store()
        campaign.base.links.add_incoming(node, LinkType.INPUT_WORK, f"candidates__shard_{shard:03d}")
    campaign.store()
    rounds = orm.WorkChainNode(process_type=names.ROUND.process_type)
    rounds.base.links.add_incoming(campaign, LinkType.CALL_WORK, "round_1")
    step = orm.CalcFunctionNode(process_type=names.DECIDE_ROUND.process_type)
    step.base.links.add_incoming(rounds.store(), LinkType.CALL_CALC, "decide")
    step.store()
    pks = []
    for shard in range(3):
        node = DecisionsData.from_science(_decisions(rows[shard::3], 1, np.random.default_rng(shard)))
        node.base.links.add_incoming(step, LinkType.CREATE, f"shard_{shard:03d}")
        pks.append(node.store().pk)
    return campaign, str(rows[4]), pks[1]


@pytest.mark.slow
def test_a_round_of_very_many_is_found_without_opening_a_table(large, opened):
    from aiida_mlhull.graph import history

    found = list(history.rounds(large[0].pk, number=4))
    assert len(found) == SHARDS
    assert {node.base.attributes.get("round") for node, _ in found} == {4}
    assert opened == []
