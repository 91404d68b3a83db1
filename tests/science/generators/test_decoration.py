"""Chemical systems on known prototypes, counted by hand."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from pymatgen.core import Composition, Lattice, Structure

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.generators.decoration import Prototypes, aflow_prototypes, decorate
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals, concatenate

ZINC_BLENDE = Structure.from_spacegroup(216, Lattice.cubic(5.4), ["Zn", "S"], [[0, 0, 0], [0.25, 0.25, 0.25]])
FLUORITE = Structure.from_spacegroup(225, Lattice.cubic(5.5), ["Ca", "F"], [[0, 0, 0], [0.25, 0.25, 0.25]])
PEROVSKITE = Structure.from_spacegroup(
    221, Lattice.cubic(3.9), ["Sr", "Ti", "O"], [[0, 0, 0], [0.5, 0.5, 0.5], [0, 0.5, 0.5]]
)
COPPER = Structure.from_spacegroup(225, Lattice.cubic(3.6), ["Cu"], [[0, 0, 0]])
OWN = Prototypes(
    Crystals.from_structures([ZINC_BLENDE, FLUORITE, PEROVSKITE, COPPER]),
    np.array(["zinc blende", "fluorite", "perovskite", "copper"]),
    "four textbook crystals",
)


def whole(elements, **options):
    return concatenate(list(decorate(elements, **options)))


def test_every_distinct_way_once():
    """Zinc blende with its elements swapped is the same crystal; fluorite and perovskite are not."""
    found = whole(["Ti", "Zn", "N"], prototypes=OWN)
    names = [origin.split(":")[0] for origin in found.origins]
    assert {name: names.count(name) for name in set(names)} == {"zinc blende": 3, "fluorite": 6, "perovskite": 6}
    fluorites = {formula for formula, name in zip(found.formulas, names, strict=True) if name == "fluorite"}
    pairs = permutations(["Ti", "Zn", "N"], 2)
    assert fluorites == {Composition({one: 1, two: 2}).reduced_formula for one, two in pairs}
    assert len(set(found.ids.tolist())) == 15


def test_elements_alone_only_when_asked_for():
    found = whole(["Ti", "Zn", "N"], prototypes=OWN, fewest_elements=1)
    assert len(found) == 18
    assert {"Ti", "Zn", "N2"} <= set(found.formulas.tolist())


def test_origin_tells_prototype_and_exchange():
    found = whole(["Mg", "O"], prototypes=OWN)
    assert "fluorite: F>O Ca>Mg" in found.origins
    assert "fluorite: F>Mg Ca>O" in found.origins
    assert found.source == "four textbook crystals"


def test_cells_carry_their_labels_and_plausible_volumes():
    found = whole(["Mg", "O"], prototypes=OWN)
    np.testing.assert_array_equal(protostructures(found.crystals), found.protostructures)
    row = found.origins.tolist().index("fluorite: F>Mg Ca>O")
    assert found.protostructures[row] == "A2B_cF12_225_c_a:Mg-O"
    assert (found.crystals.volumes_per_atom > 5).all()
    assert (found.crystals.volumes_per_atom < 40).all()


def test_aflow_library():
    library = aflow_prototypes()
    assert len(library.crystals) == len(library.names) == 288
    assert "AB_cF8_225_a_b Halite, Rock Salt" in library.names


@pytest.mark.slow
def test_ti_zn_n():
    """Six ordered pairs on 176 binary prototypes and six orders on 48 ternary ones, less what comes out the same."""
    found = whole(["Ti", "Zn", "N"])
    counts = [aflow_prototypes().crystals.element_counts(i) for i in range(288)]
    sites = aflow_prototypes().crystals.n_sites
    most = sum(6 for own, n in zip(counts, sites, strict=True) if len(own) in (2, 3) and n <= 60)
    assert 0.9 * most < len(found) < most
    assert {"TiN", "Ti2N", "Zn3N2", "TiZn"} <= set(found.formulas.tolist())
    assert (found.protostructures != "").mean() > 0.99


def test_order_of_elements_and_size_of_shards_do_not_matter():
    one = whole(["Ti", "Zn", "N"], prototypes=OWN)
    other = whole(["N", "Ti", "Zn"], prototypes=OWN, shard_size=4)
    assert one.ids.tolist() == other.ids.tolist()


def test_shards_stream_and_hold_no_crystal_twice():
    shards = list(decorate(["Ti", "Zn", "N"], prototypes=OWN, shard_size=4))
    assert len(shards) > 3
    assert all(len(shard) <= 4 for shard in shards)
    assert len(set().union(*(shard.ids.tolist() for shard in shards))) == sum(map(len, shards)) == 15


def test_sample_is_drawn_by_the_seed():
    some = whole(["Ti", "Zn", "N"], prototypes=OWN, sample=6, seed=3)
    assert 0 < len(some) <= 6
    assert some.ids.tolist() == whole(["Ti", "Zn", "N"], prototypes=OWN, sample=6, seed=3).ids.tolist()
    assert set(some.ids.tolist()) <= set(whole(["Ti", "Zn", "N"], prototypes=OWN).ids.tolist())
    other = whole(["Ti", "Zn", "N"], prototypes=OWN, sample=6, seed=4)
    assert other.ids.tolist() != some.ids.tolist()


@pytest.mark.parametrize(
    ("elements", "message"),
    [(["Ti", "Xx"], "unknown elements: Xx"), (["Ti", "Ti"], "twice"), (["Ti"], "no prototype"), ([], "no prototype")],
)
def test_systems_that_make_no_sense(elements, message):
    with pytest.raises(InputError, match=message):
        next(decorate(elements, prototypes=OWN))


def test_largest_cell():
    with pytest.raises(InputError, match="at most 1 sites"):
        next(decorate(["Ti", "N"], prototypes=OWN, largest_cell=1))
