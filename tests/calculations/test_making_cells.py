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


def test_the_job_makes_what_the_science_makes(code):
    labels = shard(**MADE, **NOT_MADE)
    outputs, node = run_get_node(MakeCellsCalculation, **inputs(code, labels))
    assert node.is_finished_ok, node.exit_message
    here = make_cells(labels, enter_first_stage(labels, stage="first"), seed=3)
    assert content_hash(outputs["cells"].to_science()) == content_hash(here.cells)
    assert content_hash(outputs["chosen"].to_science()) == content_hash(here.chosen)
    left = outputs["pool"].to_science()
    assert left.ids[left.keep].tolist() == here.cells.ids.tolist()
    assert outputs["results"]["n_made"] == len(MADE)
    refuse_one_cell_fewer(node, here.cells)


def refuse_one_cell_fewer(node, cells):
    """A choice that the cells do not answer is not a whole result."""
    whole = node.outputs.retrieved.base.repository
    files = {name: whole.get_object_content(name, mode="rb") for name in whole.list_object_names()}
    harmed = orm.FolderData()
    for name, content in (files | {"made.parquet": encode_table(cells.take(np.arange(len(cells) - 1)))}).items():
        harmed.base.repository.put_object_from_bytes(content, name)

    class Harmed(MakeCellsParser):
        retrieved = harmed

    code = Harmed(node).parse()
    assert code is not None
    assert code.status == 303
    assert f"{len(MADE)} candidates are chosen, {len(MADE) - 1} have cells" in code.message


def test_where_no_cell_can_be_made_there_are_none(code):
    outputs, node = run_get_node(MakeCellsCalculation, **inputs(code, shard(**NOT_MADE)))
    assert node.is_finished_ok, node.exit_message
    assert "cells" not in outputs
    assert not outputs["chosen"].to_science().keep.any()
    assert not outputs["pool"].to_science().keep.any()


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
