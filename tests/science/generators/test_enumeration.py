"""Enumerated candidates: counted before, labels only or with cells, refused when there are none or too many."""

from __future__ import annotations

from collections import Counter

import pytest
from pydantic import ValidationError

from aiida_mlhull.science.errors import CrystalError, FormulaError, InputError
from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.cells import aflow_kinds, build_cell
from aiida_mlhull.science.generators.enumeration import Enumeration, EnumerationSettings
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import concatenate

TIN = GeneratorInput(formulas=("TiN",))


def made(**settings):
    return Enumeration(EnumerationSettings(**settings))


def whole(generator, start, **options):
    return concatenate([shard.candidates for shard in generator.shards(start, **options)])


def test_textbook_structures_are_among_them():
    found = whole(made(max_sites=8, max_positions=2), TIN)
    assert {"AB_cF8_225_a_b:N-Ti", "AB_cF8_216_a_c:N-Ti", "AB_cP2_221_a_b:N-Ti", "AB_hP4_194_a_c:N-Ti"} <= set(
        found.protostructures.tolist()
    )
    assert set(found.formulas.tolist()) == {"TiN"}
    assert found.crystals is None


def test_formulas_are_counted_one_by_one():
    plan = made(max_sites=10, max_positions=3, space_groups=[225, 221]).plan(
        GeneratorInput(formulas=("TiN", "Zn3N2", "Ti2N2"))
    )
    counts = [value for name, value in plan.facts.items() if name.startswith("representations")]
    assert [name for name in plan.facts if name.startswith("rep")] == [
        "representations of TiN",
        "representations of Zn3N2",
    ]
    assert plan.draws == sum(counts)


def test_with_cells():
    generator = made(max_sites=8, max_positions=2, space_groups=[216, 221, 225], cells=True)
    shards = list(generator.shards(TIN, seed=2))
    found = concatenate([shard.candidates for shard in shards])
    left_out = sum((shard.left_out for shard in shards), Counter())
    assert found.crystals is not None
    assert protostructures(found.crystals).tolist() == found.protostructures.tolist()
    assert set(left_out) <= {"no_cell"}
    assert len(found) + left_out["no_cell"] == generator.plan(TIN).draws
    assert left_out["no_cell"] > 0
    assert "AB_cF8_216_a_b:N-Ti" not in found.protostructures.tolist()  # a rock salt, which is Fm-3m


def test_nothing_fits():
    with pytest.raises(InputError, match="no representation of TiN has at most 1 sites"):
        made(max_sites=1).plan(TIN)


def test_too_many_are_refused_before_they_are_built():
    with pytest.raises(InputError, match=r"13,483 representations of TiN are more than 1,000"):
        next(made(largest=1000).shards(TIN))


def test_unreadable_formulas():
    with pytest.raises(FormulaError, match="Xx"):
        made().plan(GeneratorInput(formulas=("Xx2",)))


def test_no_such_group():
    with pytest.raises(ValidationError, match="from 1 to 230"):
        made(space_groups=[231])


def test_known_prototypes_give_their_cell():
    """Spinel by the AFLOW library: the oxygen parameter is the prototype's, not a draw."""
    spinel = "A2B4C_cF56_227_d_e_a:Al-O-Mg"
    label = "A2BC4_cF56_227_c_b_e:Al-Mg-O"
    known = aflow_kinds().cell(label)
    assert known is not None
    assert build_cell(label, seed=1).frac_coords.tolist() == known.frac_coords.tolist()
    assert protostructures(known).tolist() == [label]
    with pytest.raises(CrystalError, match="belong together"):
        build_cell(spinel)


def test_unknown_prototypes_are_drawn():
    label = "ABC_oP18_31_ab_ab_ab:N-Ti-Zn"
    assert aflow_kinds().cell(label) is None
    assert protostructures(build_cell(label, seed=1)).tolist() == [label]
