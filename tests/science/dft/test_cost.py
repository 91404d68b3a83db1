"""Work shared out among lanes, and what it costs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.dft.cost import core_minutes, cores_of, deal, efforts

COSTS = st.lists(st.floats(min_value=0.1, max_value=1e3), min_size=1, max_size=60)


@given(costs=COSTS, lanes=st.integers(min_value=1, max_value=9))
def test_everybody_is_dealt_once_and_no_lane_is_longer_than_need_be(costs, lanes) -> None:
    shares = deal(np.asarray(costs), lanes=lanes)
    assert sorted(np.concatenate(shares).tolist()) == list(range(len(costs)))
    assert len(shares) == min(lanes, len(costs))
    assert all(len(share) and (np.diff(share) > 0).all() for share in shares)
    longest = max(sum(costs[row] for row in share) for share in shares)
    # Graham 1969: 4/3 - 1/(3m) of the best schedule, which is not shorter than its mean and its longest piece.
    ranked = sorted(costs, reverse=True)
    bound = max(sum(costs) / lanes, ranked[0], ranked[lanes - 1] + ranked[lanes] if len(costs) > lanes else 0.0)
    assert longest <= (4 / 3) * bound * (1 + 1e-9) + (ranked[lanes] if len(costs) > lanes else 0.0)


def test_one_long_and_many_short_ones_end_together() -> None:
    shares = deal(np.asarray([1.0, 1, 1, 3, 1, 1, 1]), lanes=3)
    assert [share.tolist() for share in shares] == [[3], [0, 2, 5], [1, 4, 6]]


def test_larger_cells_count_more_than_their_size() -> None:
    small, large = efforts(np.asarray([4, 8]))
    assert 2**2 < large / small < 2**3


@pytest.mark.parametrize(
    ("resources", "cores"),
    [
        ({}, 1),
        ({"num_machines": 2, "num_mpiprocs_per_machine": 32}, 64),
        ({"num_machines": 1, "num_mpiprocs_per_machine": 8, "num_cores_per_mpiproc": 4}, 32),
        ({"parallel_env": "mpi", "tot_num_mpiprocs": 24}, 24),
    ],
)
def test_cores_that_were_asked_for(resources, cores) -> None:
    assert cores_of(resources) == cores
    assert core_minutes(90.0, resources) == pytest.approx(1.5 * cores)
