"""Substitution counts by hand, and what real crystals teach."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import InputError, TableError
from aiida_mlhull.science.generators.mining import mine_substitutions
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Substitutions
from tests.science.real_crystals import mp_crystals, pnictides

SALTS = ["AB_cF8_225_a_b:N-Ti", "AB_cF8_225_a_b:N-Zr", "AB_cF8_225_a_b:Mg-O"]
FLUORITES = ["AB2_cF12_225_a_c:Ca-F", "AB2_cF12_225_a_c:Ba-F", "A2B_cF12_225_c_a:Li-O"]


def count(table, old, new):
    return int(table.counts[table.elements.index(old), table.elements.index(new)])


def probability(table, old, new):
    return float(table.probabilities[table.elements.index(old), table.elements.index(new)])


def test_pairs_of_rock_salts_by_hand():
    """TiN, ZrN, MgO: three unordered pairs; cations meet cations, anions anions, whatever the alphabet says."""
    table = mine_substitutions(SALTS)
    assert table.elements == ("N", "O", "Mg", "Ti", "Zr")
    assert {count(table, "Ti", "Zr"), count(table, "Ti", "Mg"), count(table, "Zr", "Mg")} == {1}
    assert count(table, "N", "N") == 2  # TiN with ZrN, and ZrN with TiN: an element that keeps its place
    assert count(table, "N", "O") == count(table, "O", "N") == 2
    assert count(table, "Ti", "Ti") == count(table, "Ti", "N") == count(table, "O", "O") == 0
    assert probability(table, "N", "O") == pytest.approx(0.5)
    assert probability(table, "Ti", "Zr") == pytest.approx(0.5)
    assert (table.n_crystals, table.n_kinds) == (3, 1)


def test_classes_of_different_size_never_meet():
    """In fluorites lithium stands where fluorine stood, on eight sites, and oxygen where calcium stood."""
    table = mine_substitutions(FLUORITES)
    assert count(table, "F", "Li") == 2
    assert count(table, "Ca", "O") == count(table, "Ba", "O") == count(table, "Ca", "Ba") == 1
    assert count(table, "F", "O") == count(table, "Ca", "Li") == 0
    assert count(table, "F", "F") == 2


def test_kinds_add_up_and_copies_do_not_count():
    both = mine_substitutions([*SALTS, *FLUORITES])
    again = mine_substitutions([*SALTS, *FLUORITES, *SALTS, "", ""])
    apart = [mine_substitutions(labels) for labels in (SALTS, FLUORITES)]
    assert both.counts.sum() == sum(table.counts.sum() for table in apart) == 2 * (3 + 3) * 2
    assert again.elements == both.elements
    assert (again.counts == both.counts).all()


def test_smoothing_lets_everything_replace_everything():
    table = mine_substitutions(SALTS, smoothing=0.5, elements=["Hf"])
    assert "Hf" in table.elements
    assert (table.probabilities > 0).all()
    np.testing.assert_allclose(table.probabilities.sum(axis=1), 1.0)
    assert probability(table, "Ti", "Zr") == pytest.approx(1.5 / (2 + 6 * 0.5))
    assert table.unseen == ("Hf",)


def test_an_element_that_was_never_seen_keeps_its_place():
    table = mine_substitutions([*SALTS, "A_cI2_229_a:W"])
    assert table.unseen == ("W",)
    assert probability(table, "W", "W") == 1.0


def test_order_of_crystals_does_not_matter():
    labels = protostructures(mp_crystals())
    forth, back = mine_substitutions(labels), mine_substitutions(labels[::-1])
    assert forth.elements == back.elements
    assert (forth.counts == back.counts).all()


def test_real_arsenides_teach_that_arsenic_stays():
    """All compounds are arsenides of Be, Cd, Rb: in crystals of one kind arsenic stands where arsenic stood."""
    table = mine_substitutions(protostructures(pnictides().relaxed))
    assert set(table.elements) == {"As", "Be", "Cd", "Rb"}
    assert max(["As", "Be", "Cd", "Rb"], key=lambda symbol: probability(table, "As", symbol)) == "As"
    np.testing.assert_allclose(table.probabilities.sum(axis=1), 1.0)


def test_nothing_to_learn_from():
    with pytest.raises(InputError, match="no two of 2 different representations are of one kind"):
        mine_substitutions([SALTS[0], FLUORITES[0]])
    assert mine_substitutions([SALTS[0], FLUORITES[0]], smoothing=1.0).n_kinds == 0


@pytest.mark.parametrize(
    ("counts", "smoothing"),
    [([[0, 1], [2, 0]], 0.0), ([[-1, 0], [0, 0]], 0.0), ([[1, 0], [0, 1]], -1.0), ([[1]], 0.0)],
)
def test_what_is_no_table(counts, smoothing):
    with pytest.raises(TableError):
        Substitutions(
            elements=("N", "Ti"), counts=np.asarray(counts), smoothing=smoothing, n_crystals=1, n_kinds=1, source=""
        )
