"""What a universal potential is worth to a model: errors with and without its relaxed cells and energies.

    python -m benchmarks.delta --pairs hypothetical_pairs.parquet --stage STAGE.parquet [...] --json
        [--models element_correction trees_gp cgcnn wren roost] [--labels 60 200 500 1000] [--epochs 60]

``--pairs`` is the table of hypothetical pnictides (Pandey et al., Patterns 2 (2021) 100361); ``--stage`` what a
potential made of the unrelaxed cells: ``structure_id``, ``energy`` (eV/atom), ``lattice``, ``numbers``,
``frac_coords``. *Without* the potential a model reads unrelaxed cells, scaled to tabulated volumes, and learns the energy
above the linear fit to the training rows' compositions; *with* it, it reads the relaxed cells and learns what the
potential's energy is off by, that fit of the difference taken off first. ``trees_gp`` is told both cells.

Printed are, by number of labels and on 1,000 other rows, the MAE (eV/atom) of one member, and the share of rows that has
to be kept for 95 % of those within 25 meV/atom of the hull, in the order of predicted distances.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.parts.stage_correction import StageCorrection, element_fractions
from aiida_mlhull.science.models.parts.training import TrainingSettings
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.representations.volumes import tabulated_volumes
from aiida_mlhull.science.types import Crystals, ModelRows
from aiida_mlhull.science.types.crystals import Floats

TESTED, VALIDATED, NEAR, RECALL = 1000, 0.15, 0.025, 0.95


@dataclass(frozen=True, eq=False)
class Pairs:
    """n rows in random order.

    Attributes:
        unrelaxed: their cells before any stage, scaled.
        relaxed: what the potential made of them.
        stage: (n,) the potential's energies, eV/atom.
        energies: (n,) DFT, eV/atom.
        distances: (n,) above the hull, eV/atom.
    """

    unrelaxed: Crystals
    relaxed: Crystals
    stage: Floats
    energies: Floats
    distances: Floats


def read_pairs(pairs: Path, stages: list[Path], *, rows: int, seed: int) -> Pairs:
    """Clean rows that the potential could relax."""
    table = pd.read_parquet(pairs)
    stage = pd.concat([pd.read_parquet(file) for file in stages])
    both = table[table.clean_pair].merge(stage, on="structure_id")
    both = both[np.isfinite(both.energy)].sample(n=rows, random_state=seed)
    numbers = [[NUMBERS[symbol] for symbol in sites] for sites in both.species_unrelaxed]
    unrelaxed = Crystals.from_lists(both.lattice_unrelaxed, numbers, both.frac_coords_unrelaxed)
    return Pairs(
        unrelaxed=unrelaxed.with_volumes_per_atom(tabulated_volumes().per_atom(unrelaxed)),
        relaxed=Crystals.from_lists(both.lattice, [list(sites) for sites in both.numbers], both.frac_coords),
        stage=both.energy.to_numpy(dtype=np.float64),
        energies=both.energy_per_atom_ev.to_numpy(dtype=np.float64),
        distances=both.e_above_hull_ev_per_atom.to_numpy(dtype=np.float64),
    )


def asked(name: str, pairs: Pairs, *, labels: int, potential: bool, epochs: int, seed: int) -> Floats:
    """(n,) predicted energies of one member that learned from the first ``labels`` rows."""
    model = built(name, epochs=epochs)
    told = np.arange(labels)
    start = pairs.stage if potential else np.zeros(len(pairs.stage))
    fractions = element_fractions(pairs.unrelaxed)
    center = float(np.median((pairs.energies - start)[told]))
    linear = StageCorrection.fit(fractions[told], (pairs.energies - start)[told] - center)
    baselines = start + center + linear(fractions)
    rows = ModelRows(
        ids=np.asarray([f"{index:06d}" for index in range(len(start))]),
        formulas=np.full(len(start), "?"),
        crystals=pairs.relaxed if potential else pairs.unrelaxed,
        baselines=baselines,
    )
    if potential and name == "trees_gp":
        rows = replace(rows, stage_energies=baselines, unrelaxed=pairs.unrelaxed)
    held = max(4, round(VALIDATED * labels))
    weights = model.fit(
        inputs := model.represent(rows),
        pairs.energies - baselines,
        train=told[held:],
        validation=told[:held],
        loss="l1",
        seed=seed,
    )
    return baselines + model.predict(weights, inputs)[0]


def built(name: str, *, epochs: int) -> Any:
    """The model with its defaults, but for the number of epochs."""
    cls = MODELS[name]
    if not issubclass(cls.Settings, TrainingSettings):
        return cls(cls.Settings())
    return cls(cls.Settings(max_epochs=epochs, patience=epochs, batch_size=32, schedule="cosine"))


def kept_share(predicted: Floats, distances: Floats) -> float:
    """Share of rows up to the one that completes the recall, by predicted distance."""
    near = (distances <= NEAR)[np.argsort(predicted, kind="stable")]
    needed = int(np.ceil(RECALL * near.sum()))
    return float((np.flatnonzero(near)[needed - 1] + 1) / len(near))


def measure(names: list[str], pairs: Pairs, *, sizes: list[int], epochs: int, seed: int) -> list[dict[str, Any]]:
    """All numbers, one row each."""
    results = []
    tested = slice(max(sizes), max(sizes) + TESTED)
    hull = pairs.energies - pairs.distances
    for name in names:
        for potential in (False, True):
            for labels in sizes:
                energies = asked(name, pairs, labels=labels, potential=potential, epochs=epochs, seed=seed)
                errors = np.abs(energies - pairs.energies)[tested]
                kept = kept_share((energies - hull)[tested], pairs.distances[tested])
                row = {"model": name, "potential": potential, "labels": labels}
                results.append(row | {"mae": round(float(errors.mean()), 4), "kept": round(kept, 3)})
    return results


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--stage", type=Path, nargs="+", required=True)
    parser.add_argument("--models", nargs="+", default=["element_correction", "trees_gp", "cgcnn", "wren", "roost"])
    parser.add_argument("--labels", type=int, nargs="+", default=[60, 200, 500, 1000])
    parser.add_argument("--epochs", type=int, default=60, help="of every network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = max(arguments.labels) + TESTED
    pairs = read_pairs(arguments.pairs, arguments.stage, rows=rows, seed=arguments.seed)
    near = int((pairs.distances[max(arguments.labels) :] <= NEAR).sum())
    sizes, epochs, seed = arguments.labels, arguments.epochs, arguments.seed
    results = measure(arguments.models, pairs, sizes=sizes, epochs=epochs, seed=seed)
    head = {"tested": TESTED, "near_the_hull": near, "epochs": epochs, "seed": seed}
    print(json.dumps(head | {"results": results}) if arguments.json else pd.DataFrame(results).to_string(index=False))


if __name__ == "__main__":
    main()
