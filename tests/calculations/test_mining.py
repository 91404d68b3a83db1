"""A substitution table of the graph is the one that the same crystals give in Python, and leads back to them."""

from __future__ import annotations

from aiida import orm

from aiida_mlhull.calculations.mining import mine_table
from aiida_mlhull.data import CandidatesData, SubstitutionsData
from aiida_mlhull.science.cleaning.clean import labeled
from aiida_mlhull.science.generators.mining import mine_substitutions


def test_the_table_leads_back_to_its_crystals(arsenides):
    whole = arsenides.candidates.to_science()
    halves = {"a": whole.take(range(30)), "b": whole.take(range(30, len(whole)))}
    nodes = {key: CandidatesData.from_science(half).store() for key, half in halves.items()}
    found, process = mine_table.run_get_node(orm.Float(0.5), **nodes)
    assert process.is_finished_ok
    expected = mine_substitutions(labeled(whole).protostructures, smoothing=0.5)
    table = found.to_science()
    assert table.elements == expected.elements == ("Be", "As", "Rb", "Cd")
    assert (table.counts == expected.counts).all()
    query = orm.QueryBuilder().append(CandidatesData, tag="crystals", project="uuid")
    query.append(orm.CalcFunctionNode, with_incoming="crystals", tag="mining")
    query.append(SubstitutionsData, with_incoming="mining", filters={"uuid": found.uuid})
    assert set(query.all(flat=True)) == {node.uuid for node in nodes.values()}
