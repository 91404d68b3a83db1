"""What every registered generator has to keep to; a new generator is tested without a new test."""

from __future__ import annotations

import numpy as np
import pytest
from pydantic import ValidationError
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.generators import GENERATORS
from aiida_mlhull.science.generators.base import Generator, GeneratorInput
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.representations.identity import crystal_ids, label_ids
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals, concatenate

SETTINGS = {
    "enumeration": {"max_sites": 8, "max_positions": 3, "space_groups": [99, 216, 225]},
    "prototypes": {"largest_cell": 6},
    "substitution": {"draws": 9, "near_hull": None},
    "ionic": {"draws": 9, "near_hull": None},
}
"""Small, so that the contract is checked in seconds; others are tested as they come."""


def rock_salt(cation, anion, a):
    return Structure.from_spacegroup(225, Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]])


def zinc_blende(cation, anion, a):
    return Structure.from_spacegroup(216, Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.25, 0.25, 0.25]])


def perovskite(a, b, x, length):
    sites = [[0, 0, 0], [0.5, 0.5, 0.5], [0, 0.5, 0.5]]
    return Structure.from_spacegroup(221, Lattice.cubic(length), [a, b, x], sites)


CRYSTALS = {
    "caf": Structure.from_spacegroup(225, Lattice.cubic(5.46), ["Ca", "F"], [[0, 0, 0], [0.25, 0.25, 0.25]]),
    "cao": rock_salt("Ca", "O", 4.8),
    "kcl": rock_salt("K", "Cl", 6.3),
    "ktao": perovskite("K", "Ta", "O", 3.99),
    "mgo": rock_salt("Mg", "O", 4.2),
    "mgs": rock_salt("Mg", "S", 5.2),
    "nacl": rock_salt("Na", "Cl", 5.6),
    "sto": perovskite("Sr", "Ti", "O", 3.9),
    "zno": zinc_blende("Zn", "O", 4.6),
    "zns": zinc_blende("Zn", "S", 5.4),
}


@pytest.fixture(scope="module")
def start():
    """Ten textbook crystals, a chemical system, two formulas."""
    crystals = Crystals.from_structures(CRYSTALS.values())
    parents = Parents.from_rows(
        ids=list(CRYSTALS),
        formulas=crystals.reduced_formulas(),
        crystals=crystals,
        protostructures=protostructures(crystals),
        above_hull=np.zeros(len(crystals)),
        source="textbook",
    )
    return GeneratorInput(crystals=parents, elements=("Ti", "Zn", "N"), formulas=("TiN", "ZnTiN2"))


@pytest.fixture(params=list(GENERATORS))
def name(request):
    return request.param


@pytest.fixture
def generator(name):
    cls = GENERATORS[name]
    return cls(cls.Settings(**SETTINGS.get(name, {})))


def whole(generator, start, **options):
    return concatenate([shard.candidates for shard in generator.shards(start, **options)])


def test_it_is_a_generator(generator):
    assert isinstance(generator, Generator)
    assert generator.needs in {"crystals", "elements", "formulas"}
    assert generator.Settings(**generator.settings.model_dump(mode="json")) == generator.settings


def test_every_draw_becomes_a_row_or_is_counted(generator, start):
    shards = list(generator.shards(start, seed=1))
    assert sum(shard.drawn for shard in shards) == generator.plan(start).draws > 0
    assert sum(len(shard.candidates) for shard in shards) > 0
    assert all(reason.isidentifier() and count > 0 for shard in shards for reason, count in shard.left_out.items())


def test_the_same_seed_gives_the_same_rows_whatever_the_shards(generator, start):
    first, second = whole(generator, start, seed=3), whole(generator, start, seed=3, size=7)
    for (column, one), (_, other) in zip(first.columns(), second.columns(), strict=True):
        same = (
            one.lattices.tobytes() == other.lattices.tobytes()
            if isinstance(one, Crystals)
            else one.tolist() == other.tolist()
        )
        assert same, column


def test_shards_are_small_and_hold_no_crystal_twice(generator, start):
    shards = list(generator.shards(start, size=10))
    assert all(len(shard.candidates) <= 10 for shard in shards)
    ids = [name for shard in shards for name in shard.candidates.ids.tolist()]
    assert len(set(ids)) == len(ids)


def test_every_row_says_where_it_came_from(generator, start):
    found = whole(generator, start)
    assert len(set(found.origins.tolist())) == len(found)
    assert found.source
    if generator.needs == "crystals":
        assert all(origin.split(":")[0] in CRYSTALS and "draw" in origin for origin in found.origins.tolist())


def test_labels_and_ids_are_those_of_the_cells(generator, start):
    found = whole(generator, start)
    assert (found.protostructures != "").all()
    if found.crystals is None:
        assert found.ids.tolist() == label_ids(found.protostructures).tolist()
    else:
        assert found.protostructures.tolist() == protostructures(found.crystals).tolist()
        assert found.ids.tolist() == crystal_ids(found.crystals, found.protostructures).tolist()
        assert found.formulas.tolist() == found.crystals.reduced_formulas()


def test_a_start_without_what_it_needs_is_refused(generator):
    with pytest.raises(InputError):
        generator.plan(GeneratorInput())


def test_unknown_settings_are_refused(generator):
    with pytest.raises(ValidationError, match="extra"):
        generator.Settings(**generator.settings.model_dump(), nonsense=1)
