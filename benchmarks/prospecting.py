"""Prospecting as Goodall's thesis did it, scored by what was found later.

    python -m benchmarks.prospecting --before 2001 --draws 60 --members 3 --epochs 30 --json

Crystals are the Materials Project's of MPTS-52 that are at hand, 5,000 rows with the year of their discovery: a part of
all that was known, so that a candidate without a year may be known all the same. What was found before
the year is mined, drawn from and learned from; what was found later is the truth. Energies are formation energies:
elements lie at zero. The hull is that of the rows at hand, not the Materials Project's.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.generators.substitution import SubstitutionSettings
from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.prospecting import ProspectSettings, prospect, retrospect
from aiida_mlhull.science.representations.composition import NUMBERS, elements_of
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Crystals, References
from aiida_mlhull.science.types.crystals import Floats, Integers
from benchmarks.places import find

TABLE: Final = "materials_project/mp52.parquet"
SCHEME: Final = "formation energies of the Materials Project"


def read(path: Path, *, rows: int | None) -> tuple[Parents, Floats, Integers]:
    """Crystals with labels, their formation energies (eV/atom) and years, sorted by id."""
    table = pq.read_table(path).to_pandas().sort_values("material_id").iloc[:: 1 if rows is None else 5000 // rows]
    numbers = [[NUMBERS[symbol] for symbol in sites] for sites in table["species"]]
    crystals = Crystals.from_lists(table["lattice"], numbers, table["frac_coords"])
    known = Parents(
        ids=table["material_id"].to_numpy(dtype=np.str_),
        formulas=np.asarray(crystals.reduced_formulas(), dtype=np.str_),
        crystals=crystals,
        protostructures=protostructures(crystals),
        above_hull=np.full(len(table), np.nan),
        source=path.name,
    )
    return known, table["formation_energy_per_atom"].to_numpy(dtype=np.float64), table["year"].to_numpy(dtype=np.int64)


def with_elements(known: Parents, energies: Floats) -> References:
    """What was known, and the elements at zero."""
    symbols = list(elements_of(known.formulas.tolist()))
    return References.from_rows(
        ids=[*known.ids.tolist(), *(f"element {symbol}" for symbol in symbols)],
        formulas=[*known.formulas.tolist(), *symbols],
        energies=[*energies.tolist(), *(0.0 for _ in symbols)],
        scheme=SCHEME,
    )


def run(arguments: argparse.Namespace, path: Path) -> dict[str, Any]:
    """Prospect, and score."""
    started = time.perf_counter()

    def report(line: str) -> None:
        print(f"{time.perf_counter() - started:8.1f} s  {line}", file=sys.stderr, flush=True)

    crystals, energies, years = read(path, rows=arguments.rows)
    before = years < arguments.before
    known, later = crystals.take(before), crystals.take(~before)
    references = with_elements(known, energies[before])
    heights = distances(known.formulas, energies[before], references).e_above_hull
    known = Parents(**{**vars(known), "above_hull": heights})
    report(f"{len(known)} known before {arguments.before}, {len(later)} found later")
    own = {"max_epochs": arguments.epochs} if arguments.model in {"wren", "roost"} else {}
    settings = ProspectSettings(
        substitution=SubstitutionSettings(draws=arguments.draws, exclude=("noble_gases", "radioactive")),
        ensemble=EnsembleSettings(model=arguments.model, members=arguments.members, model_settings=own),
        seed=arguments.seed,
    )
    found = prospect(known, energies[before], references, settings, report=report)
    scores = retrospect(found, known, later, energies[~before], references)
    return {
        "known": len(known),
        "found_later": len(later),
        "before": arguments.before,
        "settings": settings.model_dump(mode="json"),
        "plan": found.plan,
        "left_out": found.left_out,
        "funnel": found.funnel,
        **asdict(scores),
        "seconds": round(time.perf_counter() - started, 1),
        "peak_memory_gb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6, 2),
    }


def main() -> None:
    """Print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help=f"folder that holds {TABLE}")
    parser.add_argument("--before", type=int, default=2001, help="year")
    parser.add_argument("--draws", type=int, default=10, help="per parent")
    parser.add_argument("--model", default="wren")
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--epochs", type=int, default=100)
    parser.add_argument("--rows", type=int, help="of the table, at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    path = find(TABLE, arguments.data)
    if path is None:
        parser.error(f"{TABLE} is not at hand: name its folder with --data")
    result = run(arguments, path)
    print(json.dumps(result, indent=None if arguments.json else 2, default=float))


if __name__ == "__main__":
    main()
