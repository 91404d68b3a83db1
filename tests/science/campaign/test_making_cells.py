"""Cells for labels that were kept: they have the label, the others end with a reason and are not asked for again."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.campaign.decisions import enter_first_stage
from aiida_mlhull.science.campaign.making_cells import make_cells, without_cells_not_made
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.representations.identity import label_ids
from aiida_mlhull.science.representations.protostructure import canonical_spelling
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Candidates

MADE = {"AB_cF8_225_a_b:Mg-O": "MgO", "AB_cP2_221_a_b:Cl-Cs": "CsCl", "A2B_tP6_136_f_a:O-Ti": "TiO2"}
NOT_MADE = {"AB_oP4_34_a_b:Mg-O": "MgO"}
"""Cells with these positions are body-centered."""


def shard(**labels: str) -> Candidates:
    words = list(labels)
    return Candidates.from_rows(
        ids=label_ids(words),
        formulas=list(labels.values()),
        crystals=None,
        protostructures=words,
        origins=[f"label {word}" for word in words],
    )


@pytest.fixture(scope="module")
def candidates():
    return shard(**MADE, **NOT_MADE)


@pytest.fixture(scope="module")
def made(candidates):
    return make_cells(candidates, enter_first_stage(candidates, stage="first"), seed=3)


def test_cells_have_the_labels_and_the_ids(candidates, made):
    assert len(made.cells) == len(MADE)
    asked = candidates.select(made.cells.ids)
    assert made.cells.protostructures.tolist() == asked.protostructures.tolist()
    found = protostructures(made.cells.crystals).tolist()
    assert found == [canonical_spelling(label) for label in asked.protostructures.tolist()]
    assert made.cells.crystals.reduced_formulas() == asked.formulas.tolist()


def test_volumes_are_those_of_matter(made):
    """Published: MgO 9.4, CsCl 35, TiO2 10.4 Å³/atom."""
    volumes = dict(zip(made.cells.formulas.tolist(), made.cells.crystals.volumes_per_atom.tolist(), strict=True))
    for formula, known in {"MgO": 9.4, "CsCl": 35.0, "TiO2": 10.4}.items():
        assert volumes[formula] == pytest.approx(known, rel=0.5)


def test_the_others_are_dropped_with_a_reason(candidates, made):
    dropped = made.chosen.take(~made.chosen.keep)
    assert candidates.select(dropped.ids).protostructures.tolist() == list(NOT_MADE)
    assert dropped.reasons[0].startswith("cell_not_made: ")
    assert made.cells.ids.tolist() == made.chosen.ids[made.chosen.keep].tolist()
    pool = without_cells_not_made(enter_first_stage(candidates, stage="first"), made.chosen)
    assert pool.ids[pool.keep].tolist() == made.cells.ids.tolist()
    assert pool.ids.tolist() == candidates.ids.tolist()


def test_only_the_chosen_get_cells_and_always_the_same(candidates, made):
    everything = enter_first_stage(candidates, stage="first")
    one = made.cells.ids[:1]
    few = make_cells(candidates, everything.select(one), seed=3)
    assert few.cells.ids.tolist() == one.tolist()
    np.testing.assert_array_equal(few.cells.crystals.frac_coords, made.cells.select(one).crystals.frac_coords)


def test_nothing_made_is_no_table():
    labels = shard(**NOT_MADE)
    made = make_cells(labels, enter_first_stage(labels, stage="first"), seed=1)
    assert made.cells is None
    assert not made.chosen.keep.any()


def test_candidates_with_cells_are_left_alone(made):
    with pytest.raises(TableError, match="have cells"):
        make_cells(made.cells, enter_first_stage(made.cells, stage="first"), seed=1)
