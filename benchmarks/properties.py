"""Any column of a table: accuracy and calibration of an ensemble, what a parent brings, and learning curves.

    python -m benchmarks.properties TABLE --target band_gap_ev --model magpie_forest --by formula --json
    python -m benchmarks.properties CHILD --target hf_r2scan --model roost --sizes 60,200,600 \
        --parent-table PARENT --parent-target hf_gga_gga_u --parent-settings '{"max_epochs": 40}' --json
    python -m benchmarks.properties TABLE --target e_form_ev_per_atom --model roost --sizes 500,2000,8000 --at 230000

A table is a file, or its place in the folder of public data (see ``benchmarks/places.py``). A fifth of the rows is
set aside, by row or by formula (or one after the other), in every repeat. Without a parent, the ensemble learns from
all others. With one, three ways to begin are compared on the same rows: ``scratch``, ``full`` and ``head``. With
``--sizes`` there is an ensemble for every number of rows to learn from, a power law through their errors, and what
it predicts for ``--at`` rows.

MAE and RMSE are of the test rows, in the target's unit, mean over repeats, ``member_mae`` that of members one by
one; coverage is the share of test rows within 1.96 σ, after calibration on rows that members had not learned from.
The parent may hold the same formulas as the test rows: their values by the other method are known.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.learning import learning_curve, split_rows
from aiida_mlhull.science.metrics import diagnose, fit_power_law
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.reading.properties import Properties, read_properties
from aiida_mlhull.science.types import EnsembleWeights, ModelRows, Predictions, TrainingRows
from benchmarks.places import find

RATES = {"scratch": 1.0, "full": 0.3, "head": 1.0}
"""Way to begin to factor of the learning rate."""


def progress(line: str) -> None:
    """A line of progress for people."""
    print(f"{time.strftime('%H:%M:%S')} {line}", file=sys.stderr, flush=True)


def read(table: str, *, target: str) -> Properties:
    """The rows of a table that have a number, from a file or from the folder of public data."""
    return read_properties(find(table) or Path(table), target=target, bad_rows="leave_out")


def ensemble(
    rows: TrainingRows, settings: EnsembleSettings, *, seed: int, parent: EnsembleWeights | None = None
) -> EnsembleWeights:
    """All members, one after the other."""
    members = []
    for number in range(settings.members):
        say = f"{settings.model} {settings.transfer.mode}, {len(rows):,} rows, member {number + 1}"
        members.append(
            fit_member(
                rows,
                settings,
                member=number,
                seed=seed,
                parent=parent,
                report=lambda line, say=say: progress(f"{say}: {line}"),  # type: ignore[misc]
            )
        )
    return gather(members, settings=settings)


def answers(weights: EnsembleWeights, asked: TrainingRows) -> Predictions:
    """An ensemble's predictions for rows whose labels it has not seen."""
    names = ("ids", "formulas", "crystals", "baselines", "stage_energies", "unrelaxed")
    return predict(weights, ModelRows(**{name: getattr(asked, name) for name in names}))


def measure(
    rows: TrainingRows,
    settings: EnsembleSettings,
    *,
    by: str,
    repeats: int,
    seed: int,
    parent: EnsembleWeights | None = None,
) -> dict[str, Any]:
    """Errors and calibration of one kind of ensemble on a fifth of the rows."""
    runs: list[dict[str, Any]] = []
    for repeat in range(seed, seed + repeats):
        learned, test = split_rows(rows, share=0.2, by=by, seed=repeat)  # type: ignore[arg-type]
        asked = rows.take(test)
        weights = ensemble(rows.take(np.sort(learned)), settings, seed=repeat, parent=parent)
        said = answers(weights, asked)
        runs.append(scores(said, asked) | {"epochs": [len(m.scores.get("history", [])) for m in weights.members]})
        progress(f"{settings.model} {settings.transfer.mode}, seed {repeat}: {runs[-1]}")
    numbers = ("mae", "rmse", "member_mae", "coverage_95", "ranking")
    means = {key: float(np.mean([run[key] for run in runs])) for key in numbers}
    told = {"test_rows": len(test), "training_rows": len(learned), "epochs": [run["epochs"] for run in runs]}
    return {**means, **told, "mae_repeats": [run["mae"] for run in runs]}


def scores(said: Predictions, asked: TrainingRows) -> dict[str, float]:
    """Errors of the ensemble's mean, and the mean error of its members one by one."""
    found = diagnose(said.mean - asked.energies, said.sigma)
    alone = float(np.abs(said.members - asked.energies[:, None]).mean())
    numbers = {"mae": found.mae, "rmse": found.rmse, "member_mae": alone}
    return numbers | {"coverage_95": found.coverage[0.95], "ranking": found.ranking}


def curve(
    rows: TrainingRows, settings: EnsembleSettings, *, sizes: list[int], at: list[int], **how: Any
) -> dict[str, Any]:
    """A learning curve, and its power law."""
    found = learning_curve(rows, settings, sizes=sizes, report=progress, **how)
    told: dict[str, Any] = {
        "sizes": found.sizes.tolist(),
        "mae": found.mae.mean(axis=1).tolist(),
        "rmse": found.rmse.mean(axis=1).tolist(),
        "test_rows": found.test_rows,
    }
    if len(found.sizes) > 1:
        law = fit_power_law(found.sizes, found.mae)
        told |= {"slope": law.slope, "slope_error": law.slope_error, "intercept": law.intercept}
        told |= {f"mae_at_{rows_then}": float(law(rows_then)) for rows_then in at}
    return told


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table")
    parser.add_argument("--target", required=True)
    parser.add_argument("--model", choices=list(MODELS), default="magpie_forest")
    parser.add_argument("--members", type=int, default=10)
    parser.add_argument("--model-settings", type=json.loads, default={}, help="JSON object")
    parser.add_argument("--loss", default="robust_l1")
    parser.add_argument("--by", choices=["row", "formula"], nargs="+", default=["row"])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--sizes", type=_numbers, default=[], help="rows to learn from; all by default")
    parser.add_argument("--at", type=_numbers, default=[], help="rows that the power law is asked about")
    parser.add_argument("--parent-table")
    parser.add_argument("--parent-target")
    parser.add_argument("--parent-settings", type=json.loads, default={}, help="JSON object, where the parent's differ")
    parser.add_argument("--parent-rows", type=int, help="so many of the parent's rows, drawn by seed; all by default")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(word) for word in text.split(",")]


def beginnings(
    asked: argparse.Namespace, settings: EnsembleSettings
) -> tuple[dict[str, tuple[EnsembleSettings, EnsembleWeights | None]], dict[str, Any]]:
    """Ways to begin, each with its settings and its parent; and what is told of the parent."""
    if asked.parent_table is None:
        return {"scratch": (settings, None)}, {}
    rows = read(asked.parent_table, target=asked.parent_target).rows
    order = np.random.default_rng(asked.seed).permutation(len(rows))
    rows = rows.take(np.sort(order[: asked.parent_rows]))
    own = settings.model_copy(update={"model_settings": asked.model_settings | asked.parent_settings})
    parent = ensemble(rows, own, seed=asked.seed)
    ways: dict[str, tuple[EnsembleSettings, EnsembleWeights | None]] = {"scratch": (settings, None)}
    for mode in ("full", "head"):
        begin = {"transfer": {"mode": mode, "learning_rate_factor": RATES[mode]}}
        ways[mode] = (EnsembleSettings.model_validate(settings.model_dump(mode="json") | begin), parent)
    errors = [member.scores["validation_mae"] for member in parent.members]
    return ways, {"parent_rows": len(rows), "parent_mae": errors}


def main() -> None:
    """Print the result as one JSON object."""
    asked = parse()
    torch.set_num_threads(1)
    started = time.perf_counter()
    settings = EnsembleSettings(
        model=asked.model, model_settings=asked.model_settings, members=asked.members, loss=asked.loss,
        volume_scaling=False, calibration="variance", target="property", unit="",
    )  # fmt: skip
    found = read(asked.table, target=asked.target)
    progress(found.summary())
    ways, result = beginnings(asked, settings)
    for by in asked.by:
        for mode, (own, parent) in ways.items():
            how: dict[str, Any] = {"by": by, "repeats": asked.repeats, "seed": asked.seed, "parent": parent}
            if asked.sizes:
                told = curve(found.rows, own, sizes=asked.sizes, at=asked.at, **how)
            else:
                told = measure(found.rows, own, **how)
            result.setdefault(f"by_{by}", {})[mode] = told
    head = {"model": asked.model, "data": found.source, "target": asked.target, "members": asked.members}
    head |= {"loss": asked.loss, "model_settings": asked.model_settings, "repeats": asked.repeats, "seed": asked.seed}
    result = {**head, **result, "seconds": round(time.perf_counter() - started, 1)}
    print(json.dumps(result) if asked.json else "\n".join(f"{key}: {value}" for key, value in result.items()))


if __name__ == "__main__":
    main()
