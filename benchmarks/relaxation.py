"""Relaxing many hypothetical crystals with CHGNet, beside the chgnet package's own optimizer in the same run.

    python -m benchmarks.relaxation --json [--sample N] [--peer-sample N] [--max-force F]

Both start from the same unrelaxed pnictides (shipped with the package) at predicted volumes and stop at the
same force or after 100 steps. Costs are CPU seconds of one thread. The peer is chgnet's ``StructOptimizer``
as it comes (ASE's FIRE on a ``FrechetCellFilter``), one crystal at a time; space groups are not
kept on purpose there, so that rounding sends some of its crystals into lower minima.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import time
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import torch
from chgnet.model.dynamics import StructOptimizer

from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.relaxation.base import RelaxationSettings
from aiida_mlhull.science.relaxation.chgnet.potential import CHGNetRelaxer
from aiida_mlhull.science.representations.volumes import dls_volumes
from aiida_mlhull.science.types import Candidates, Crystals, Labels

STEPS = 100
SAME = 0.005
"""eV/atom."""


def unrelaxed(sample: int) -> tuple[Candidates, Crystals]:
    """Every so many of the shipped hypothetical pnictides, at predicted volumes."""
    path = Path(str(files("aiida_mlhull"))) / "demo_data" / "hypothetical_pnictides.parquet"
    candidates = read_candidates(path, bad_rows="leave_out").candidates
    chosen = candidates.take(np.linspace(0, len(candidates) - 1, min(sample, len(candidates))).astype(np.int64))
    assert chosen.crystals is not None
    return chosen, chosen.crystals.with_volumes_per_atom(dls_volumes(chosen.crystals))


def ours(candidates: Candidates, crystals: Crystals, max_force: float) -> tuple[Labels, float]:
    """Results, and CPU seconds without loading the network."""
    relaxer = CHGNetRelaxer(RelaxationSettings(max_force=max_force, max_steps=STEPS))
    relaxer.relax(candidates.ids[:1], candidates.formulas[:1], crystals.take([0]), stage="warm-up")
    started = time.process_time()
    labels = relaxer.relax(candidates.ids, candidates.formulas, crystals, stage="potential")
    return labels, time.process_time() - started


def peer(crystals: Crystals, max_force: float) -> tuple[np.ndarray[Any, np.dtype[np.float64]], float]:
    """Energies in eV/atom, and CPU seconds without loading the network."""
    energies = []
    with contextlib.redirect_stdout(io.StringIO()):
        optimizer = StructOptimizer(use_device="cpu")
        optimizer.relax(crystals.structure(0), fmax=max_force, steps=1, verbose=False)
        started = time.process_time()
        for index in range(len(crystals)):
            structure = crystals.structure(index)
            answer = optimizer.relax(structure, fmax=max_force, steps=STEPS, verbose=False, assign_magmoms=False)
            trajectory: Any = answer["trajectory"]
            energies.append(float(trajectory.energies[-1]) / len(structure))
    return np.asarray(energies), time.process_time() - started


def measure(sample: int, peer_sample: int, max_force: float) -> dict[str, Any]:
    """All numbers."""
    torch.set_num_threads(1)
    candidates, crystals = unrelaxed(sample)
    labels, seconds = ours(candidates, crystals, max_force)
    some = np.linspace(0, len(crystals) - 1, min(peer_sample, len(crystals))).astype(np.int64)
    energies, peer_seconds = peer(crystals.take(some), max_force)
    differences = labels.energies[some] - energies
    differences = differences[np.isfinite(differences)]
    cost, peer_cost = seconds / len(crystals), peer_seconds / len(some)
    return {
        "crystals": len(crystals),
        "mean_sites": round(float(crystals.n_sites.mean()), 1),
        "max_force": max_force,
        "max_steps": STEPS,
        "core_seconds_per_crystal": round(cost, 4),
        "failed": int((~labels.succeeded).sum()),
        "peer": "chgnet StructOptimizer",
        "peer_crystals": len(some),
        "peer_core_seconds_per_crystal": round(peer_cost, 4),
        "ratio": round(peer_cost / cost, 1),
        "same_within_5_mev": round(float((np.abs(differences) <= SAME).mean()), 3),
        "lower_by_5_mev": round(float((differences < -SAME).mean()), 3),
        "higher_by_5_mev": round(float((differences > SAME).mean()), 3),
        "median_difference_mev": round(1e3 * float(np.median(differences)), 3),
    }


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=200, help="crystals that we relax")
    parser.add_argument("--peer-sample", type=int, default=30, help="crystals of these that the peer relaxes")
    parser.add_argument("--max-force", type=float, default=0.05, help="eV/Å")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    result = measure(arguments.sample, arguments.peer_sample, arguments.max_force)
    print(json.dumps(result) if arguments.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
