"""Campaigns that version 0.1.0 stored answer every question, in the order in which things happened."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import run

pytestmark = pytest.mark.slow

ARCHIVE = Path(__file__).parent / "data" / "campaigns_0.1.0.aiida"


@pytest.fixture(scope="module")
def archive(aiida_profile, aiida_config, aiida_profile_factory):
    """A profile of its own that holds the archive; AiiDA gives imported nodes other pks, in no order."""
    from aiida.tools.archive import import_archive

    with aiida_profile_factory(aiida_config) as profile:
        import_archive(ARCHIVE)
        yield profile
    aiida_config.set_default_profile(aiida_profile.name)
    aiida_config.store()


@pytest.fixture
def recorded(archive):
    from aiida_mlhull.graph import campaigns

    return campaigns.find("recorded")


def answer(*question: object) -> str:
    result = run(*question)
    assert result.exit_code == 0, result.output
    return result.output


def test_processes_of_the_archive_had_no_entry_points(archive):
    """Else it would not show what it is kept for."""
    from aiida import orm

    types = set(orm.QueryBuilder().append(orm.ProcessNode, project="process_type").all(flat=True))
    assert {"aiida_mlhull.workflows.round.Round", "aiida_mlhull.calculations.functions.decide_round"} <= types
    assert not any("mlhull.round" in one for one in types)


def test_status(recorded):
    told = answer("status", "--all")
    assert [line.split()[1] for line in told.splitlines()[2:]] == ["vasp", "recorded"]
    told = answer("status", "recorded")
    first, stages, *_ = told.split("\n\n")
    facts = dict(line.split(maxsplit=1) for line in first.splitlines()[1:] if "on the hull" not in line)
    assert [line.split()[:4] for line in stages.splitlines()[3:]] == [
        ["potential", "potential", "36", "36"],
        ["final", "recorded", "16", "16"],
    ]
    assert facts["state"] == "finished"
    assert (facts["stage"], facts["round"], facts["relaxed"], facts["waiting"]) == ("final", "1", "16", "6")
    assert facts["models"] == "stopped  rule_keeps_nothing"


def test_report(recorded, tmp_path):
    told = answer("report", "recorded", "--output", tmp_path)
    assert "the rule keeps nothing more" in told
    funnel = recorded.outputs.summary["funnel"]
    assert f"candidates           {funnel['candidates']}" in told
    assert "RbBeAs_KZnAs_187_1" in told
    assert "models: fit      trees_gp" in told
    rows = (tmp_path / "candidates.csv").read_text().splitlines()
    assert len(rows) == 1 + funnel["candidates"]


def test_report_of_lanes(archive):
    told = answer("report", "vasp")
    assert "mlhull-vasp-standin, NOT VASP    20" in told
    assert [line.split()[:8] for line in told.splitlines() if line.startswith("  final      1")] == [
        ["final", "1", "4", "4", "0", "0", "20", "20"]
    ]


def test_history_is_in_the_order_in_which_it_happened(recorded):
    lines = [line.split(maxsplit=1)[1] for line in answer("history", "RbAs_240999_sg187").splitlines()[7:]]
    assert [line.split("  ")[0] for line in lines] == [
        "potential: enters",
        "potential: engine chgnet 0.3.0",
        "potential: merging",
        "final: enters",
        "final: start set",
        "final: round 1, two_sigma",
        "outcome",
    ]
    assert "2 x trees_gp" in lines[-2]
    assert "0.7794" in lines[-1]


def test_history_of_a_result_of_a_lane(archive):
    told = answer("history", "CdTe_rock_salt")
    assert "final: engine mlhull-vasp-standin, NOT VASP" in told
    assert told.count("relaxed") == 1
    assert "on_hull" in told.splitlines()[-1]


def test_rejected(recorded):
    told = answer("rejected", "--round", 1, "--campaign", "recorded")
    assert "final, round 1, two_sigma: 6 candidates, 0 kept, 0 kept but waiting for a place, 6 rejected" in told
    assert "2 x trees_gp" in told


@pytest.mark.parametrize("campaign", ["recorded", "vasp"])
def test_rules_and_diagnose(archive, campaign):
    compared = json.loads(answer("rules", campaign, "--json"))
    assert "two_sigma" in {one["rule"] for one in compared["outcomes"]}
    stated = json.loads(answer("diagnose", campaign, "--json"))
    assert stated["final, round 1"]["rows"] == {"recorded": 6, "vasp": 4}[campaign]


def test_references_from_it(recorded):
    assert "results of campaign recorded" in answer("references", "from-campaign", "recorded")


def test_the_same_outcomes_as_the_graph_keeps(recorded):
    from aiida_mlhull.graph import results

    table = results.outcomes(recorded)
    kept = recorded.outputs.summary["funnel"]
    assert (len(table), int(table.keep.sum())) == (kept["candidates"], kept["relaxed"])
    order, started = results.relaxation_order(recorded)
    assert started == len(order) == kept["relaxed"]
    assert set(results.structures(recorded.pk)) == set(results.phases(recorded).ids.tolist())
