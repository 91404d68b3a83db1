"""CalcJob ``mlhull.make_cells``, run for real: the cells that the science makes in this process."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.calculations.making_cells import MakeCellsCalculation
from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.parsers.make_cells import MakeCellsParser
from aiida_mlhull.science.campaign.decisions import enter_first_stage
from aiida_mlhull.science.campaign.making_cells import make_cells
from aiida_mlhull.science.tables.summary import content_hash
from aiida_mlhull.science.types import Decisions
from aiida_mlhull.science.wire import encode_table
from tests.arsenides import every_sixth
from tests.science.campaign.test_making_cells import MADE, NOT_MADE, shard


def inputs(code, labels):
    pool = enter_first_stage(labels, stage="first")
    return {
        "code": code,
        "candidates": CandidatesData.from_science(labels),
        "chosen": DecisionsData.from_science(pool),
        "pool": DecisionsData.from_science(pool),
        "seed": orm.Int(3),
    }


@pytest.fixture(scope="module")
def both(code):
    """What the job has made of labels of which one gets no cell, and what the science makes of them here."""
    labels = shard(**MADE, **NOT_MADE)
    outputs, node = run_get_node(MakeCellsCalculation, **inputs(code, labels))
    assert node.is_finished_ok, node.exit_message
    return outputs, node, make_cells(labels, enter_first_stage(labels, stage="first"), seed=3)


def test_the_job_makes_what_the_science_makes(both):
    outputs, _, here = both
    assert content_hash(outputs["cells"].to_science()) == content_hash(here.cells)
    assert content_hash(outputs["chosen"].to_science()) == content_hash(here.chosen)
    left = outputs["pool"].to_science()
    assert left.ids[left.keep].tolist() == here.cells.ids.tolist()
    assert outputs["results"]["n_made"] == len(MADE)


def test_where_no_cell_can_be_made_there_are_none(code):
    outputs, node = run_get_node(MakeCellsCalculation, **inputs(code, shard(**NOT_MADE)))
    assert node.is_finished_ok, node.exit_message
    assert "cells" not in outputs
    assert not outputs["chosen"].to_science().keep.any()
    assert not outputs["pool"].to_science().keep.any()


def test_a_choice_that_the_cells_do_not_answer_is_incomplete(both):
    """One cell fewer than the table of the choice says."""
    _, node, here = both
    harmed = orm.FolderData()
    for name in node.outputs.retrieved.base.repository.list_object_names():
        content = node.outputs.retrieved.base.repository.get_object_content(name, mode="rb")
        if name == "made.parquet":
            content = encode_table(here.cells.take(np.arange(len(here.cells) - 1)))
        harmed.base.repository.put_object_from_bytes(content, name)
    parser = MakeCellsParser(node)
    parser.retrieved_harmed = harmed
    type(parser).retrieved = property(lambda self: self.retrieved_harmed)
    try:
        code = parser.parse()
    finally:
        del type(parser).retrieved
    assert code is not None
    assert code.status == 303
    assert f"{len(MADE)} candidates are chosen, {len(MADE) - 1} have cells" in code.message


@pytest.mark.parametrize(("labels", "keep", "said"), [
    (every_sixth().candidates.take([0, 1]), True, "have cells"),
    (shard(**MADE), False, "nothing to do"),
])  # fmt: skip
def test_what_there_is_nothing_to_make_for_is_refused(code, labels, keep, said):
    given = inputs(code, labels)
    if not keep:
        pool = given["pool"].to_science()
        none = Decisions(**{**vars(pool), "keep": np.zeros(len(pool), dtype=bool)})
        given["chosen"] = DecisionsData.from_science(none)
    with pytest.raises(ValueError, match=said):
        run_get_node(MakeCellsCalculation, **given)
