"""The provenance contract, read off the graph of a finished campaign."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm

from aiida_mlhull.data import CandidatesData, DecisionsData, EnsembleData, LabelsData, PredictionsData
from aiida_mlhull.science.types import concatenate

pytestmark = pytest.mark.slow

LINKS = ("create", "input_calc")


def ancestors(node: orm.Node, kind: type[orm.Node]) -> list[orm.Node]:
    """Data that ``node`` was made from, along CREATE and INPUT_CALC links only."""
    seen, found, front = {node.pk}, [], [node]
    while front:
        links = [link for one in front for link in one.base.links.get_incoming().all()]
        front = [link.node for link in links if link.link_type.value in LINKS and link.node.pk not in seen]
        front = list({one.pk: one for one in front}.values())
        seen.update(one.pk for one in front)
        found += [one for one in front if isinstance(one, kind)]
    return found


def decisions_of_rounds(campaign) -> list[DecisionsData]:
    deciding = [node for node in campaign.called_descendants if node.process_label == "decide_round"]
    return [data for node in deciding for data in node.base.links.get_outgoing().all_nodes()]


def test_a_every_label_leads_back_to_its_candidate_and_to_the_models_that_kept_it(campaign) -> None:
    for results in campaign.outputs.results.values():
        shards = [node.to_science() for node in ancestors(results, CandidatesData)]
        decisions = [(node, node.to_science()) for node in ancestors(results, DecisionsData)]
        asked = [node for node, _ in decisions if node.base.attributes.get("rule") == "two_sigma"]
        assert all(ancestors(node, EnsembleData) and ancestors(node, PredictionsData) for node in asked)
        for name in results.to_science().ids.tolist():
            assert any(shard.has([name])[0] for shard in shards)
            keepers = {table.rule for _, table in decisions if table.has([name])[0] and table.select([name]).keep[0]}
            assert keepers & {"start", "two_sigma"}, name


def test_b_at_every_round_those_who_waited_are_kept_or_dropped(campaign, binary) -> None:
    total = len(binary.candidates)
    rounds: dict[int, list] = {}
    for node in decisions_of_rounds(campaign):
        rounds.setdefault(node.base.attributes.get("round"), []).append(node.to_science())
    assert sorted(rounds) == [1, 2]
    relaxed = 20
    for number in sorted(rounds):
        table = concatenate(rounds[number])
        assert len(table) == total - relaxed
        relaxed += int(table.keep.sum())
    assert relaxed == campaign.outputs.summary["funnel"]["relaxed"]


def test_c_every_dropped_row_says_why(campaign) -> None:
    for node in [*decisions_of_rounds(campaign), *campaign.outputs.outcomes.values()]:
        table = node.to_science()
        dropped = table.take(~table.keep)
        assert (dropped.reasons != "").all()
        assert np.isfinite(dropped.values).all()
        assert np.isfinite(dropped.thresholds).all()


def test_e_a_promoted_candidate_takes_its_history_along(
    campaign, tmp_path, aiida_profile_factory, aiida_config
) -> None:
    from aiida.tools.archive import create_archive, import_archive

    phase = next(iter(campaign.outputs.phases.values()))
    archive = tmp_path / "phase.aiida"
    create_archive([phase], filename=archive)
    uuid, name = phase.uuid, phase.label
    with aiida_profile_factory(aiida_config, name="elsewhere"):
        import_archive(archive)
        imported = orm.load_node(uuid)
        assert imported.label == name
        shards = ancestors(imported, CandidatesData)
        assert any(shard.to_science().has([name])[0] for shard in shards)
        labels = ancestors(imported, LabelsData)
        assert any(node.to_science().has([name])[0] for node in labels)


def test_f_a_repeated_campaign_comes_from_the_cache(campaign, build) -> None:
    from aiida.engine import run_get_node
    from aiida.manage.caching import enable_caching

    with enable_caching():
        _, again = run_get_node(build())
    assert again.is_finished_ok
    jobs = [node for node in again.called_descendants if isinstance(node, orm.CalcJobNode)]
    assert jobs
    assert all(node.base.caching.is_created_from_cache for node in jobs)
    before, after = (
        concatenate([node.to_science() for node in one.outputs.outcomes.values()]) for one in (campaign, again)
    )
    assert before.reasons.tolist() == after.reasons.tolist()
    assert np.array_equal(before.values, after.values)
