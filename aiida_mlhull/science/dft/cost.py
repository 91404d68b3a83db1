"""Who works on what, and what it costs."""

from __future__ import annotations

import heapq
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.units import SECONDS_PER_MINUTE

EXPONENT: Final = 2.5
"""Between the quadratic and the cubic part of VASP's effort in the number of atoms."""


def efforts(n_sites: Integers) -> Floats:
    """(n,) relative cost of relaxing cells of these sizes."""
    return np.asarray(n_sites, dtype=np.float64) ** EXPONENT


def deal(costs: Floats, *, lanes: int) -> list[Integers]:
    """Share rows out so that all lanes are busy for about as long: the dearest first, each to the idlest lane.

    No lane ends later than 4/3 of the best possible (Graham, SIAM J. Appl. Math. 17 (1969) 416).

    Args:
        costs: (n,) of every row.
        lanes: that work side by side.

    Returns:
        Row numbers of every lane that got some, ascending.
    """
    busy = [(0.0, lane) for lane in range(min(lanes, len(costs)))]
    dealt: list[list[int]] = [[] for _ in busy]
    for row in np.argsort(-np.asarray(costs), kind="stable").tolist():
        load, lane = heapq.heappop(busy)
        dealt[lane].append(row)
        heapq.heappush(busy, (load + float(costs[row]), lane))
    return [np.sort(np.asarray(rows, dtype=np.int64)) for rows in dealt]


def cores_of(resources: Mapping[str, Any]) -> int:
    """Cores that a scheduler was asked for."""
    ranks = resources.get("tot_num_mpiprocs") or (
        int(resources.get("num_machines") or 1) * int(resources.get("num_mpiprocs_per_machine") or 1)
    )
    return int(ranks) * int(resources.get("num_cores_per_mpiproc") or 1)


def core_minutes(seconds: float, resources: Mapping[str, Any]) -> float:
    """Cost of a job that ran for so long."""
    return seconds * cores_of(resources) / SECONDS_PER_MINUTE
