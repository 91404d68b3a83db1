"""Labels, ids, decorated prototypes and merging, beside pymatgen's labels by spglib in the same run.

    python -m benchmarks.candidates --json [--sample N]

Rates are rows per CPU second of one thread.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from pymatgen.analysis.prototypes import get_protostructure_label_from_spglib

from aiida_mlhull.science.candidates.merge import merge
from aiida_mlhull.science.candidates.prototypes import decorate
from aiida_mlhull.science.representations.identity import crystal_ids
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals, Labels
from benchmarks.crystals import read_crystals

SYSTEM = ("Ti", "Zn", "N")
PEER_SHARE = 10
"""The peer labels one crystal in so many."""


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What comes out, and CPU seconds."""
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def as_results(crystals: Crystals) -> Labels:
    """Every crystal twice, with an energy that depends on the crystal alone: half of them are to be merged."""
    n = len(crystals)
    energies = -np.arange(n) * 1e-4
    return Labels.from_rows(
        ids=[f"{index:06d}" for index in range(2 * n)],
        formulas=crystals.reduced_formulas() * 2,
        energies=np.concatenate([energies, energies]),
        crystals=Crystals.concatenate([crystals, crystals]),
        failures=np.full(2 * n, ""),
        core_minutes=np.zeros(2 * n),
        stage="benchmark",
        engine="none",
        scheme="none",
    )


def measure(sample: int) -> dict[str, Any]:
    """All numbers."""
    read = read_crystals(None)
    crystals = read.crystals.take(np.arange(min(sample, len(read))))
    n = len(crystals)
    protostructures(crystals.take([0]))
    labels, label_seconds = timed(lambda: protostructures(crystals))
    _, id_seconds = timed(lambda: crystal_ids(crystals, labels))
    structures = [crystals.structure(index) for index in range(0, n, PEER_SHARE)]
    _, peer_seconds = timed(lambda: [get_protostructure_label_from_spglib(structure) for structure in structures])
    next(decorate(SYSTEM, shard_size=10))
    shards, decorate_seconds = timed(lambda: [len(shard) for shard in decorate(SYSTEM)])
    results = as_results(crystals)
    decisions, merge_seconds = timed(lambda: merge(results, audit_fraction=0))
    peer_rate = len(structures) / peer_seconds
    return {
        "crystals": n,
        "labels_per_second": round(n / label_seconds),
        "peer": "get_protostructure_label_from_spglib",
        "peer_labels_per_second": round(peer_rate),
        "label_ratio": round(n / label_seconds / peer_rate, 1),
        "ids_per_second": round(n / id_seconds),
        "candidates": sum(shards),
        "candidates_per_second": round(sum(shards) / decorate_seconds),
        "merged_rows_per_second": round(len(results) / merge_seconds),
        "merged_share": round(float((~decisions.keep).mean()), 3),
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=600, help="number of crystals")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.sample)
    print(json.dumps(result) if arguments.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
