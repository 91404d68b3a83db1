"""Universal potentials that ship their weights: how fast, and how far from DFT after correcting every element.

    python -m benchmarks.potentials --json [--potentials sevennet sevennet-l3i5 ...] [--sample 1000] [--stage-file FILE]

Every potential is asked for its energy at the cells that CHGNet relaxed the pnictides to (``--stage-file``; it is made where it
is missing). The correction is fitted to the sample's rows of half A of the chemical systems and tested on B, and the other way
round; halves as in :mod:`benchmarks.savings`. Rows whose DFT relaxation ended in another basin count as errors, too.
Errors are mean absolute ones in meV/atom of all rows, and of those within 100 meV/atom of the hull by number of elements; costs are
milliseconds of processor time a crystal, one thread, of the relaxation with CHGNet and of one energy with the others. CHGNet is
timed on the first 200 rows of the sample.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from aiida_mlhull.science.hull import distances, with_results
from aiida_mlhull.science.models.regressors.stage_correction import StageCorrection, element_fractions
from aiida_mlhull.science.relaxation import POTENTIALS
from aiida_mlhull.science.relaxation.base import RelaxationSettings
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.units import MEV_PER_EV
from benchmarks.savings import Data, half_of, read

SHIPPED: Final = ("sevennet", "sevennet-l3i5", "sevennet-mf-0")
NEAR: Final = 0.1
"""EV/atom above the hull of references and record."""
TIMED: Final = 200
ELEMENTS: Final = {"near_ternaries": 3, "near_binaries": 2}


def errors(data: Data, energies: Floats, near: Any, in_a: Any) -> dict[str, float]:
    """Mean absolute errors (meV/atom) after a correction that was fitted to the other half."""
    there = np.isfinite(energies) & data.record.succeeded
    fractions = element_fractions(data.stage.crystals)
    difference = data.record.energies - energies
    left = np.full(len(energies), np.nan)
    for half in (in_a, ~in_a):
        fitted = StageCorrection.fit(fractions[there & half], difference[there & half])
        left[~half] = np.abs(difference - fitted(fractions))[~half]
    elements = (fractions > 0).sum(axis=1)
    parts = {"all": there} | {name: there & near & (elements == n) for name, n in ELEMENTS.items()}
    return {name: round(float(left[rows].mean()) * MEV_PER_EV, 1) for name, rows in parts.items()} | {
        f"rows_{name}": int(rows.sum()) for name, rows in parts.items()
    }


def asked(name: str, data: Data) -> tuple[Floats, float]:
    """(n,) energies at the relaxed cells, and milliseconds a crystal."""
    potential = POTENTIALS[name](RelaxationSettings(freedom="static"))
    energies = np.full(len(data.stage), np.nan)
    began = time.process_time()
    for row in potential.stream(data.stage.crystals):
        energies[row.row] = row.energy
    return energies, (time.process_time() - began) / len(energies) * 1000


def relaxation(data: Data) -> float:
    """Milliseconds a crystal that CHGNet's relaxation takes."""
    crystals = data.candidates.crystals
    assert crystals is not None
    relaxer = POTENTIALS["chgnet"](RelaxationSettings())
    began = time.process_time()
    some = crystals.take(range(min(TIMED, len(crystals))))
    for _ in relaxer.stream(some):
        pass
    return (time.process_time() - began) / len(some) * 1000


def main() -> None:
    """Print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--potentials", nargs="+", default=list(SHIPPED))
    parser.add_argument("--sample", type=int, default=1000, help="rows, drawn by chance")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--stage-file", type=Path, default=Path("stage0.parquet"))
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    told = parser.parse_args()
    torch.set_num_threads(1)
    whole = read(told.stage_file, also=("sevennet",))
    height = distances(
        whole.record.formulas, whole.record.energies, with_results(whole.known, whole.record)
    ).e_above_hull
    ids = np.random.default_rng(told.seed).permutation(whole.candidates.ids[whole.stage.succeeded])[: told.sample]
    data = whole.take(ids)
    near = np.isin(data.record.ids, whole.record.ids[height <= NEAR])
    in_a = np.isin(data.record.ids, half_of(whole, "A").candidates.ids)
    result: dict[str, Any] = {
        "data": data.source,
        "rows": len(data.record),
        "seed": told.seed,
        "load": os.getloadavg()[0],
    }
    energies = {"chgnet": data.stage.energies}
    result["chgnet"] = errors(data, energies["chgnet"], near, in_a) | {"ms": round(relaxation(data), 1)}
    for name in told.potentials:
        energies[name], cost = asked(name, data)
        result[name] = errors(data, energies[name], near, in_a) | {"ms": round(cost, 1)}
        pair = np.mean([energies["chgnet"], energies[name]], axis=0)
        result[f"chgnet, {name}: mean"] = errors(data, pair, near, in_a)
        print(name, result[name], file=sys.stderr)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
