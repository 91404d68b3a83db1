"""The hull: 1e5 candidates in 1e4 real chemical systems, beside pymatgen's phase diagrams in the same run.

    python -m benchmarks.hull --json [--data FOLDER] [--sample N]

FOLDER holds ``composition/mp85k_eform_edecomp.parquet`` (Materials Project ground states, Bartel 2020);
without it, ``$MLHULL_DATA`` and then a folder ``shared/data`` beside the project are looked at. Where
there is none, references of the same number and kind are made up, and the output says so.

Times are CPU seconds of one thread, so that a busy machine distorts the ratio less. Both sides start
from formulas that have been read and end with the energy above the hull of every candidate. On our side
``seconds`` count finding the competitors of each system and solving; ``seconds_with_index`` also sorting
the references by chemical system, which a set of references needs once. pymatgen is handed the
competitors of each system.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.hull import LiveHull, distances, stable_chances
from aiida_mlhull.science.hull.index import GroundStates
from aiida_mlhull.science.hull.points import hull_points
from aiida_mlhull.science.representations.composition import SYMBOLS, distinct, elements_of, reduce_formula
from aiida_mlhull.science.types import Predictions, References
from benchmarks.places import find

TABLE = "composition/mp85k_eform_edecomp.parquet"
SYSTEMS, EACH = 10_000, 10
MADE_UP = 80_000
UPDATES = 300
TERNARY, SAMPLES = 224, 1000


@dataclass(frozen=True)
class Case:
    """References, and candidates in real chemical systems."""

    references: References
    systems: list[tuple[str, ...]]
    formulas: list[str]
    energies: np.ndarray
    source: str


def ground_states(folder: Path | None, rng: np.random.Generator) -> tuple[list[str], np.ndarray, str]:
    """Formulas and formation energies (eV/atom) of 7e4 to 8e4 compounds."""
    path = find(TABLE, folder)
    if path is not None:
        table = pq.read_table(path, columns=["formula", "e_form_ev_per_atom"])
        return table["formula"].to_pylist(), table["e_form_ev_per_atom"].to_numpy(), "Materials Project (Bartel 2020)"
    formulas: set[str] = set()
    while len(formulas) < MADE_UP:
        chosen = rng.choice(84, size=rng.choice([2, 3, 4, 5], p=[0.2, 0.45, 0.25, 0.1]), replace=False)
        formulas.add("".join(f"{SYMBOLS[z]}{rng.integers(1, 9)}" for z in chosen))
    names = sorted(formulas)
    return names, rng.normal(-1.0, 0.8, len(names)), "made up"


def make_case(folder: Path | None, rng: np.random.Generator) -> Case:
    """Random compositions in randomly chosen chemical systems of the references."""
    formulas, energies, source = ground_states(folder, rng)
    elements = elements_of(formulas)
    names = [*elements, *formulas]
    references = References.from_rows(
        ids=[f"ref-{i:06d}" for i in range(len(names))],
        formulas=names,
        energies=np.concatenate([np.zeros(len(elements)), energies]),
    )
    present = sorted({reduce_formula(formula).symbols for formula in formulas} - {(e,) for e in elements})
    systems = [present[i] for i in rng.choice(len(present), size=SYSTEMS, replace=False)]
    candidates = [
        "".join(f"{symbol}{count}" for symbol, count in zip(system, rng.integers(1, 9, len(system)), strict=True))
        for system in systems
        for _ in range(EACH)
    ]
    return Case(references, systems, candidates, rng.uniform(-3.0, 0.0, len(candidates)), source)


def time_peer(case: Case, e_above_hull: np.ndarray, *, sample: int, rng: np.random.Generator) -> tuple[float, float]:
    """Seconds that pymatgen's diagrams would take for all systems, and the largest difference in eV/atom."""
    by_system: dict[frozenset[str], list[PDEntry]] = {}
    for formula, energy in zip(case.references.formulas.tolist(), case.references.energies.tolist(), strict=True):
        composition = Composition(formula)
        entry = PDEntry(composition, energy * composition.num_atoms)
        by_system.setdefault(frozenset(reduce_formula(formula).symbols), []).append(entry)
    seconds, difference = 0.0, 0.0
    for number in rng.choice(len(case.systems), size=sample, replace=False):
        inside = set(case.systems[number])
        entries = [entry for system, found in by_system.items() if system <= inside for entry in found]
        rows = range(number * EACH, (number + 1) * EACH)
        ours = [PDEntry(c := Composition(case.formulas[i]), case.energies[i] * c.num_atoms) for i in rows]
        start = time.process_time()
        diagram = PhaseDiagram(entries)
        theirs = [diagram.get_e_above_hull(entry, allow_negative=True) for entry in ours]
        seconds += time.process_time() - start
        difference = max(difference, float(np.abs(np.asarray(theirs) - e_above_hull[list(rows)]).max()))
    return seconds * len(case.systems) / sample, difference


def time_updates(case: Case, rng: np.random.Generator) -> dict[str, float]:
    """Milliseconds to take in one new entry 0.15 eV/atom below a known one, mean over many."""
    live = LiveHull(case.formulas, case.references)
    live.add(["warm-up"], ["TiN"], [9.0])
    live.withdraw(["warm-up"])
    picks = rng.choice(len(case.references), size=UPDATES, replace=False)
    touched = 0
    start = time.process_time()
    for number, row in enumerate(picks):
        energy = float(case.references.energies[row]) - 0.15
        touched += len(live.add([f"new-{number}"], [str(case.references.formulas[row])], [energy]))
    spent = time.process_time() - start
    return {"update_ms": 1e3 * spent / UPDATES, "update_rows_touched": touched / UPDATES}


def time_chances(rng: np.random.Generator) -> float:
    """Seconds for P(stable) of 224 ternary candidates from 1,000 sampled hulls."""
    elements = ["N", "Ti", "Zn"]
    formulas: set[str] = set()
    while len(formulas) < TERNARY + 60:
        counts = rng.integers(0, 9, 3)
        if (counts > 0).sum() > 1:
            formulas.add("".join(f"{e}{n}" for e, n in zip(elements, counts, strict=True) if n))
    names = sorted(formulas)
    known = names[TERNARY:]
    references = References.from_rows(
        ids=[*elements, *known],
        formulas=[*elements, *known],
        energies=np.append(np.zeros(3), rng.normal(-0.3, 0.2, 60)),
    )
    means = distances(names[:TERNARY], np.zeros(TERNARY), references).hull_energy + rng.normal(0.05, 0.1, TERNARY)
    predictions = Predictions.from_rows(
        ids=[f"c-{i:03d}" for i in range(TERNARY)],
        formulas=names[:TERNARY],
        members=means[:, None] + rng.normal(0, 0.04, (TERNARY, 5)),
        member_aleatoric=np.full((TERNARY, 5), 0.06),
    )
    stable_chances(predictions, references, samples=2)
    start = time.process_time()
    stable_chances(predictions, references, samples=SAMPLES)
    return time.process_time() - start


def cpu_seconds(function: Callable[[], object], *, repeat: int = 3) -> float:
    """The shortest of several runs."""
    times = []
    for _ in range(repeat):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


def run(folder: Path | None, *, sample: int, seed: int) -> dict[str, Any]:
    """All measurements."""
    rng = np.random.default_rng(seed)
    case = make_case(folder, rng)
    distances(case.formulas[:50], case.energies[:50], case.references)  # compiles
    reading = cpu_seconds(lambda: distinct(case.formulas), repeat=1)
    targets, which = distinct(case.formulas)
    ground = GroundStates(case.references.formulas, case.references.energies)
    solving = cpu_seconds(lambda: case.energies - hull_points(ground, targets).energies[which])
    whole = cpu_seconds(lambda: distances(case.formulas, case.energies, case.references))
    found = distances(case.formulas, case.energies, case.references)
    peer, difference = time_peer(case, found.e_above_hull, sample=sample, rng=rng)
    ten = "".join(
        f"{symbol}{n}" for n, symbol in enumerate(["Li", "O", "P", "Fe", "Mn", "Na", "Si", "Al", "F", "S"], 1)
    )
    return {
        "candidates": len(case.formulas),
        "systems": len(case.systems),
        "references": len(case.references),
        "references_from": case.source,
        "seconds": solving,
        "seconds_with_index": whole,
        "seconds_reading_formulas": reading,
        "peer": "pymatgen PhaseDiagram per system",
        "peer_seconds": peer,
        "peer_sample_systems": sample,
        "ratio": peer / solving,
        "ratio_with_index": peer / whole,
        "max_abs_diff": difference,
        "duality_gap": float(found.gap.max()),
        **time_updates(case, rng),
        "p_stable_seconds": time_chances(rng),
        "ten_elements_gap": float(distances([ten], np.zeros(1), case.references).gap[0]),
    }


def main() -> None:
    """Print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true", help="one JSON object instead of lines")
    parser.add_argument("--data", type=Path, help="folder with the published table")
    parser.add_argument("--sample", type=int, default=150, help="systems that the peer is timed on")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    result = run(options.data, sample=options.sample, seed=options.seed)
    print(json.dumps(result) if options.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
