"""Unexplored regions, by hand and by exhaustive search."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.maps.territory import OCCUPIED, OUTSIDE, explore, largest_rectangle


def ring():
    """Points in every cell of a 4 x 4 grid over 0 to 4, but in the four in the middle and in the upper left corner."""
    cells = [(i, j) for i in range(4) for j in range(4) if not (i in (1, 2) and j in (1, 2)) and (i, j) != (0, 3)]
    x, y = (np.asarray(axis) + 0.5 for axis in zip(*cells, strict=True))
    return np.append(x, [0.0, 4.0]), np.append(y, [0.0, 4.0])


def test_the_hole_and_the_corner():
    found = explore(*ring(), bins=4)
    assert found.counts.sum() == 13
    hole, corner = found.regions
    assert (hole.share, hole.enclosed, hole.x, hole.y) == (0.25, True, (1.0, 3.0), (1.0, 3.0))
    assert (corner.share, corner.enclosed, corner.x, corner.y) == (0.0625, False, (0.0, 1.0), (3.0, 4.0))


def test_who_falls_there():
    found = explore(*ring(), bins=4)
    where = found.where(np.asarray([2.0, 0.5, 0.5, 9.0, np.nan]), np.asarray([2.0, 3.5, 0.5, 1.0, 1.0]))
    assert where.tolist() == [0, 1, OCCUPIED, OUTSIDE, OUTSIDE]


def test_small_gaps_are_not_worth_mentioning():
    assert len(explore(*ring(), bins=4, smallest=0.1).regions) == 1


def test_cells_that_only_touch_at_a_corner_are_two_regions():
    x, y = np.meshgrid([0.5, 1.5], [0.5, 1.5])
    keep = [0, 3]
    found = explore(np.append(x.ravel()[keep], [0, 2]), np.append(y.ravel()[keep], [0, 2]), bins=2)
    assert [region.share for region in found.regions] == [0.25, 0.25]


def test_rows_at_the_upper_border_are_inside():
    x = np.asarray([0.0, 1.0, 2.0])
    found = explore(x, x, bins=2)
    assert found.counts.tolist() == [[1, 0], [0, 2]]
    assert found.where(x, x).tolist() == [OCCUPIED] * 3


@given(arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 5))))
def test_the_rectangle_is_the_largest_there_is(cells):
    if not cells.any():
        return
    (left, right), (low, high) = largest_rectangle(cells)
    assert cells[left:right, low:high].all()
    best = max(
        (b - a) * (d - c)
        for a in range(cells.shape[0])
        for b in range(a + 1, cells.shape[0] + 1)
        for c in range(cells.shape[1])
        for d in range(c + 1, cells.shape[1] + 1)
        if cells[a:b, c:d].all()
    )
    assert (right - left) * (high - low) == best


@given(arrays(float, st.tuples(st.integers(3, 30), st.just(2)), elements=st.floats(-5, 5)))
def test_no_row_lies_where_nobody_has_been(points):
    if np.ptp(points[:, 0]) < 1e-3 or np.ptp(points[:, 1]) < 1e-3:
        return
    found = explore(points[:, 0], points[:, 1], bins=5)
    assert found.counts.sum() == len(points)
    assert (found.where(points[:, 0], points[:, 1]) == OCCUPIED).all()


def test_rows_that_do_not_differ_make_no_map():
    with pytest.raises(TableError, match="2 rows"):
        explore(np.asarray([1.0, 2.0, np.nan]), np.asarray([1.0, 2.0, 3.0]))
    with pytest.raises(TableError, match="differ in both"):
        explore(np.ones(5), np.arange(5.0))
