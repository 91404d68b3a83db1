"""72,261 phases placed on the hull at once, beside pymatgen's diagrams on a sample of the same phases.

    python -m benchmarks.phases --json [--data FOLDER] [--sample N]

FOLDER holds ``composition/mp85k_eform_edecomp.parquet`` (Materials Project ground states, Bartel 2020). Seconds are
CPU seconds of one thread, from reading the file to the whole table, under the circumstances of the command
``phases`` (Python's search for cycles is off); ``pymatgen_seconds`` is what its
PhaseDiagram, get_chempot_range_map and get_phase_separation_energy take for as many phases, from the sample. The
quantiles are those that 'underexplored' goes by, of these phases.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.cli.uncollected import uncollected
from aiida_mlhull.science.campaign.phase_table import phase_table
from aiida_mlhull.science.hull.placement import UNDEREXPLORED, PlacedPhases, place, quantiles
from aiida_mlhull.science.reading.lone_phases import elements_at_zero, read_phases
from benchmarks.places import find

TABLE = "composition/mp85k_eform_edecomp.parquet"
SAMPLE = 50
TERNARY = 3


def seconds_of(path: Path) -> tuple[PlacedPhases, dict[str, float]]:
    """The phases, and CPU seconds of every step."""
    marks = [time.process_time()]
    phases = read_phases(path, formation=True).references
    marks.append(time.process_time())
    placed = place(phases, elements_at_zero(phases))
    marks.append(time.process_time())
    phase_table(placed)
    marks.append(time.process_time())
    steps = dict(zip(("read", "place", "table"), np.diff(marks).tolist(), strict=True))
    return placed, {**steps, "seconds": sum(steps.values())}


def peer(placed: PlacedPhases, *, sample: int, seed: int) -> dict[str, float]:
    """Seconds a phase and largest differences over stable ternaries."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(np.flatnonzero(placed.stable & (placed.sizes == TERNARY)), size=sample, replace=False)
    by_system: dict[frozenset[str], list[PDEntry]] = {}
    for formula, energy in zip(placed.formulas.tolist(), placed.energies.tolist(), strict=True):
        composition = Composition(formula)
        entry = PDEntry(composition, energy * composition.num_atoms)
        by_system.setdefault(frozenset(map(str, composition.elements)), []).append(entry)
    seconds, window, separation = 0.0, 0.0, 0.0
    for row in rows.tolist():
        composition = Composition(str(placed.formulas[row]))
        inside = frozenset(map(str, composition.elements))
        entries = [entry for system, found in by_system.items() if system <= inside for entry in found]
        entries += [PDEntry(Composition(symbol), 0.0) for symbol in sorted(inside)]
        start = time.process_time()
        diagram = PhaseDiagram(entries)
        own = next(e for e in diagram.stable_entries if e.composition.reduced_formula == composition.reduced_formula)
        apart = diagram.get_phase_separation_energy(own)
        maps = [diagram.get_chempot_range_map([e for e in diagram.elements if e.symbol != out]) for out in inside]
        seconds += time.process_time() - start
        separation = max(separation, abs(apart - placed.phase_separation[row]))
        ranges: dict[str, list[float]] = {symbol: [] for symbol in inside}
        for out, found in zip(inside, maps, strict=True):
            axes = [element.symbol for element in diagram.elements if element.symbol != out]
            for entry, simplices in found.items():
                if entry.composition.reduced_formula == composition.reduced_formula:
                    for axis, symbol in enumerate(axes):
                        ranges[symbol] += [float(v) for one in simplices for v in one.coords[:, axis]]
        for symbol, (low, high) in placed.windows(row).items():
            window = max(window, abs(low - min(ranges[symbol])), abs(high - max(ranges[symbol])))
    each = seconds / sample
    return {"pymatgen_seconds": each * len(placed), "windows_differ": window, "separation_differs": separation}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true", help="print JSON (there is no other output)")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--sample", type=int, default=SAMPLE)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    path = find(TABLE, options.data)
    if path is None:
        raise SystemExit(f"{TABLE} is not there: name its folder with --data")
    with uncollected():
        seconds_of(path)  # compiles
        placed, steps = seconds_of(path)
    result: dict[str, Any] = {
        "phases": len(placed),
        "on_hull": int(placed.stable.sum()),
        "underexplored": int(placed.underexplored.sum()),
        **steps,
        "certificate": float(placed.gaps.max()),
        **peer(placed, sample=options.sample, seed=options.seed),
        "quantiles": quantiles(placed),
        "defaults": dict(UNDEREXPLORED),
    }
    result["ratio"] = result["pymatgen_seconds"] / result["seconds"]
    print(json.dumps(result))


if __name__ == "__main__":
    main()
