"""Labels, ids, generators and merging, beside pymatgen's labels and volumes in the same run.

    python -m benchmarks.candidates --json [--sample N]

Rates are rows per CPU second of one thread. ``candidates_per_second`` is substitution end to end: drawn, built,
scaled by data-mined lattice scaling, labeled, told apart from all before, checked for atoms that meet.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Callable
from itertools import chain, islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
from pymatgen.analysis.prototypes import get_protostructure_label_from_spglib
from pymatgen.analysis.structure_prediction.volume_predictor import DLSVolumePredictor
from pymatgen.core import Structure

from aiida_mlhull.science.cleaning.duplicates import first_of_kind
from aiida_mlhull.science.cleaning.merge import merge
from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.decoration import decorate
from aiida_mlhull.science.generators.exchange import Exchange, exchanged
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.generators.substitution import Substitution, SubstitutionSettings
from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.representations.identity import crystal_ids
from aiida_mlhull.science.representations.volumes import dls_volumes, tabulated_volumes
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.representations.wyckoff_positions.cells import cell_for
from aiida_mlhull.science.representations.wyckoff_positions.enumeration import count_representations, representations
from aiida_mlhull.science.types import Candidates, Crystals, Labels
from aiida_mlhull.science.types.tables import Strings
from benchmarks.crystals import read_crystals

SYSTEM = ("Ti", "Zn", "N")
PEER_SHARE = 10
"""The peer labels one crystal in so many."""

DRAWS = 8
"""Of the substitution, per crystal."""

FORMULA, MAX_SITES, MAX_POSITIONS = "ZnTiN2", 16, 6
"""What is enumerated; of the listing so many at most."""
MOST_LISTED = 20_000
CELLS = 60
"""Labels that get a cell."""

ELEMENTS = np.arange(3, 84)
"""Atomic numbers that rows with duplicates are made of."""
NOISY = 0.02


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


def measure_substitution(crystals: Crystals, labels: Strings) -> dict[str, Any]:
    """Substitution with the crystals as parents, and volumes beside pymatgen's predictor."""
    parents = Parents.from_rows(
        ids=[f"{index:06d}" for index in range(len(crystals))],
        formulas=crystals.reduced_formulas(),
        crystals=crystals,
        protostructures=labels,
        above_hull=np.zeros(len(crystals)),
        source="excerpt of MP-20",
    )
    generator = Substitution(SubstitutionSettings(draws=DRAWS))
    next(generator.shards(GeneratorInput(crystals=parents), size=10))
    shards, seconds = timed(lambda: list(generator.shards(GeneratorInput(crystals=parents))))
    made = sum(len(shard.candidates) for shard in shards)
    _, volume_seconds = timed(lambda: dls_volumes(crystals))
    scaled = crystals.with_volumes_per_atom(tabulated_volumes().per_atom(crystals))
    structures = [scaled.structure(index) for index in range(0, len(crystals), PEER_SHARE)]
    predictor = DLSVolumePredictor()  # type: ignore[no-untyped-call]
    _, peer_seconds = timed(lambda: [predictor.predict(structure) for structure in structures])
    return {
        "draws": sum(shard.drawn for shard in shards),
        "candidates": made,
        "candidates_per_second": round(made / seconds),
        "volumes_per_second": round(len(crystals) / volume_seconds),
        "peer_volumes_per_second": round(len(structures) / peer_seconds),
    }


def measure_enumeration(labels: Strings) -> dict[str, Any]:
    """Wyckoff space of one formula, counted and listed; cells for labels of real crystals."""
    composition = reduce_formula(FORMULA)
    limits = {"max_sites": MAX_SITES, "max_positions": MAX_POSITIONS}
    total, count_seconds = timed(
        lambda: sum(count_representations(group, composition, **limits) for group in range(1, 231))
    )
    stream = chain.from_iterable(representations(group, composition, **limits) for group in range(1, 231))
    listed, list_seconds = timed(lambda: sum(1 for _ in islice(stream, MOST_LISTED)))
    wanted = np.unique(labels[labels != ""])[:: max(1, len(labels) // CELLS)][:CELLS].tolist()

    def build() -> int:
        built = 0
        for label in wanted:
            try:
                cell_for(label)
            except CrystalError:
                continue
            built += 1
        return built

    built, cell_seconds = timed(build)
    return {
        "representations": total,
        "count_seconds": round(count_seconds, 3),
        "enumerated_per_second": round(listed / list_seconds),
        "cells_per_second": round(built / cell_seconds),
        "cells_built_share": round(built / len(wanted), 3),
    }


def twice(crystals: Crystals, total: int, *, seed: int = 0) -> Candidates:
    """So many labeled rows, half of them other descriptions of the other half.

    Crystals get elements at random, as generators give them. The copies have another origin and another volume, and
    one in fifty has atoms that are moved by some hundredths of an Å.
    """
    rng = np.random.default_rng(seed)
    parents = np.arange(total // 2) % len(crystals)
    exchanges = []
    for parent in parents.tolist():
        own = tuple(sorted(crystals.element_counts(parent)))
        exchanges.append(Exchange(parent, own, tuple(rng.permutation(ELEMENTS)[: len(own)].tolist())))
    once = exchanged(crystals, exchanges)
    shifts = np.repeat(rng.uniform(0, 1, (len(once), 3)), once.n_sites, axis=0)
    noisy = np.repeat(rng.random(len(once)) < NOISY, once.n_sites)[:, None]
    moved = once.frac_coords + shifts + noisy * rng.normal(0, 0.005, shifts.shape)
    again = Crystals(once.lattices * rng.uniform(0.95, 1.05, (len(once), 1, 1)), once.offsets, once.numbers, moved)
    labels = protostructures(once)
    return Candidates.from_rows(
        ids=[f"{index:06d}" for index in range(2 * len(once))],
        formulas=once.reduced_formulas() * 2,
        crystals=Crystals.concatenate([once, again]),
        protostructures=np.concatenate([labels, labels]),
        origins=np.full(2 * len(once), ""),
    )


def measure_duplicates(crystals: Crystals, total: int) -> dict[str, Any]:
    """Crystals told apart, scaled up to 1e5 rows where there are fewer."""
    rows = twice(crystals, total)
    first, seconds = timed(lambda: first_of_kind(rows))
    return {
        "deduplicated_rows": len(rows),
        "duplicates_found": int((first != np.arange(len(rows))).sum()),
        "deduplicate_seconds_1e5": round(seconds * 100_000 / len(rows), 1),
    }


def write_files(crystals: Crystals, total: int, folder: Path) -> list[Path]:
    """A parquet, a csv and an extxyz file of so many rows with cells and a formula, as people have them."""
    rows = np.arange(total) % len(crystals)
    symbols = element_table().symbols
    cells = [crystals.structure(row) for row in range(len(crystals))]
    columns = {
        "lattice": [cell.lattice.matrix.ravel().tolist() for cell in cells],
        "species": [[str(symbols[z]) for z in cell.atomic_numbers] for cell in cells],
        "frac_coords": [cell.frac_coords.ravel().tolist() for cell in cells],
        "formula": crystals.reduced_formulas(),
    }
    ids = [f"row-{row:06d}" for row in range(total)]
    table = pa.table({"id": ids, **{name: [values[row] for row in rows.tolist()] for name, values in columns.items()}})
    parquet, text, frames = folder / "rows.parquet", folder / "rows.csv", folder / "rows.xyz"
    pq.write_table(table, parquet)
    lists = {name: pa.array([json.dumps(one) for one in table[name].to_pylist()]) for name in list(columns)[:3]}
    pa_csv.write_csv(pa.table({"id": table["id"], "formula": table["formula"], **lists}), text)
    written = [_frame(cell) for cell in cells]
    frames.write_text("".join(written[row] for row in rows.tolist()), encoding="utf-8")
    return [parquet, text, frames]


def _frame(cell: Structure) -> str:
    """A crystal as a frame of extxyz."""
    lattice = " ".join(f"{number:.8f}" for number in cell.lattice.matrix.ravel())
    sites = "".join(f"{site.specie.symbol} {' '.join(f'{x:.8f}' for x in site.coords)}\n" for site in cell)
    return f'{len(cell)}\nLattice="{lattice}" Properties=species:S:1:pos:R:3 pbc="T T T"\n{sites}'


def measure_reading(crystals: Crystals, total: int) -> dict[str, Any]:
    """Files of other people, read and checked; rows per CPU second."""
    rates = {}
    with tempfile.TemporaryDirectory() as folder:
        for path in write_files(crystals, total, Path(folder)):
            read, seconds = timed(lambda path=path: read_candidates(path))
            rates[f"read_{path.suffix[1:]}_per_second"] = round(len(read.candidates) / seconds)
    return {"read_rows": total, **rates}


def measure(sample: int, total: int) -> dict[str, Any]:
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
        **measure_substitution(crystals, labels),
        **measure_enumeration(labels),
        "decorated": sum(shards),
        "decorated_per_second": round(sum(shards) / decorate_seconds),
        "merged_rows_per_second": round(len(results) / merge_seconds),
        **measure_duplicates(crystals, total),
        **measure_reading(crystals, total),
        "merged_share": round(float((~decisions.keep).mean()), 3),
        "peak_rss_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=600, help="number of crystals")
    parser.add_argument(
        "--rows", type=int, default=20_000, help="rows to read, and to find duplicates in; seconds are scaled up"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.sample, arguments.rows)
    print(json.dumps(result) if arguments.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
