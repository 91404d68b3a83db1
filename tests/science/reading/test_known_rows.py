"""Of a table that has grown the new rows are taken; an id that stands for another crystal is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.reading.candidates import read_candidates
from aiida_mlhull.science.reading.known_rows import only_new
from tests.arsenides import DEMO


@pytest.fixture(scope="module")
def intake():
    whole = read_candidates(DEMO / "hypothetical_pnictides.parquet", bad_rows="leave_out")
    return replace(whole, candidates=whole.candidates.take(np.arange(12)), record=whole.record.take(np.arange(12)))


def test_the_new_rows_are_left_in_their_order(intake):
    ids = intake.candidates.ids.tolist()
    rest, said = only_new(intake, intake.candidates.take([7, 2, 11]))
    assert (
        rest.candidates.ids.tolist()
        == rest.record.ids.tolist()
        == [ids[row] for row in range(12) if row not in {2, 7, 11}]
    )
    assert said.endswith("3 of these the campaign has already, 9 are new")
    assert only_new(rest, intake.candidates.take([7, 2, 11])) == (rest, "")
    assert len(only_new(intake, intake.candidates)[0].candidates) == 0


def moved(candidates):
    crystals = candidates.crystals
    return replace(candidates, crystals=replace(crystals, frac_coords=crystals.frac_coords + 1e-3))


def strained(candidates):
    return replace(candidates, crystals=replace(candidates.crystals, lattices=candidates.crystals.lattices * 1.001))


def exchanged(candidates):
    return replace(candidates, crystals=candidates.crystals.take(np.arange(12)[::-1]))


@pytest.mark.parametrize("change", [moved, strained, exchanged])
def test_an_id_of_another_crystal_is_refused(intake, change):
    with pytest.raises(TableError, match="ids are those of other crystals in the earlier campaign"):
        only_new(intake, change(intake.candidates))


def test_labels_are_compared_where_there_are_no_cells(intake):
    bare = replace(intake.candidates, crystals=None)
    rest, said = only_new(replace(intake, candidates=bare, record=None), bare.take([0]))
    assert (len(rest.candidates), said[-41:]) == (11, "of these the campaign has already, 11 are new"[-41:])
    labels = bare.protostructures.copy()
    labels[0] = "another"
    with pytest.raises(TableError, match=str(bare.ids[0])):
        only_new(replace(intake, candidates=bare, record=None), replace(bare, protostructures=labels))
