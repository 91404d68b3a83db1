"""Which cells an ensemble is asked about when a campaign is named."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.common.links import LinkType

from aiida_mlhull import names
from aiida_mlhull.data import CandidatesData, LabelsData
from aiida_mlhull.graph.models import cells_after
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.types import Candidates, Crystals, Labels

SALT = ([np.eye(3) * 4], [[11, 17]], [[[0, 0, 0], [0.5, 0.5, 0.5]]])


def cells(n):
    return Crystals.from_lists(*(column * n for column in SALT))


def candidates(*ids):
    n = len(ids)
    table = Candidates.from_rows(
        ids=ids, formulas=["NaCl"] * n, crystals=cells(n), protostructures=[""] * n, origins=[""] * n
    )
    return CandidatesData.from_science(table).store()


def results(campaign, *ids, stage="potential"):
    """What an engine that the campaign has called gave."""
    n = len(ids)
    engine = orm.WorkChainNode(label=stage, process_type="aiida.workflows:mlhull.engine.potential")
    engine.base.links.add_incoming(campaign, LinkType.CALL_WORK, f"engine_{ids[0]}")
    engine.store()
    table = Labels.from_rows(
        ids=ids, formulas=["NaCl"] * n, energies=np.full(n, -3.0), crystals=cells(n), failures=[""] * n,
        core_minutes=np.zeros(n), stage=stage, engine="potential", scheme="PBE",
    )  # fmt: skip
    node = LabelsData.from_science(table).store()
    node.base.links.add_incoming(engine, LinkType.RETURN, names.LABELS)
    return node


@pytest.fixture
def campaign():
    """Two shards whose ids are mixed."""
    node = orm.WorkChainNode(process_type=names.SCREEN.process_type)
    for key, shard in {"one": candidates("a", "c", "e"), "two": candidates("b", "d")}.items():
        node.base.links.add_incoming(shard, LinkType.INPUT_WORK, f"{names.CANDIDATES}__{key}")
    return node.store()


def test_every_part_stands_beside_the_shard_that_it_was(campaign):
    parts = [results(campaign, "b", "d"), results(campaign, "c"), results(campaign, "a", "e")]
    results(campaign, "a", stage="final")
    found, before = cells_after(campaign, "potential")
    assert [node.uuid for node in found.values()] == [node.uuid for node in parts]
    shards = campaign.inputs[names.CANDIDATES]
    assert [before[key].uuid for key in found] == [shards["two"].uuid, shards["one"].uuid, shards["one"].uuid]


def test_results_of_no_shard_are_named(campaign):
    part = results(campaign, "a", "b")
    with pytest.raises(InputError, match=f"results {part.pk} of campaign"):
        cells_after(campaign, "potential")
    with pytest.raises(InputError, match="no results of stage coarse"):
        cells_after(campaign, "coarse")
