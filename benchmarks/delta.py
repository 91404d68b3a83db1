"""What a universal potential is worth to a model: errors with and without its relaxed cells and energies.

    python -m benchmarks.delta --json [--pairs hypothetical_pairs.parquet] [--stage STAGE.parquet ...]
        [--models element_correction trees_gp cgcnn wren roost] [--labels 60 200 500 1000] [--epochs 60] [--final-cells] [--seeds 3]

``--pairs`` is the table of hypothetical pnictides (Pandey et al., Patterns 2 (2021) 100361), found as
``benchmarks/places.py`` says; ``--stage`` what a potential made of the unrelaxed cells: ``structure_id``, ``energy``
(eV/atom), ``lattice``, ``numbers``, ``frac_coords``. Without it CHGNet relaxes the rows first, in a minute or two.
*Without* the potential a model reads unrelaxed cells, scaled to tabulated volumes, and learns the energy
above the linear fit to the training rows' compositions; *with* it, it reads the relaxed cells and learns what the
potential's energy is off by, that fit of the difference taken off first. ``trees_gp`` is told both cells.

Printed are, by number of labels and on 1,000 other rows, the MAE (eV/atom) of one member, and the share of rows that has
to be kept for 95 % of those within 25 meV/atom of the hull, in the order of predicted distances.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.regressors.stage_correction import StageCorrection, element_fractions
from aiida_mlhull.science.models.training.loop import TrainingSettings
from aiida_mlhull.science.relaxation.base import RelaxationSettings
from aiida_mlhull.science.relaxation.chgnet.potential import CHGNetRelaxer
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.representations.volumes import tabulated_volumes
from aiida_mlhull.science.types import Crystals, ModelRows
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.tables import Booleans
from benchmarks.places import find

TESTED, VALIDATED, NEAR, RECALL = 1000, 0.15, 0.025, 0.95
SAME_VOLUME = 0.1
"""Largest difference of two logarithms of volumes that count as the same."""
SPARE = 1.02
"""Rows that are relaxed for one that is wanted; a few fail."""


@dataclass(frozen=True, eq=False)
class Pairs:
    """n rows in random order.

    Attributes:
        unrelaxed: their cells before any stage, scaled.
        relaxed: what the potential made of them.
        stage: (n,) the potential's energies, eV/atom.
        energies: (n,) DFT, eV/atom.
        distances: (n,) above the hull, eV/atom.
        final: the cells that DFT ended in.
        same_basin: (n,) whether DFT kept the space group and ended at about the potential's volume.
    """

    unrelaxed: Crystals
    relaxed: Crystals
    stage: Floats
    energies: Floats
    distances: Floats
    final: Crystals
    same_basin: Booleans


def read_pairs(pairs: Path, stages: list[Path], *, rows: int, seed: int) -> Pairs:
    """Clean rows that the potential could relax."""
    table = pd.read_parquet(pairs)
    table = table[table.clean_pair].sort_values("structure_id")
    if stages:
        stage = pd.concat([pd.read_parquet(file) for file in stages])
    else:
        table = table.sample(n=round(SPARE * rows), random_state=seed)
        stage = relaxed_by_potential(table)
    both = table.merge(stage, on="structure_id").sort_values("structure_id")
    both = both[np.isfinite(both.energy)].sample(n=rows, random_state=seed)
    unrelaxed, final = cells(both, "unrelaxed"), cells(both, "relaxed")
    relaxed = Crystals.from_lists(both.lattice, [list(sites) for sites in both.numbers], both.frac_coords)
    same_volume = np.abs(np.log(relaxed.volumes / final.volumes)) < SAME_VOLUME
    return Pairs(
        unrelaxed=scaled(unrelaxed),
        relaxed=relaxed,
        stage=both.energy.to_numpy(dtype=np.float64),
        energies=both.energy_per_atom_ev.to_numpy(dtype=np.float64),
        distances=both.e_above_hull_ev_per_atom.to_numpy(dtype=np.float64),
        final=final,
        same_basin=same_volume & ~both.sg_changed.to_numpy(dtype=bool),
    )


def cells(table: pd.DataFrame, when: str) -> Crystals:
    """The cells before (``unrelaxed``) or after DFT (``relaxed``)."""
    numbers = [[NUMBERS[symbol] for symbol in sites] for sites in table[f"species_{when}"]]
    return Crystals.from_lists(table[f"lattice_{when}"], numbers, table[f"frac_coords_{when}"])


def scaled(crystals: Crystals) -> Crystals:
    """The cells at the volumes that their compositions suggest."""
    return crystals.with_volumes_per_atom(tabulated_volumes().per_atom(crystals))


def relaxed_by_potential(table: pd.DataFrame) -> pd.DataFrame:
    """What CHGNet makes of the unrelaxed cells, in the columns of ``--stage``."""
    start = scaled(cells(table, "unrelaxed"))
    rows = [
        {
            "structure_id": table.structure_id.iloc[done.row],
            "energy": done.energy,
            "lattice": done.lattice.ravel(),
            "numbers": start.arrays(done.row)[1],
            "frac_coords": done.frac_coords.ravel(),
        }
        for done in CHGNetRelaxer(RelaxationSettings()).stream(start)
    ]
    return pd.DataFrame(rows)


def on_final_cells(pairs: Pairs) -> Pairs:
    """The same with the potential's word on the cells that DFT ended in."""
    potential = CHGNetRelaxer(RelaxationSettings(freedom="static"))
    said = {row.row: row.energy for row in potential.stream(pairs.final)}
    stage = np.asarray([said[row] for row in range(len(pairs.stage))])
    return replace(pairs, relaxed=pairs.final, stage=np.where(np.isfinite(stage), stage, pairs.stage))


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
        rows = replace(rows, stage_energies=baselines[:, None], unrelaxed=pairs.unrelaxed)
    held = max(4, round(VALIDATED * labels))
    weights = model.fit(
        inputs := model.represent(rows),
        pairs.energies - baselines,
        train=told[held:],
        validation=told[:held],
        loss="l1",
        seed=seed,
    )
    return np.asarray(baselines + model.predict(weights, inputs)[0])


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


def measure(
    names: list[str], pairs: Pairs, *, sizes: list[int], epochs: int, seed: int, final_cells: bool
) -> list[dict[str, Any]]:
    """All numbers, one row each."""
    ways = {"no": (pairs, False), "yes": (pairs, True)}
    if final_cells:
        ways["final cells"] = (on_final_cells(pairs), True)
    results = []
    tested = slice(max(sizes), max(sizes) + TESTED)
    hull = pairs.energies - pairs.distances
    same = pairs.same_basin[tested]
    for name in names:
        for way, (rows, potential) in ways.items():
            for labels in sizes:
                energies = asked(name, rows, labels=labels, potential=potential, epochs=epochs, seed=seed)
                errors = np.abs(energies - pairs.energies)[tested]
                numbers = {
                    "mae": errors.mean(),
                    "mae_same_basin": errors[same].mean(),
                    "mae_other": errors[~same].mean(),
                    "kept": kept_share((energies - hull)[tested], pairs.distances[tested]),
                }
                row = {"model": name, "potential": way, "labels": labels}
                results.append(row | {key: round(float(value), 4) for key, value in numbers.items()})
                print(results[-1], file=sys.stderr, flush=True)
    return results


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, default=find("pnictides/hypothetical_pairs.parquet"))
    parser.add_argument(
        "--stage", type=Path, nargs="+", default=[], help="what a potential made of them; else it is asked"
    )
    parser.add_argument("--models", nargs="+", default=["element_correction", "trees_gp", "cgcnn", "wren", "roost"])
    parser.add_argument("--labels", type=int, nargs="+", default=[60, 200, 500, 1000])
    parser.add_argument("--epochs", type=int, default=60, help="of every network")
    parser.add_argument("--final-cells", action="store_true", help="also the potential's word on the cells after DFT")
    parser.add_argument("--seeds", type=int, default=1, help="draws of rows to average over")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    if arguments.pairs is None:
        parser.error("no table of pairs was found; name one with --pairs")
    torch.set_num_threads(1)
    sizes, epochs = arguments.labels, arguments.epochs
    runs, rows_near, shares = [], 0, []
    for seed in range(arguments.seeds):
        pairs = read_pairs(arguments.pairs, arguments.stage, rows=max(sizes) + TESTED, seed=seed)
        rows_near += int((pairs.distances[max(sizes) :] <= NEAR).sum())
        shares.append(float(pairs.same_basin[max(sizes) :].mean()))
        runs += measure(
            arguments.models, pairs, sizes=sizes, epochs=epochs, seed=seed, final_cells=arguments.final_cells
        )
    table = pd.DataFrame(runs).groupby(["model", "potential", "labels"], sort=False).mean().round(4).reset_index()
    head = {
        "tested": TESTED * arguments.seeds,
        "near_the_hull": rows_near,
        "same_basin": round(float(np.mean(shares)), 3),
        "epochs": epochs,
        "seeds": arguments.seeds,
    }
    results = table.to_dict(orient="records")
    print(json.dumps(head | {"results": results}) if arguments.json else table.to_string(index=False))


if __name__ == "__main__":
    main()
