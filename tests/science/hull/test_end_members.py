"""Elements that the references lack: refused, stated or marked."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import InputError, MissingEndMembersError, TableError
from aiida_mlhull.science.hull import check_end_members, distances, missing_end_members


@pytest.fixture
def known(references):
    return references({"Ti": -7.8, "O": -4.9, "TiO2": -8.9, "TiN": -9.5})


def test_lists_them_by_atomic_number(known):
    assert missing_end_members(["TiZnN", "TiO", "ZnO"], known) == ("N", "Zn")
    check_end_members(["TiO", "O", "Ti3O5"], known)
    with pytest.raises(MissingEndMembersError, match="hold no pure N, Zn"):
        check_end_members(["TiZnN", "TiO"], known)


def test_marked_rows_carry_the_reason(known):
    found = distances(["TiO2", "TiN", "TiO"], np.asarray([-8.8, -9.4, -8.0]), known, end_members="mark")
    assert found.reasons.tolist() == ["", "missing_end_members", ""]
    assert np.isnan(found.e_above_hull).tolist() == [False, True, False]
    assert found.e_above_hull[0] == pytest.approx(0.1)
    assert found.decomposition(2) == pytest.approx({"Ti": 0.25, "TiO2": 0.75})
    with pytest.raises(TableError, match="missing_end_members"):
        found.decomposition(1)


def test_stated_references_close_the_gap(known):
    found = distances(["TiN", "Ti2N"], np.asarray([-9.4, -9.0]), known, end_members={"N": -8.3})
    np.testing.assert_allclose(found.e_above_hull, [0.1, -9.0 + (9.5 * 2 + 7.8) / 3], atol=1e-14)
    below = distances(["TiN2"], np.asarray([-9.0]), known, end_members={"N": -8.3})
    assert below.decomposition(0) == pytest.approx({"TiN": 2 / 3, "stated:N": 1 / 3})


def test_a_statement_may_still_not_be_enough(known):
    with pytest.raises(MissingEndMembersError, match="pure Zn"):
        distances(["ZnN"], np.zeros(1), known, end_members={"N": -8.3})


@pytest.mark.parametrize(
    ("stated", "message"),
    [({"Ti": -7.0}, "Ti"), ({"N": float("nan")}, "infinite"), ({"TiN": -9.0}, "must be elements")],
)
def test_refuses_statements_that_make_no_sense(known, stated, message):
    with pytest.raises(InputError, match=message):
        distances(["TiO"], np.zeros(1), known, end_members=stated)
