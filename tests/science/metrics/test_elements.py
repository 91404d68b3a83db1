"""Errors by element, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics import ElementError, errors_by_element


def test_a_row_counts_for_all_of_its_elements():
    found = errors_by_element(["NaCl", "Na2O", "MgO"], np.asarray([0.1, -0.3, 0.5]))
    assert [one.element for one in found] == ["O", "Na", "Mg", "Cl"]
    by_symbol = {one.element: one for one in found}
    assert by_symbol["Na"] == ElementError("Na", 2, pytest.approx(0.2), pytest.approx(-0.1))
    assert by_symbol["O"] == ElementError("O", 2, pytest.approx(0.4), pytest.approx(0.1))


def test_lengths_must_agree():
    with pytest.raises(TableError):
        errors_by_element(["NaCl"], np.zeros(2))
