"""Neighbor search and crystal graphs, beside what the reference CGCNN and aviary call, in the same run.

    python -m benchmarks.graphs --json [--data MP20.parquet] [--sample N]

Rates are crystals per CPU second of one thread. The peers do less: they only list neighbors.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.core import Structure

from aiida_mlhull.science.representations.crystal_graph import crystal_graphs
from aiida_mlhull.science.representations.descriptors import describe
from aiida_mlhull.science.representations.neighbors import chunks, nearest_shells
from benchmarks.crystals import Measured, read_crystals

RADIUS = 8.0
PEER_SHARE = 10
"""The peers see one crystal in so many: they are slow, and their rate doesn't depend on the number."""


def rate(work: Callable[[], Any], crystals: int) -> float:
    """Crystals per CPU second."""
    started = time.process_time()
    work()
    return crystals / (time.process_time() - started)


def measure(measured: Measured) -> dict[str, Any]:
    """All numbers for these crystals."""
    crystals = measured.crystals
    n = len(crystals)
    graphs = crystal_graphs(crystals)
    structures = [crystals.structure(index) for index in range(0, n, PEER_SHARE)]

    def searched() -> None:
        for chunk in chunks(crystals):
            nearest_shells(chunk)

    def peer(method: Callable[[Structure], Any]) -> float:
        return rate(lambda: [method(structure) for structure in structures], len(structures))

    search, graph = rate(searched, n), rate(lambda: crystal_graphs(crystals), n)
    reference = peer(lambda structure: structure.get_all_neighbors(RADIUS))
    listed = peer(lambda structure: structure.get_neighbor_list(RADIUS))
    return {
        "data": measured.source,
        "crystals": n,
        "search_rate": round(search),
        "graph_rate": round(graph),
        "descriptor_rate": round(rate(lambda: describe(crystals), n)),
        "get_all_neighbors_rate": round(reference),
        "get_neighbor_list_rate": round(listed),
        "search_ratio": round(search / reference, 1),
        "graph_ratio": round(graph / reference, 1),
        "bytes_per_graph": round(graphs.nbytes / n),
        "atoms_per_node": round(float(crystals.n_sites.sum() / graphs.n_nodes.sum()), 2),
        "neighbors_per_edge": round(float(12 * crystals.n_sites.sum() / graphs.n_edges.sum()), 2),
    }


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--data",
        type=Path,
        help="parquet file with the columns of MP-20; default: MP-20 if it is found (see benchmarks.places), else an excerpt",
    )
    parser.add_argument("--sample", type=int, default=2000, help="number of crystals")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    everything = read_crystals(arguments.data)
    chosen = np.arange(min(arguments.sample, len(everything)))
    result = measure(Measured(everything.crystals.take(chosen), everything.energies[chosen], everything.source))
    print(json.dumps(result) if arguments.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
