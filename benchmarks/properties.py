"""Any column of a table: accuracy and calibration of an ensemble, and what a parent brings.

    python -m benchmarks.properties TABLE --target band_gap_ev --model magpie_forest --by formula --json
    python -m benchmarks.properties CHILD --target hf_r2scan --model roost --sizes 60,200,600 \
        --parent-table PARENT --parent-target hf_gga_gga_u --parent-settings '{"max_epochs": 40}' --json

A fifth of the rows is set aside, by row or by formula, in every repeat. Without a parent, the ensemble learns
from all others (or from ``--sizes`` of them). With one, three ways to begin are compared on the same rows:
``scratch``, ``full`` and ``head``. MAE and RMSE are of the test rows, in the target's unit, mean over repeats;
coverage is the share of test rows within 1.96 σ, after calibration on rows that members had not learned from.
The parent may hold the same formulas as the test rows: their values by the other method are known.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aiida_mlhull.science.candidates.property_table import read_properties
from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather
from aiida_mlhull.science.ensembles.learning import fit_and_ask, learning_curve, split_rows
from aiida_mlhull.science.metrics import diagnose
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.types import EnsembleWeights, TrainingRows

RATES = {"scratch": 1.0, "full": 0.3, "head": 1.0}
"""Way to begin to factor of the learning rate."""


def measure(rows: TrainingRows, settings: EnsembleSettings, *, by: str, repeats: int, seed: int) -> dict[str, Any]:
    """Errors and calibration of one kind of ensemble on a fifth of the rows."""
    runs = []
    for repeat in range(seed, seed + repeats):
        learned, test = split_rows(rows, share=0.2, by=by, seed=repeat)  # type: ignore[arg-type]
        asked = rows.take(test)
        said = fit_and_ask(rows.take(np.sort(learned)), asked, settings, seed=repeat)
        errors = said.mean - asked.energies
        found = diagnose(errors, said.sigma)
        runs.append(
            {"mae": found.mae, "rmse": found.rmse, "coverage_95": found.coverage[0.95], "ranking": found.ranking}
        )
    means = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
    return {**means, "test_rows": len(test), "training_rows": len(learned), "mae_repeats": [run["mae"] for run in runs]}


def transfer(
    rows: TrainingRows, settings: EnsembleSettings, parent: EnsembleWeights, *, sizes: list[int], **how: Any
) -> dict[str, Any]:
    """Learning curves of the three ways to begin."""
    found = {}
    for mode, factor in RATES.items():
        asked = {} if mode == "scratch" else {"transfer": {"mode": mode, "learning_rate_factor": factor}}
        child = EnsembleSettings.model_validate(settings.model_dump(mode="json") | asked)
        begin = None if mode == "scratch" else parent
        curve = learning_curve(rows, child, sizes=sizes, parent=begin, **how)
        found[mode] = {
            "sizes": curve.sizes.tolist(),
            "mae": curve.mae.mean(axis=1).tolist(),
            "rmse": curve.rmse.mean(axis=1).tolist(),
            "test_rows": curve.test_rows,
        }
    return found


def main() -> None:
    """Print the result as one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", type=Path)
    parser.add_argument("--target", required=True)
    parser.add_argument("--model", choices=list(MODELS), default="magpie_forest")
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--model-settings", type=json.loads, default={}, help="JSON object")
    parser.add_argument("--by", choices=["row", "formula"], default="row")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", type=lambda text: [int(word) for word in text.split(",")], default=[60, 200, 600])
    parser.add_argument("--parent-table", type=Path)
    parser.add_argument("--parent-target")
    parser.add_argument("--parent-settings", type=json.loads, default={}, help="JSON object, where the parent's differ")
    parser.add_argument("--parent-rows", type=int, help="so many of the parent's rows, drawn by seed; all by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    started = time.perf_counter()
    settings = EnsembleSettings(
        model=asked.model, model_settings=asked.model_settings, members=asked.members, volume_scaling=False,
        calibration="variance", target="property", unit="",
    )  # fmt: skip
    found = read_properties(asked.table, target=asked.target, bad_rows="leave_out")
    head = {"model": asked.model, "data": found.source, "target": asked.target, "members": asked.members}
    how = {"by": asked.by, "repeats": asked.repeats, "seed": asked.seed}
    if asked.parent_table is None:
        result = measure(found.rows, settings, **how)
    else:
        before = read_properties(asked.parent_table, target=asked.parent_target, bad_rows="leave_out").rows
        order = np.random.default_rng(asked.seed).permutation(len(before))
        before = before.take(np.sort(order[: asked.parent_rows]))
        own = settings.model_copy(update={"model_settings": asked.model_settings | asked.parent_settings})
        members = [fit_member(before, own, member=number, seed=asked.seed) for number in range(asked.members)]
        parent = gather(members, settings=own)
        result = {"parent_rows": len(before), "parent_mae": [m.scores["validation_mae"] for m in members]}
        result |= transfer(found.rows, settings, parent, sizes=asked.sizes, **how)
    result = {**head, **how, **result, "seconds": round(time.perf_counter() - started, 1)}
    print(json.dumps(result) if asked.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
