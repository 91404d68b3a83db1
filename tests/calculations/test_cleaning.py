"""Cleaning as a process: decisions, what is left and the funnel's table come from the graph."""

from __future__ import annotations

from aiida import orm

from aiida_mlhull.calculations.cleaning import clean_candidates
from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.science.cleaning.clean import CleaningSettings, clean, labeled
from aiida_mlhull.science.cleaning.funnel import funnel_steps
from tests.docs.pages import on_the_page


def test_the_table_comes_from_the_graph(arsenides):
    whole = arsenides.candidates.to_science()
    halves = {"a": whole.take(range(30)), "b": whole.take(range(30, len(whole)))}
    nodes = {key: CandidatesData.from_science(half) for key, half in halves.items()}
    outputs, process = clean_candidates.run_get_node(
        orm.Dict({"positions": 6}), candidates=nodes, labels={"a": arsenides.record, "b": arsenides.record}
    )
    assert process.is_finished_ok
    shards = [labeled(half) for half in halves.values()]
    record = arsenides.record.to_science()
    energies = [record.energies[record.positions(shard.ids)] for shard in shards]
    expected = clean(shards, settings=CleaningSettings(positions=6), energies=energies)
    for key, shard, rows in zip(halves, shards, expected, strict=True):
        assert outputs["decisions"][key].to_science().reasons.tolist() == rows.reasons.tolist()
        left = outputs["clean"][key].to_science()
        assert left.ids.tolist() == shard.ids[rows.keep].tolist()
        assert (left.protostructures != "").all()
    steps = outputs["funnel"].get_dict()["steps"]
    assert [step["dropped"] for step in steps] == [step.dropped for step in funnel_steps(expected)]
    assert steps[0]["entered"] == len(whole)
    page = on_the_page("docs/topics/candidates.md", "tests/calculations/test_cleaning.py", process=process)
    assert [step.dropped for step in page["steps"]] == [step["dropped"] for step in steps]
    assert steps[-1]["left"] == sum(node.n_rows for node in outputs["clean"].values())


def test_dropped_rows_are_found_by_reason(arsenides):
    clean_candidates.run_get_node(
        orm.Dict({}), candidates={"a": arsenides.candidates}, known={"mine": arsenides.candidates}
    )
    query = orm.QueryBuilder().append(
        DecisionsData,
        filters={"attributes.rule": "cleaning", "attributes.dropped_reasons": {"has_key": "known_crystal"}},
        project=["attributes.n_kept"],
    )
    assert query.all(flat=True) == [0]
