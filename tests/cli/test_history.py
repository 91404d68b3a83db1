"""Results of every engine belong to a candidate's story, however its processes are nested."""

from __future__ import annotations

import json

import pytest

from aiida_mlhull import names
from tests.arsenides import simplest
from tests.cli.conftest import give_settings, run


@pytest.fixture
def campaign(empty_profile):
    """Two stages: the first is looked up by its engine, the second is read by a lane that the engine has called."""
    from dataclasses import replace

    from aiida import orm
    from aiida.common.links import LinkType

    from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData

    excerpt = simplest(3)
    shard = CandidatesData.from_science(excerpt.candidates).store()
    campaign = orm.WorkChainNode(process_type=names.SCREEN.process_type, label="nested")
    campaign.base.links.add_incoming(shard, LinkType.INPUT_WORK, "candidates__shard_000")
    references = ReferencesData.from_science(excerpt.references).store()
    campaign.base.links.add_incoming(references, LinkType.INPUT_WORK, "references")
    give_settings(campaign, "cheap", "final")
    campaign.store()

    def called(kind, caller, name):
        node = kind(process_type=name.process_type)
        link = LinkType.CALL_WORK if kind is orm.WorkChainNode else LinkType.CALL_CALC
        node.base.links.add_incoming(caller, link, name.label)
        return node.store()

    def gives(step, stage, record):
        node = LabelsData.from_science(replace(record, stage=stage, engine=f"engine of {stage}"))
        node.base.links.add_incoming(step, LinkType.CREATE, "labels")
        return node.store()

    direct = called(orm.WorkChainNode, campaign, names.RECORDED_ENGINE)
    gives(called(orm.CalcFunctionNode, direct, names.LOOK_UP), "cheap", excerpt.record)
    nested = called(orm.WorkChainNode, campaign, names.VASP_ENGINE)
    lane = called(orm.WorkChainNode, nested, names.VASP_LANE)
    gives(called(orm.CalcFunctionNode, lane, names.READ_VASP), "final", excerpt.record.take([1]))
    gives(called(orm.CalcFunctionNode, lane, names.EXTEND_LABELS), "gathered", excerpt.record.take([1]))
    return campaign


def test_results_of_lanes_are_told(campaign):
    ids, energies = simplest(3).record.ids.tolist(), simplest(3).record.energies
    told = run("history", ids[1]).output
    assert f"in campaign {campaign.pk} (nested)" in told
    assert "cheap: engine engine of cheap" in told
    assert "final: engine engine of final" in told
    assert told.count(f"{energies[1]:.4f} eV/atom") == 2
    assert "gathered" not in told
    assert "final" not in run("history", ids[0]).output


def test_the_same_for_programs(campaign):
    name, energy = simplest(3).record.ids[1], simplest(3).record.energies[1]
    told = json.loads(run("history", name, "--json").output)
    assert (told["id"], told["campaign"]) == (name, campaign.pk)
    assert sum(f"{energy:.4f} eV/atom" in str(event["reason"]) for event in told["events"]) == 2


def test_a_campaign_that_has_only_begun(campaign):
    """It has called nobody yet."""
    from aiida import orm
    from aiida.common.links import LinkType

    shard = campaign.base.links.get_incoming().get_node_by_label("candidates__shard_000")
    newer = orm.WorkChainNode(process_type=campaign.process_type, label="newer")
    newer.base.links.add_incoming(shard, LinkType.INPUT_WORK, "candidates__shard_000")
    references = campaign.base.links.get_incoming().get_node_by_label("references")
    newer.base.links.add_incoming(references, LinkType.INPUT_WORK, "references")
    give_settings(newer)
    newer.store()
    result = run("history", simplest(3).record.ids[0])
    assert result.exit_code == 0, result.output
    assert f"in campaign {newer.pk} (newer)" in result.output
    assert f"Also in campaigns {campaign.pk}" in result.output
