"""Which crystals go on as one, by cases that can be told by hand and by real ones."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.cleaning.merge import audit, merge
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types import Crystals, Labels
from tests.science.real_crystals import disguised, pnictides


@cache
def rutile(u, *, ratio=0.64, side=4.6):
    titanium = [[0, 0, 0], [0.5, 0.5, 0.5]]
    oxygen = [[u, u, 0], [-u, -u, 0], [0.5 - u, 0.5 + u, 0.5], [0.5 + u, 0.5 - u, 0.5]]
    return Structure(Lattice.tetragonal(side, side * ratio), ["Ti"] * 2 + ["O"] * 4, titanium + oxygen)


@cache
def rock_salt(side):
    sites = [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    return Structure(Lattice.cubic(side), ["Ti"] * 4 + ["N"] * 4, sites + [[x + 0.5, y, z] for x, y, z in sites])


def results(rows, *, stage="cheap"):
    """Labels from (id, structure, energy); an energy of None is a failed row."""
    ids, structures, energies = zip(*rows, strict=True)
    return Labels.from_rows(
        ids=list(ids),
        formulas=[structure.composition.reduced_formula for structure in structures],
        energies=np.array([np.nan if energy is None else energy for energy in energies]),
        crystals=Crystals.from_structures(structures),
        failures=np.array(["unphysical_cell" if energy is None else "" for energy in energies]),
        core_minutes=np.ones(len(rows)),
        stage=stage,
        engine="e",
        scheme="x",
    )


def outcome(decisions):
    return dict(zip(decisions.ids.tolist(), decisions.reasons.tolist(), strict=True))


def test_lowest_of_a_kind_stays_and_the_others_name_it():
    rows = [("b", rutile(0.305), -9.3900), ("a", rutile(0.3051), -9.3893), ("c", rutile(0.33), -9.3899)]
    decisions = merge(results(rows), audit_fraction=0)
    assert outcome(decisions) == {"a": "same_as b", "b": "representative", "c": "unique"}
    assert decisions.keep.tolist() == [False, True, True]
    assert decisions.values[0] == pytest.approx(0.0007)
    assert decisions.thresholds[0] == pytest.approx(0.002)
    assert decisions.margins[0] == pytest.approx(0.0007 - 0.002)
    assert (decisions.rule, decisions.stage) == ("merge", "cheap")


def test_ties_go_to_the_first_id():
    decisions = merge(results([("b", rutile(0.3), -9.0), ("a", rutile(0.3), -9.0)]), audit_fraction=0)
    assert outcome(decisions) == {"a": "representative", "b": "same_as a"}


@pytest.mark.parametrize(
    "other",
    [rutile(0.32), rutile(0.305, ratio=0.66), rutile(0.305, side=4.7), rock_salt(4.24)],
    ids=["coordinate", "shape", "volume", "formula"],
)
def test_other_cells_are_other_crystals(other):
    decisions = merge(results([("a", rutile(0.305), -9.0), ("b", other, -9.0)]), audit_fraction=0)
    assert decisions.keep.all()


def test_mirror_images_are_one_crystal():
    sites = [[0.4697, 0, 2 / 3], [0.4133, 0.2672, 0.7856]]
    right = Structure.from_spacegroup(154, Lattice.hexagonal(4.91, 5.4), ["Si", "O"], sites)
    left = Structure(Lattice(right.lattice.matrix * [1, 1, -1]), right.species, right.frac_coords)
    rows = results([("left", left, -2.0), ("right", right, -2.0)])
    assert outcome(merge(rows, audit_fraction=0.0)) == {"left": "representative", "right": "same_as left"}


def test_energies_must_agree():
    rows = [("a", rock_salt(4.24), -9.0), ("b", rock_salt(4.24), -8.997)]
    assert merge(results(rows), audit_fraction=0).keep.all()
    assert outcome(merge(results(rows), audit_fraction=0, energy_tolerance=0.005))["b"] == "same_as a"


def test_no_chains_of_small_differences():
    """c is near b but not near a, which b goes with: c stands for itself."""
    rows = [("a", rock_salt(4.24), -9.0), ("b", rock_salt(4.24), -8.9985), ("c", rock_salt(4.24), -8.997)]
    assert outcome(merge(results(rows), audit_fraction=0)) == {"a": "representative", "b": "same_as a", "c": "unique"}


def test_failed_rows_get_no_decision():
    rows = [("a", rock_salt(4.24), -9.0), ("b", rock_salt(4.24), None)]
    assert merge(results(rows)).ids.tolist() == ["a"]
    assert len(merge(results([("b", rock_salt(4.24), None)]))) == 0


def test_origin_can_be_asked_for():
    table = results([("a", rutile(0.3), -9.0), ("b", rutile(0.3), -9.0), ("c", rutile(0.3), -9.0)])
    came_from = np.array(["one", "other", "one"])
    assert outcome(merge(table, audit_fraction=0, came_from=came_from)) == {
        "a": "representative",
        "b": "unique",
        "c": "same_as a",
    }


@pytest.fixture(scope="module")
def doubled():
    """Relaxed pnictides, and each of them again in other words."""
    rows = pnictides().take(np.arange(0, len(pnictides()), 4))
    n = len(rows)
    return Labels.from_rows(
        ids=np.concatenate([rows.ids, np.char.add(rows.ids, "~twin")]),
        formulas=np.concatenate([rows.formulas, rows.formulas]),
        energies=np.concatenate([rows.energies, rows.energies + 1e-5]),
        crystals=Crystals.concatenate([rows.relaxed, disguised(rows.relaxed, 11)]),
        failures=np.full(2 * n, ""),
        core_minutes=np.zeros(2 * n),
        stage="s",
        engine="e",
        scheme="x",
    )


def test_twins_are_found(doubled):
    decided = outcome(merge(doubled, audit_fraction=0))
    twins = [name for name in decided if name.endswith("~twin")]
    merged = [name for name in twins if decided[name].startswith("same_as")]
    assert len(merged) >= 0.97 * len(twins)


def test_merged_real_crystals_have_the_same_energy(doubled):
    """On relaxed cells, without looking at the energies: published energies tell how often that is wrong."""
    decisions = merge(doubled, audit_fraction=0, energy_tolerance=10.0)
    dropped = decisions.take(~decisions.keep)
    assert np.median(dropped.values) < 1e-3
    assert (dropped.values > 0.005).mean() < 0.2


def test_order_does_not_matter(doubled):
    first = merge(doubled)
    again = merge(doubled.take(np.arange(len(doubled))))
    assert outcome(first) == outcome(again)
    labels = np.array([""] * len(doubled))
    assert merge(doubled, known_protostructures=labels).keep.all()  # without a label nothing is like anything


def test_audited_share_is_drawn_by_the_seed(doubled):
    plain = merge(doubled, audit_fraction=0)
    n_merged = int((~plain.keep).sum())
    audited = merge(doubled, audit_fraction=0.25, seed=5)
    drawn = [reason.startswith("audit_of") for reason in audited.reasons]
    assert sum(drawn) == int(np.ceil(0.25 * n_merged))
    assert audited.keep[drawn].all()
    assert outcome(audited) == outcome(merge(doubled, audit_fraction=0.25, seed=5))
    assert outcome(audited) != outcome(merge(doubled, audit_fraction=0.25, seed=6))
    assert {reason.split()[-1] for reason in audited.reasons[drawn]} <= set(audited.ids[audited.keep].tolist())


def test_audit_counts_what_the_next_stage_finds():
    rows = [(name, rock_salt(4.24), -9.0) for name in "abcd"]
    decisions = merge(results(rows), audit_fraction=1.0)
    assert outcome(decisions) == {"a": "representative", "b": "audit_of a", "c": "audit_of a", "d": "audit_of a"}
    dft = results(
        [
            ("a", rock_salt(4.24), -8.50),
            ("b", rock_salt(4.24), -8.502),
            ("c", rock_salt(4.24), -8.53),
            ("d", rock_salt(4.24), None),
        ],
        stage="expensive",
    )
    found = audit(decisions, dft)
    assert (found.n_audited, found.n_wrong, found.n_better) == (2, 1, 1)
    assert found.largest_loss == pytest.approx(0.03)


def test_audit_reads_decisions_about_merging_only():
    decisions = merge(results([("a", rock_salt(4.24), -9.0)]))
    with pytest.raises(TableError, match="two_sigma"):
        audit(type(decisions)(**{**vars(decisions), "rule": "two_sigma"}), results([("a", rock_salt(4.24), -9.0)]))
