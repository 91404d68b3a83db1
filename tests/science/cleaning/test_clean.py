"""Every filter by hand, the funnel from the decisions alone, and the shipped arsenides."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from pydantic import ValidationError
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.cleaning.clean import CleaningSettings, clean, labeled
from aiida_mlhull.science.cleaning.funnel import FILTERS, funnel_steps
from aiida_mlhull.science.cleaning.neutrality import charges_balance
from aiida_mlhull.science.errors import MissingExtraError, TableError
from aiida_mlhull.science.representations.neighbors import minimum_distances
from aiida_mlhull.science.representations.space_groups import space_groups
from aiida_mlhull.science.representations.wyckoff import of_either_hand, primitive_sizes, protostructures
from aiida_mlhull.science.types import Candidates, Crystals
from tests.science.real_crystals import mp_crystals, pnictides


def rock_salt(a, cation="Ti", anion="N"):
    return Structure.from_spacegroup(225, Lattice.cubic(a), [cation, anion], [[0, 0, 0], [0.5, 0.5, 0.5]])


CHAIN = Structure(Lattice.orthorhombic(4, 5, 40), ["K"] * 9 + ["Cl"], [[0, 0, k * 0.09] for k in range(10)])
"""Ten positions in one cell."""

CRYSTALS = {
    "a-twin": rock_salt(4.4),
    "b-sound": rock_salt(4.2),
    "c-known": rock_salt(5.6, "Na", "Cl"),
    "d-sparse": rock_salt(20.0, "K", "Br"),
    "e-close": rock_salt(1.2, "Mg", "O"),
    "f-long": CHAIN,
    "g-broken": Structure(Lattice.cubic(3.0), ["Cu", "Cu"], [[0, 0, 0], [0.01, 0, 0]]),
    "h-other": rock_salt(4.6, "Zr", "N"),
}


@pytest.fixture
def shard():
    crystals = Crystals.from_structures(CRYSTALS.values())
    return Candidates.from_rows(
        ids=list(CRYSTALS),
        formulas=crystals.reduced_formulas(),
        crystals=crystals,
        protostructures=protostructures(crystals),
        origins=np.full(len(crystals), "by hand"),
    )


def decided(shard, energies=None, known=("AB_cF8_225_a_b:Cl-Na",), **changes):
    limits = CleaningSettings(**({"positions": 8} | changes))
    (rows,) = clean(
        [shard], settings=limits, energies=None if energies is None else [np.asarray(energies)], known=known
    )
    return rows


def reasons(rows):
    return dict(zip(rows.ids.tolist(), rows.reasons.tolist(), strict=True))


def test_every_filter_stops_its_row(shard):
    rows = decided(shard)
    assert reasons(rows) == {
        "a-twin": "clean",
        "b-sound": "same_label_as a-twin",
        "c-known": "known_crystal",
        "d-sparse": "too_sparse",
        "e-close": "atoms_too_close",
        "f-long": "too_many_positions",
        "g-broken": "no_representation",
        "h-other": "clean",
    }
    assert rows.keep.tolist() == [reason == "clean" for reason in reasons(rows).values()]
    assert (rows.margins[~rows.keep] <= 0).all()
    assert (rows.margins[rows.keep] >= 0).all()


def test_what_was_looked_at_stands_beside_the_limit(shard):
    rows = decided(shard)
    found = {name: (value, limit) for name, value, limit in zip(rows.ids, rows.values, rows.thresholds, strict=True)}
    assert found["d-sparse"] == (pytest.approx(20.0**3 / 8), 500.0)
    assert found["e-close"] == (pytest.approx(0.6, abs=1e-4), 0.7)
    assert found["f-long"] == (10.0, 8.0)


@pytest.mark.parametrize(
    ("name", "limit", "own_value", "reason"),
    [
        ("f-long", "positions", 10, "too_many_positions"),
        ("f-long", "sites", 10, "too_many_sites"),
        ("h-other", "volume_per_site", 4.6**3 / 8, "too_sparse"),
    ],
)
def test_a_limit_is_fewer_than_and_not_at_most(shard, name, limit, own_value, reason):
    """A row that lies exactly at a limit is dropped; just above its own value, the limit lets it pass."""
    exact = shard.crystals.volumes_per_atom[shard.ids.tolist().index(name)] if limit == "volume_per_site" else own_value
    assert exact == pytest.approx(own_value)
    wide = {"positions": None, "sites": None, "volume_per_site": None, "distance": None}
    assert reasons(decided(shard, **wide | {limit: exact}))[name] == reason
    above = exact + 1 if limit != "volume_per_site" else np.nextafter(exact, np.inf)
    assert reasons(decided(shard, **wide | {limit: above}))[name] == "clean"


def test_a_distance_at_the_limit_is_kept(shard):
    wide = {"positions": None, "sites": None, "volume_per_site": None}
    (own,) = minimum_distances(shard.crystals.take([shard.ids.tolist().index("e-close")]))
    assert reasons(decided(shard, **wide, distance=own))["e-close"] == "clean"
    assert reasons(decided(shard, **wide, distance=np.nextafter(own, np.inf)))["e-close"] == "atoms_too_close"


def test_the_lowest_of_a_label_is_kept(shard):
    energies = np.zeros(len(shard))
    energies[:2] = [-1.0, -1.25]
    rows = decided(shard, energies)
    assert reasons(rows)["a-twin"] == "same_label_as b-sound"
    assert reasons(rows)["b-sound"] == "clean"
    assert rows.values[0] == pytest.approx(0.25)


def test_labels_of_mirror_images_are_one_label():
    sites = [[0.4697, 0, 2 / 3], [0.4133, 0.2672, 0.7856]]
    right = Structure.from_spacegroup(154, Lattice.hexagonal(4.91, 5.4), ["Si", "O"], sites)
    left = Structure(Lattice(right.lattice.matrix * [1, 1, -1]), right.species, right.frac_coords)
    cells = Crystals.from_structures([right, left])
    labels = protostructures(cells)
    pair = Candidates.from_rows(
        ids=["a", "b"], formulas=cells.reduced_formulas(), crystals=cells, protostructures=labels, origins=["", ""]
    )
    assert reasons(decided(pair)) == {"a": "clean", "b": "same_label_as a"}
    assert reasons(decided(pair, known=[labels[1]])) == {"a": "known_crystal", "b": "known_crystal"}


def test_a_missing_energy_is_higher_than_all_others(shard):
    energies = np.full(len(shard), np.nan)
    energies[1] = 5.0
    assert reasons(decided(shard, energies))["b-sound"] == "clean"


def test_an_unsound_row_displaces_nobody(shard):
    """The lowest of a label is looked for among the rows that passed all other filters."""
    energies = np.zeros(len(shard))
    energies[1] = -9.0
    crushed = shard.crystals.with_volumes_per_atom(
        np.where(np.arange(len(shard)) == 1, 0.1, shard.crystals.volumes_per_atom)
    )
    rows = decided(replace(shard, crystals=crushed), energies)
    assert reasons(rows)["b-sound"] == "atoms_too_close"
    assert reasons(rows)["a-twin"] == "clean"


def test_the_funnel_follows_from_the_decisions(shard):
    steps = funnel_steps([decided(shard)])
    assert [step.name for step in steps] == list(FILTERS)
    assert [step.dropped for step in steps] == [1, 1, 0, 1, 1, 1, 1, 0]
    assert steps[0].entered == len(shard)
    assert all(one.left == other.entered for one, other in pairwise(steps))
    assert steps[-1].left == 2


def test_shards_are_cleaned_together(shard):
    whole = decided(shard)
    parts = [shard.take([0, 2, 4, 6]), shard.take([1, 3, 5, 7])]
    apart = clean(parts, settings=CleaningSettings(positions=8), known=["AB_cF8_225_a_b:Cl-Na"])
    assert reasons(whole) == {name: why for rows in apart for name, why in reasons(rows).items()}
    assert [step.dropped for step in funnel_steps(apart)] == [step.dropped for step in funnel_steps([whole])]


def test_filters_can_be_switched_off(shard):
    none = {"positions": None, "sites": None, "volume_per_site": None, "distance": None, "one_per_label": False}
    rows = decided(shard, known=(), **none, one_per_crystal=False)
    assert rows.ids[~rows.keep].tolist() == ["g-broken"]


def test_where_labels_may_be_shared_crystals_may_not(shard):
    rows = decided(shard, known=(), one_per_label=False)
    assert reasons(rows)["b-sound"] == "same_crystal_as a-twin"
    parts = [shard.take(np.flatnonzero(shard.ids == "a-twin")), shard.take(np.flatnonzero(shard.ids == "b-sound"))]
    settings = CleaningSettings(one_per_label=False)
    energies = [np.asarray([-3.0]), np.asarray([-3.5])]
    first, second = clean(parts, settings=settings, energies=energies)
    assert (reasons(first)["a-twin"], reasons(second)["b-sound"]) == ("same_crystal_as b-sound", "clean")
    assert first.values.tolist() == [0.5]


def test_labels_alone_can_be_cleaned(shard):
    rows = decided(replace(shard, crystals=None))
    assert reasons(rows)["d-sparse"] == "clean"
    assert reasons(rows)["b-sound"] == "same_label_as a-twin"


def test_labels_are_determined_where_there_are_none(shard):
    forgotten = shard.protostructures.copy()
    forgotten[[1, 3]] = ""
    assert labeled(replace(shard, protostructures=forgotten)).protostructures.tolist() == shard.protostructures.tolist()


def test_primitive_sizes_are_those_of_primitive_cells():
    crystals = mp_crystals()
    labels = protostructures(crystals)
    np.testing.assert_array_equal(primitive_sizes(labels)[:, 1], space_groups(crystals, tolerance=0.1).primitive_sites)
    assert primitive_sizes(["", "A_cI58_217_ac2g:Mn"]).tolist() == [[0, 0], [4, 29]]


def test_relaxed_arsenides():
    """Two in five of the hypothetical crystals relax to a label that another one has."""
    rows = pnictides()
    shard = Candidates.from_rows(
        ids=rows.ids,
        formulas=rows.formulas,
        crystals=rows.relaxed,
        protostructures=np.full(len(rows), ""),
        origins=np.full(len(rows), ""),
    )
    shard = labeled(shard)
    (found,) = clean([shard], settings=CleaningSettings(), energies=[rows.energies])
    left = {step.name: step.left for step in funnel_steps([found])}
    assert left["no_representation"] == len(rows)
    assert 0.3 < 1 - left["same_label_as"] / left["known_crystal"] < 0.6
    sound = found.keep | np.char.startswith(found.reasons, "same_label_as")
    labels = of_either_hand(shard.protostructures)
    for label in set(labels[sound].tolist()):
        same = labels == label
        assert rows.energies[same & found.keep].tolist() == [rows.energies[same & sound].min()]


def test_other_decisions_are_no_funnel(shard):
    with pytest.raises(TableError, match="'two_sigma' say nothing about cleaning"):
        funnel_steps([replace(decided(shard), rule="two_sigma")])


def test_energies_of_other_rows_are_refused(shard):
    with pytest.raises(TableError, match="every row of every shard"):
        decided(shard, [0.0])


def test_unknown_limits_are_refused():
    with pytest.raises(ValidationError, match="extra"):
        CleaningSettings(volume=3)


def test_neutrality_is_a_flag(shard):
    pytest.importorskip("smact")
    assert charges_balance(np.asarray(["NaCl", "Na2Cl", "TiN"])).tolist() == [True, False, True]
    rows = decided(shard, neutrality=True)
    assert rows.keep.tolist() == decided(shard).keep.tolist()
    assert set(rows.reasons[rows.keep].tolist()) == {"charges_balance"}


def test_smact_is_an_extra(shard, monkeypatch):
    monkeypatch.setitem(sys.modules, "smact.screening", None)
    with pytest.raises(MissingExtraError, match=r"aiida-mlhull\[screening\]"):
        decided(shard, neutrality=True)
