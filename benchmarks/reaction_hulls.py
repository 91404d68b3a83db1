"""Slices of the hull between two compounds, beside pymatgen's critical compositions in the same run.

    python -m benchmarks.reaction_hulls --json [--data FOLDER] [--sample N]

FOLDER holds ``composition/mp85k_eform_edecomp.parquet`` (Materials Project ground states, Bartel 2020);
without it, ``$MLHULL_DATA`` and then a folder ``shared/data`` beside the project are looked at. Times are CPU
seconds of one thread. ``us_per_slice`` is the compiled walk over the stable phases of the two compounds'
elements; pymatgen is handed a finished phase diagram of the same phases, whose making is not counted.
``pairs`` enumerates and scores all pairs of stable phases that hold Ba, Ti and O, in 18 elements.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.hull.phase_space import PhaseSpace, phase_space
from aiida_mlhull.science.hull.reactions.selectivity import selectivity
from aiida_mlhull.science.hull.reactions.slices import ROOM, cut
from aiida_mlhull.science.hull.reactions.walk import walk_many
from aiida_mlhull.science.representations.composition import elements_of
from aiida_mlhull.science.types import References
from benchmarks.places import find

TABLE = "composition/mp85k_eform_edecomp.parquet"
SYSTEMS = ("Ba Ti O C Na", "Li Fe P O F Na", "Na Al Si Ca O H K", "Ba Ti O C Cl Na K S")
WIDE = "Ba Ti O C Cl F Br S N H Li Na K Mg Ca Al Si B"
REPEATED = 1000


def read(path: Path) -> References:
    """The ground states, elements at zero."""
    table = pq.read_table(path, columns=["formula", "e_form_ev_per_atom"])
    formulas = table["formula"].to_pylist()
    elements = elements_of(formulas)
    return References.from_rows(
        ids=[*elements, *(f"mp85k-{i:05d}" for i in range(len(formulas)))],
        formulas=[*elements, *formulas],
        energies=np.concatenate([np.zeros(len(elements)), table["e_form_ev_per_atom"].to_numpy()]),
    )


def diagram_of(space: PhaseSpace) -> PhaseDiagram:
    """The same phases as pymatgen's diagram."""
    rows = zip(space.formulas.tolist(), space.energies.tolist(), strict=True)
    return PhaseDiagram([PDEntry(Composition(f), e * Composition(f).num_atoms) for f, e in rows])


def walk_time(space: PhaseSpace, pairs: np.ndarray) -> float:
    """CPU seconds of the compiled walk for each of the pairs, over all phases of the space."""
    starts, ends = space.fractions[pairs[:, 0]], space.fractions[pairs[:, 1]]
    m, k = len(pairs), len(space.elements)
    out = [np.zeros(m, np.int64), np.zeros(m), *np.zeros((2, m, ROOM))]
    out += [np.zeros((m, ROOM, k), np.int64), np.zeros((m, ROOM, k))]
    columns = np.ascontiguousarray(space.fractions.T)
    began = time.process_time()
    walk_many(columns, space.energies, starts, ends - starts, *out)
    if not (out[0] > 1).all():
        raise RuntimeError("a slice was not certified")
    return (time.process_time() - began) / m


def compare(known: References, name: str, *, sample: int, rng: np.random.Generator) -> dict[str, Any]:
    """One chemical system: pairs of stable phases that together hold all of its elements where there are such."""
    space = phase_space(known, name.split())
    space = space.take(space.stable())
    every = np.asarray(list(combinations(range(len(space)), 2)))
    kinds = np.bitwise_count(space.masks[every[:, 0]] | space.masks[every[:, 1]])
    widest = every[kinds >= min(kinds.max(), 5)]
    diagram = diagram_of(space)
    pairs = widest[rng.choice(len(widest), size=min(sample, len(widest)), replace=False)]
    began = time.process_time()
    kinks = [
        len(diagram.get_critical_compositions(*(Composition(f) for f in space.formulas[pair].tolist())))
        for pair in pairs
    ]
    peer = (time.process_time() - began) / len(pairs)
    same = sum(len(cut(space, a, b)) == n for (a, b), n in zip(pairs.tolist(), kinks, strict=True))
    many = widest[rng.choice(len(widest), size=REPEATED)]
    ours = {}
    elements = space.masks[many[:, 0]] | space.masks[many[:, 1]]
    for mask in np.unique(elements).tolist():
        chosen = many[elements == mask]
        symbols = [s for i, s in enumerate(space.elements) if mask >> i & 1]
        inside = phase_space(known, symbols)
        inside = inside.take(inside.stable())
        rows = np.asarray([[inside.row(str(space.ids[i])) for i in pair] for pair in chosen])
        walk_time(inside, rows[:1])
        ours[mask] = (walk_time(inside, rows), len(rows))
    mean = sum(seconds * n for seconds, n in ours.values()) / sum(n for _, n in ours.values())
    return {
        "system": "-".join(space.elements),
        "stable_phases": len(space),
        "us_per_slice": round(1e6 * mean, 1),
        "us_per_slice_whole_system": round(1e6 * walk_time(space, many), 1),
        "pymatgen_us_per_slice": round(1e6 * peer, 0),
        "ratio": round(peer / mean, 0),
        "same_number_of_kinks": f"{same} of {len(pairs)}",
    }


def wide(known: References) -> dict[str, Any]:
    """BaTiO3 in 18 elements."""
    began = time.process_time()
    space = phase_space(known, WIDE.split())
    target = space.row("BaTiO3")
    stable = space.stable()
    pairs = np.asarray(list(combinations(stable[stable != target], 2)))
    holds = (space.masks[target] & ~(space.masks[pairs[:, 0]] | space.masks[pairs[:, 1]])) == 0
    scores = selectivity(space, target, pairs[holds])
    asked = [("BaCl2", "Na2TiO3"), ("BaBr2", "Na2TiO3"), ("BaO", "TiO2"), ("BaO2", "TiO2")]
    named = selectivity(space, target, np.asarray([[space.row(name) for name in pair] for pair in asked]))
    return {
        "phases": len(space),
        "stable": len(stable),
        "pairs": int(holds.sum()),
        "formed": int(scores.formed.sum()),
        "cpu_seconds": round(time.process_time() - began, 1),
        "C1_mev_per_atom": {
            " + ".join(pair): round(1000 * float(value), 1) for pair, value in zip(asked, named.primary, strict=True)
        },
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object (always done)")
    parser.add_argument("--data", type=Path, help="folder with the table")
    parser.add_argument("--sample", type=int, default=40, help="slices a system that pymatgen has to cut")
    arguments = parser.parse_args()
    path = find(TABLE, arguments.data)
    if path is None:
        raise SystemExit(f"no {TABLE}: name its folder with --data")
    known = read(path)
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pymatgen's remarks on noble gases
        systems = [compare(known, name, sample=arguments.sample, rng=rng) for name in SYSTEMS]
    wide(known)  # compiles
    print(json.dumps({"slices": systems, "pairs": wide(known)}, indent=2))


if __name__ == "__main__":
    main()
