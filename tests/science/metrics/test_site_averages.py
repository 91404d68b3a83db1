"""Element-by-site averages by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.metrics.site_averages import site_averages


def test_by_hand():
    """Two perovskites: CaTiO3 and SrTiO3, contributions in eV."""
    averages = site_averages(
        np.asarray([-1.0, -2.0, -3.0, -3.0, -3.0, -1.5, -1.0, -4.0, -4.0, -4.0]),
        np.asarray([20, 22, 8, 8, 8, 38, 22, 8, 8, 8]),
        ["A", "B", "X", "X", "X"] * 2,
    )
    assert averages.elements.tolist() == [8, 20, 22, 38]
    assert averages.kinds == ("A", "B", "X")
    nan = np.nan
    np.testing.assert_allclose(averages.means, [[nan, nan, -3.5], [-1, nan, nan], [nan, -1.5, nan], [-1.5, nan, nan]])
    assert averages.counts.tolist() == [[0, 0, 6], [1, 0, 0], [0, 2, 0], [1, 0, 0]]


def test_columns_that_do_not_fit_are_refused():
    with pytest.raises(TableError, match="2 contributions, 1 elements"):
        site_averages(np.zeros(2), np.asarray([1]), ["A", "A"])
