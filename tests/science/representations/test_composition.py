"""Formulas: reading, reducing, comparing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pymatgen.core import Composition as PymatgenComposition

from aiida_mlhull.science.errors import FormulaError
from aiida_mlhull.science.representations.composition import (
    NUMBERS,
    SYMBOLS,
    chemical_system,
    distinct,
    elements_of,
    fraction_matrix,
    reduce_formula,
)


@pytest.mark.parametrize(
    ("formula", "counts"),
    [
        ("Ba4As16", {"Ba": 1, "As": 4}),
        ("NaN", {"Na": 1, "N": 1}),
        ("Ca(OH)2", {"Ca": 1, "O": 2, "H": 2}),
        ("Mg0.5O0.5", {"Mg": 1, "O": 1}),
        ("Li0.333Co1O1.998", {"Li": 333, "Co": 1000, "O": 1998}),
        ("HOH", {"H": 2, "O": 1}),
        ("Ti 2 N 2", {"Ti": 1, "N": 1}),
        ("TiN1e", None),
        ("Ti1.0N1.0", {"Ti": 1, "N": 1}),
        ("Fe0.0O1", {"O": 1}),
        ("D2O", {"H": 2, "O": 1}),
        ("HDO", {"H": 2, "O": 1}),
        ("Li0.5T0.5", {"H": 1, "Li": 1}),
    ],
)
def test_reads_formulas(formula, counts):
    if counts is None:
        with pytest.raises(FormulaError):
            reduce_formula(formula)
        return
    composition = reduce_formula(formula)
    assert dict(zip(composition.symbols, composition.counts, strict=True)) == counts


@pytest.mark.parametrize("formula", ["", "nan", "Xx2O", "2", "Ti-N", "Ti0", "Jo2"])
def test_refuses_what_is_no_formula(formula):
    with pytest.raises(FormulaError, match="formula"):
        reduce_formula(formula)


@given(
    st.dictionaries(st.sampled_from(SYMBOLS[:103]), st.integers(1, 30), min_size=1, max_size=6),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_scaling_and_order_change_nothing(counts, factor, random):
    items = list(counts.items())
    random.shuffle(items)
    formula = "".join(f"{symbol}{count * factor}" for symbol, count in items)
    composition = reduce_formula(formula)
    parsed = PymatgenComposition(formula)
    assert composition == reduce_formula(parsed.reduced_formula)
    assert composition.chemical_system == parsed.chemical_system
    assert np.gcd.reduce(composition.counts) == 1
    assert composition.numbers == tuple(sorted(NUMBERS[symbol] for symbol in counts))
    assert composition.mask.bit_count() == len(counts)


def test_residues_stay_out_of_the_chemical_system():
    assert chemical_system("Ti1N0.999999999999O0.000000001") == "N-Ti"


def test_polymorphs_meet_in_one_composition():
    compositions, which = distinct(["TiN", "Zn3N2", "N4Ti4", "Zn6N4", "N"])
    assert [c.formula for c in compositions] == ["NTi", "N2Zn3", "N"]
    assert which.tolist() == [0, 1, 0, 1, 2]


def test_fraction_matrix():
    assert elements_of(["TiN", "Zn3N2"]) == ("N", "Ti", "Zn")
    matrix = fraction_matrix(["TiN", "Zn3N2"], ["Zn", "N", "Ti"])
    np.testing.assert_allclose(matrix, [[0, 0.5, 0.5], [0.6, 0.4, 0]], atol=1e-16)
    with pytest.raises(FormulaError, match="Zn"):
        fraction_matrix(["TiN", "Zn3N2"], ["N", "Ti"])
