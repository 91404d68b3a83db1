"""From a generator to nodes in AiiDA: substitution, shard by shard, and no node per candidate.

    python -m benchmarks.pipeline --json [--candidates N]

Runs in an AiiDA profile of its own that is deleted at the end. Memory is the peak of the whole process; what
it was after the first shard tells how much of it grows with the number of candidates.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.generators.substitution import Substitution, SubstitutionSettings
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Candidates
from benchmarks.crystals import read_crystals

if TYPE_CHECKING:
    from aiida_mlhull.data import CandidatesData

DRAWS = 400
"""Of every one of 600 parents; the stream is cut off when there are enough candidates."""


def peak_mib() -> int:
    """Most memory that this process has had, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


def parents() -> Parents:
    """The crystals of the excerpt."""
    crystals = read_crystals(None).crystals
    return Parents.from_rows(
        ids=[f"{index:06d}" for index in range(len(crystals))],
        formulas=crystals.reduced_formulas(),
        crystals=crystals,
        protostructures=protostructures(crystals),
        above_hull=np.zeros(len(crystals)),
        source="excerpt of MP-20",
    )


def stream(total: int) -> Iterator[Candidates]:
    """So many candidates, as the generator gives them."""
    left = total
    generator = Substitution(SubstitutionSettings(draws=DRAWS, smoothing=1.0))
    for shard in generator.shards(GeneratorInput(crystals=parents())):
        yield shard.candidates.take(range(min(left, len(shard.candidates))))
        left -= min(left, len(shard.candidates))
        if not left:
            return


def measure(total: int) -> dict[str, Any]:
    """Store ``total`` candidates in the loaded profile."""
    from aiida_mlhull.data.shards import store_shards  # noqa: PLC0415  (AiiDA looks where its folder is on import)

    memory: list[int] = []
    begun, used = time.perf_counter(), time.process_time()

    def told(node: CandidatesData) -> None:
        memory.append(peak_mib())
        print(f"{node.n_rows} rows after {time.perf_counter() - begun:.0f} s, {memory[-1]} MiB", file=sys.stderr)

    nodes = store_shards(stream(total), group="benchmark", progress=told)
    seconds, cpu = time.perf_counter() - begun, time.process_time() - used
    return {
        "candidates": sum(node.n_rows for node in nodes),
        "nodes": len(nodes),
        "seconds": round(seconds, 1),
        "cpu_seconds": round(cpu, 1),
        "candidates_per_second": round(total / seconds),
        "rss_after_first_shard_mib": memory[0],
        "peak_rss_mib": memory[-1],
    }


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candidates", type=int, default=100_000, help="how many")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AIIDA_PATH"] = folder
        from aiida_mlhull.launching import profile  # noqa: PLC0415

        profile.make(Path(folder) / profile.FOLDER)
        result = measure(arguments.candidates)
    print(json.dumps(result) if arguments.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
