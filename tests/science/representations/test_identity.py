"""One id for one crystal, another for another."""

from __future__ import annotations

from itertools import combinations
from uuid import UUID

import numpy as np
import pytest
from pymatgen.analysis.structure_matcher import StructureMatcher
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.representations.identity import WIDTHS, crystal_ids, label_ids, shapes
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import disguised, mp_crystals, pnictides, supercells

ROCK_SALT = Structure.from_spacegroup(225, Lattice.cubic(4.24), ["Ti", "N"], [[0, 0, 0], [0.5, 0.5, 0.5]])


def rutile(u, ratio=0.64):
    return Structure.from_spacegroup(136, Lattice.tetragonal(4.6, 4.6 * ratio), ["Ti", "O"], [[0, 0, 0], [u, u, 0]])


def ids_of(crystals):
    return crystal_ids(crystals, protostructures(crystals))


def test_lattice_sums_of_a_simple_cubic_crystal():
    """Theta functions: the sum over all lattice vectors of exp(-w n²) is a product of three."""
    (sums,) = shapes(Crystals.from_structures([Structure(Lattice.cubic(3.7), ["Po"], [[0, 0, 0]])]))
    steps = np.arange(-20, 21)
    expected = [np.exp(-width * steps**2).sum() ** 3 - 1.0 for width in WIDTHS]
    np.testing.assert_allclose(sums[0], expected, atol=1e-5)


def test_sums_by_pairs_of_elements():
    """Rock salt: like atoms on a face-centered lattice, unlike ones on the shifted one."""
    (sums,) = shapes(Crystals.from_structures([ROCK_SALT]))
    steps = np.array([(i, j, k) for i in range(-9, 10) for j in range(-9, 10) for k in range(-9, 10) if i or j or k])
    even = steps.sum(axis=1) % 2 == 0
    terms = np.exp(-np.outer(WIDTHS, np.square(steps).sum(axis=1)))  # a third root of the volume per atom is a step
    np.testing.assert_allclose(sums[0], terms[:, even].sum(axis=1) / 2, atol=1e-5)  # N-N
    np.testing.assert_allclose(sums[1], terms[:, ~even].sum(axis=1), atol=1e-5)  # N-Ti, from both sides
    np.testing.assert_allclose(sums[2], sums[0], atol=1e-12)  # Ti-Ti


def test_no_disguise_changes_an_id():
    crystals = mp_crystals()
    plain = ids_of(crystals)
    assert (ids_of(disguised(crystals, 3)) != plain).mean() <= 0.02
    assert (ids_of(supercells(crystals)) != plain).mean() <= 0.03


def test_scale_does_not_count():
    crystals = mp_crystals()
    labels = protostructures(crystals)
    scaled = crystals.with_volumes_per_atom(1.3 * crystals.volumes_per_atom)
    np.testing.assert_array_equal(crystal_ids(scaled, labels), crystal_ids(crystals, labels))


def test_different_crystals_have_different_ids():
    """Real ones, apart from those that no structure matcher can tell apart either."""
    crystals = pnictides().relaxed
    found = ids_of(crystals)
    sums, formulas = shapes(crystals), crystals.reduced_formulas()
    for i, j in combinations(range(len(crystals)), 2):
        if formulas[i] == formulas[j] and found[i] == found[j]:
            assert np.abs(sums[i] - sums[j]).max() < 2e-3


@pytest.mark.parametrize("change", [{"u": 0.302}, {"ratio": 0.65}, {"u": 0.31, "ratio": 0.63}])
def test_free_parameters_count(change):
    ids = ids_of(Crystals.from_structures([rutile(0.3), rutile(**{"u": 0.3} | change)]))
    assert ids[0] != ids[1]


def test_homometric_crystals_share_an_id():
    """Pauling and Shappell's pair: all distances in common, yet different. A limit that is known, and stated."""
    pair = [Structure.from_spacegroup(206, Lattice.cubic(9.4), ["Mn"], [[x, 0, 0.25]]) for x in (0.1, -0.1)]
    assert not StructureMatcher().fit(*pair)
    first, second = ids_of(Crystals.from_structures(pair))
    assert first == second


def test_elements_count():
    swapped = ROCK_SALT.copy()
    swapped.replace_species({"Ti": "Zr"})
    ids = ids_of(Crystals.from_structures([ROCK_SALT, swapped]))
    assert ids[0] != ids[1]


def test_where_nothing_is_open_the_label_is_the_crystal():
    crystals = Crystals.from_structures([ROCK_SALT])
    labels = protostructures(crystals)
    assert crystal_ids(crystals, labels).tolist() == label_ids(labels).tolist()
    assert UUID(label_ids(labels)[0]).version == 5


def test_without_a_label_the_formula_stands_in():
    crystals = Crystals.from_structures([rutile(0.3), ROCK_SALT])
    ids = crystal_ids(crystals, np.array(["", ""]))
    assert len(set(ids.tolist())) == 2
    np.testing.assert_array_equal(crystal_ids(disguised(crystals, 1), np.array(["", ""])), ids)


def test_no_crystals():
    assert crystal_ids(mp_crystals().take([]), np.empty(0, dtype=np.str_)).shape == (0,)
