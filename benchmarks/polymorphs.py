"""Polymorphs told apart: models that learn from relaxed cells, unrelaxed ones, or both (the D-variants).

    python -m benchmarks.polymorphs --models roost wren cgcnn --cells relaxed unrelaxed both --epochs 50 --json

Rows are hypothetical pnictides (:mod:`benchmarks.pnictides`), a fifth of which is set aside, rows that relaxed to the
same crystal on one side. Targets are formation energies of the relaxed crystals. Who learned from relaxed cells is
asked about relaxed cells and, as a campaign would have to, about unrelaxed ones; the others about unrelaxed ones,
which are scaled to fitted volumes.

MAE and RMSE are in eV/atom. ``pairs`` is the share of pairs of test rows of one composition, more than 10 meV/atom
apart, that are predicted in the right order, ``pairs_by_composition`` the mean over compositions; a tie counts as a
half, so that a model that reads no more than the composition gets 0.5. ``ties`` is the share of ties.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

import numpy as np
import torch

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.settings import CellChoice
from aiida_mlhull.science.metrics.polymorphs import ranked
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.training.loop import TrainingSettings
from aiida_mlhull.science.types import Crystals, ModelRows, TrainingRows
from aiida_mlhull.science.types.crystals import Integers
from benchmarks.pnictides import read_pnictides, scaled


def settings_of(model: str, *, cells: CellChoice, epochs: int, members: int) -> EnsembleSettings:
    """An ensemble with the model's defaults, but for the number of epochs."""
    gradual = issubclass(MODELS[model].Settings, TrainingSettings)
    return EnsembleSettings(
        model=model,
        model_settings={"max_epochs": epochs} if gradual else {},
        members=members,
        cells=cells,
        volume_scaling=False,
    )


def measure(
    settings: EnsembleSettings, *, rows: TrainingRows, learned: Integers, test: Integers, seed: int
) -> list[dict[str, Any]]:
    """One kind of ensemble, asked about every sort of cell that it should be asked about."""
    say = f"{settings.model}, {settings.cells} cells"
    members = [
        fit_member(
            rows.take(learned), settings, member=number, seed=seed,
            report=lambda line: print(f"{time.strftime('%H:%M:%S')} {say}: {line}", file=sys.stderr, flush=True),
        )
        for number in range(settings.members)
    ]  # fmt: skip
    weights, asked = gather(members, settings=settings), rows.take(test)
    found = []
    for cells in ("relaxed", "unrelaxed") if settings.cells == "relaxed" else ("unrelaxed",):
        questions = _questions(asked, asked.relaxed if cells == "relaxed" else asked.crystals)
        said = predict(weights, questions).mean
        errors = said - asked.energies
        groups = np.unique(asked.formulas, return_inverse=True)[1].astype(np.int64)
        row: dict[str, Any] = {"model": settings.model, "learned_from": settings.cells, "asked_about": cells}
        scores = {"mae": float(np.abs(errors).mean()), "rmse": float(np.sqrt(np.mean(np.square(errors))))}
        found.append(row | scores | ranked(said, asked.energies, groups))
    return found


def _questions(rows: TrainingRows, crystals: Crystals) -> ModelRows:
    return ModelRows(ids=rows.ids, formulas=rows.formulas, crystals=crystals, baselines=rows.baselines)


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models", nargs="+", choices=list(MODELS), default=["roost", "wren", "cgcnn", "trees_gp"])
    parser.add_argument("--cells", nargs="+", default=["relaxed", "unrelaxed", "both"])
    parser.add_argument("--members", type=int, default=1)
    parser.add_argument("--epochs", type=int, default=50, help="of every network")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = read_pnictides()
    learned, test = data.split(share=0.2, seed=asked.seed)
    rows = scaled(data.rows, learned)
    results = []
    for model in asked.models:
        for cells in asked.cells:
            own = settings_of(model, cells=cells, epochs=asked.epochs, members=asked.members)
            results += measure(own, rows=rows, learned=learned, test=test, seed=asked.seed)
            print(results[-1], file=sys.stderr, flush=True)
    head = {"data": data.source, "learned": len(learned), "tested": len(test), "epochs": asked.epochs}
    head |= {"members": asked.members, "seed": asked.seed}
    print(json.dumps(head | {"results": results}) if asked.json else "\n".join(map(str, results)))


if __name__ == "__main__":
    main()
