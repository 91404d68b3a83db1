"""What recall keep-rules reach that promise one, on crystals with real errors.

    python -m benchmarks.recall --labels 500 1000 --repeats 5 --json

Rows are hypothetical pnictides (:mod:`benchmarks.pnictides`). An ensemble learns from the labels of a few that are
drawn by seed, and is asked about all others by their unrelaxed cells; the keep-rules then hear its predictions, with σ
as the members state it or calibrated on rows that a member had not learned from, and know the competing phases and
the labels. The truth is the hull of all: what lies on it may not be lost.

``lost`` is the share of the phases on the hull that a rule drops, which ``recall_target`` is told to keep below α;
``lost_25mev`` that of all rows within 25 meV/atom; ``kept`` the share of rows that would be relaxed. All are counts
pooled over the repeats. ``coverage_95`` is the share of rows within 1.96 σ.
"""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any, Final, get_args

import numpy as np
import torch

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.settings import Calibrated
from aiida_mlhull.science.metrics import diagnose
from aiida_mlhull.science.metrics.campaign import true_marks
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.types import ModelRows, Predictions, References, concatenate
from benchmarks.pnictides import Pnictides, read_pnictides

ASKED: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "recall_target, α = 0.02": ("recall_target", {"alpha": 0.02}),
    "recall_target, α = 0.05": ("recall_target", {"alpha": 0.05}),
    "recall_target, α = 0.1": ("recall_target", {"alpha": 0.1}),
    "two_sigma": ("two_sigma", {}),
}
"""Name to rule and settings."""


def said_of_the_rest(
    data: Pnictides, settings: EnsembleSettings, *, labels: int, seed: int
) -> tuple[dict[str, Predictions], References, References]:
    """Predictions by calibration; what is known; and the truth about the rows that were asked about."""
    order = np.random.default_rng(seed).permutation(len(data.rows))
    taught, asked = data.rows.take(np.sort(order[:labels])), data.rows.take(np.sort(order[labels:]))
    members = [fit_member(taught, settings, member=number, seed=seed) for number in range(settings.members)]
    questions = ModelRows(ids=asked.ids, formulas=asked.formulas, crystals=asked.crystals, baselines=asked.baselines)
    said = {
        how: predict(gather(members, settings=settings.model_copy(update={"calibration": how})), questions)
        for how in get_args(Calibrated)
    }
    scheme = data.known.scheme
    learned, truth = (
        References(ids=rows.ids, formulas=rows.formulas, energies=rows.energies, scheme=scheme)
        for rows in (taught, asked)
    )
    return said, concatenate([data.known, learned]), truth


def counted(said: Predictions, known: References, truth: References, *, seed: int) -> dict[str, dict[str, int]]:
    """What every rule keeps and loses."""
    on_hull, near = true_marks(truth, known)
    found = {}
    for name, (rule, settings) in ASKED.items():
        decided = RULES[rule](RULES[rule].Settings(**settings)).decide(said, known, seed=seed)
        keep = np.zeros(len(truth), dtype=bool)
        keep[truth.positions(decided.ids)] = decided.keep
        found[name] = {
            "rows": len(truth),
            "kept": int(keep.sum()),
            "on_hull": int(on_hull.sum()),
            "lost": int((on_hull & ~keep).sum()),
            "near": int(near.sum()),
            "lost_near": int((near & ~keep).sum()),
        }
    return found


def run(data: Pnictides, settings: EnsembleSettings, *, labels: int, repeats: int, seed: int) -> list[dict[str, Any]]:
    """One row for every calibration and rule."""
    pooled: dict[tuple[str, str], list[dict[str, int]]] = {}
    covered: dict[str, list[float]] = {}
    for number in range(seed, seed + repeats):
        said, known, truth = said_of_the_rest(data, settings, labels=labels, seed=number)
        for how, predictions in said.items():
            errors = predictions.mean - truth.energies
            covered.setdefault(how, []).append(diagnose(errors, predictions.sigma).coverage[0.95])
            for rule, counts in counted(predictions, known, truth, seed=number).items():
                pooled.setdefault((how, rule), []).append(counts)
        print(f"{labels} labels, seed {number}: {len(truth)} rows decided", file=sys.stderr, flush=True)
    rows = []
    for (how, rule), found in pooled.items():
        sums = {key: sum(counts[key] for counts in found) for key in found[0]}
        rows.append(
            {
                "labels": labels,
                "calibration": how,
                "rule": rule,
                "kept": round(sums["kept"] / sums["rows"], 4),
                "lost": round(sums["lost"] / max(sums["on_hull"], 1), 4),
                "lost_25mev": round(sums["lost_near"] / max(sums["near"], 1), 4),
                "coverage_95": round(float(np.mean(covered[how])), 4),
                **{name: sums[name] for name in ("on_hull", "near")},
            }
        )
    return rows


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(MODELS), default="trees_gp")
    parser.add_argument("--model-settings", type=json.loads, default={}, help="JSON object")
    parser.add_argument("--members", type=int, default=5)
    parser.add_argument("--labels", type=int, nargs="+", default=[500, 1000])
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    settings = EnsembleSettings(model=asked.model, model_settings=asked.model_settings, members=asked.members)
    data = read_pnictides()
    results = []
    for labels in asked.labels:
        results += run(data, settings, labels=labels, repeats=asked.repeats, seed=asked.seed)
    head = {"data": data.source, "rows": len(data.rows), "model": asked.model, "members": asked.members}
    head |= {"repeats": asked.repeats, "seed": asked.seed}
    print(json.dumps(head | {"results": results}, ensure_ascii=False) if asked.json else "\n".join(map(str, results)))


if __name__ == "__main__":
    main()
