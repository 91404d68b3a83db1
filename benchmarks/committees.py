"""Wren, CGCNN-D and what committees of both keep, at equal budget, on hypothetical pnictides before relaxation.

    python -m benchmarks.committees --seeds 0 1 --folder predictions --json

A share of the candidates, drawn as a campaign draws its start set, is learned from by two ensembles: Wren from
protostructure labels, CGCNN from unrelaxed and relaxed cells (the D-variant of Goodall's thesis). Both are asked about all
others, with unrelaxed cells. Then every one of them, and every committee of both, chooses: the best 5, 10 and 20 %
(rule ``discovery`` with no least chance, whose chances order the rows: a union goes by the higher chance of the two, an
intersection by the lower one), and by the 2σ rule as it is. Precision and recall count rows on the true hull and within 25
meV/atom of it. ``--folder`` keeps what was predicted, so that the run can be resumed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from aiida_mlhull.science.campaign import CampaignSettings, campaign_settings, choose_start, enter_first_stage
from aiida_mlhull.science.ensembles import fit_member, gather, predict
from aiida_mlhull.science.ensembles.rows import model_rows, training_rows
from aiida_mlhull.science.hull import with_results
from aiida_mlhull.science.metrics.campaign import true_marks
from aiida_mlhull.science.triage import RULES
from aiida_mlhull.science.triage.committee import side_by_side
from aiida_mlhull.science.types import Decisions, Labels, Predictions, References
from aiida_mlhull.science.wire import decode_table, encode_table
from benchmarks.pnictides import Recorded, read_recorded

BUDGETS: Final = (0.05, 0.1, 0.2)
WAYS: Final = ("wren", "cgcnn_d", "union", "intersection", "mean")


def settings_of(*, seed: int, start: float, members: int, epochs: int) -> CampaignSettings:
    """A campaign of one recorded stage whose gate asks both ensembles."""
    ensembles = {
        "wren": {"model": "wren", "members": members, "model_settings": {"max_epochs": epochs}},
        "cgcnn_d": {"model": "cgcnn", "cells": "both", "members": members, "model_settings": {"max_epochs": epochs}},
    }
    gate = {"rule": "committee", "baseline": "references"}
    stages = [{"name": "final", "engine": "recorded", "gate": gate}]
    return campaign_settings({"seed": seed, "start": start, "stages": stages, "ensembles": ensembles})


def ask(table: Recorded, settings: CampaignSettings, *, folder: Path) -> tuple[Labels, dict[str, Predictions], Any]:
    """The start set's results, and what both ensembles say about all other rows; and what fitting cost."""
    folder.mkdir(parents=True, exist_ok=True)
    pool = enter_first_stage(table.candidates, stage="final")
    chosen = choose_start(pool, settings, total=len(pool))
    known = table.record.select(chosen.ids[chosen.keep])
    rows = training_rows(table.candidates, known, table.known, baseline="references").rows
    waiting = table.candidates.without(known.ids)
    asked = model_rows(table.candidates, table.known, baseline="references", ids=waiting.ids)
    said, seconds = {}, {}
    for name, ensemble in settings.asked_before("final").items():
        file = folder / f"{name}-{settings.seed}.parquet"
        if not file.exists():
            began = time.process_time()
            members = [fit_member(rows, ensemble, member=m, seed=settings.seed) for m in range(ensemble.members)]
            file.write_bytes(encode_table(predict(gather(members, settings=ensemble), asked)))
            seconds[name] = round(time.process_time() - began)
            (folder / f"{name}-{settings.seed}.seconds").write_text(str(seconds[name]))
        seconds[name] = int((folder / f"{name}-{settings.seed}.seconds").read_text())
        said[name] = decode_table(Predictions, file.read_bytes())
    return known, said, seconds


def choose(said: dict[str, Predictions], known: References, way: str, rule: str, **settings: Any) -> Decisions:
    """The decisions of an ensemble, or of a committee of both."""
    if way in said:
        return RULES[rule](RULES[rule].Settings(**settings)).decide(said[way], known)
    committee = RULES["committee"]
    made = committee(committee.Settings(combine=way, rule=rule, settings=settings))
    return made.decide(side_by_side(said), known)


def scores(kept: Any, on_hull: Any, near: Any) -> dict[str, float | int]:
    """Precision and recall of what is kept; (n,) booleans."""

    def share(part: int, whole: int) -> float:
        return round(part / whole, 4) if whole else float("nan")

    return {
        "kept": int(kept.sum()),
        "precision_on_hull": share(int((kept & on_hull).sum()), int(kept.sum())),
        "recall_on_hull": share(int((kept & on_hull).sum()), int(on_hull.sum())),
        "precision_25mev": share(int((kept & near).sum()), int(kept.sum())),
        "recall_25mev": share(int((kept & near).sum()), int(near.sum())),
    }


def measure(table: Recorded, settings: CampaignSettings, *, folder: Path) -> dict[str, Any]:
    """One seed."""
    results, said, seconds = ask(table, settings, folder=folder)
    record = table.record
    truth = References(ids=record.ids, formulas=record.formulas, energies=record.energies, scheme=table.known.scheme)
    marks = true_marks(truth, table.known)
    ids = next(iter(said.values())).ids
    on_hull, near = (mark[truth.positions(ids)] for mark in marks)
    known = with_results(table.known, results)
    true = truth.energies[truth.positions(ids)]
    found: dict[str, Any] = {}
    for way in WAYS:
        ranked = choose(said, known, way, "discovery", least_chance=0.0)
        order = np.lexsort((np.arange(len(ids)), -ranked.values))
        by_budget = {}
        for budget in BUDGETS:
            kept = np.zeros(len(ids), dtype=bool)
            kept[order[: round(budget * len(truth))]] = True
            by_budget[str(budget)] = scores(kept, on_hull, near)
        found[way] = {"best": by_budget, "two_sigma": scores(choose(said, known, way, "two_sigma").keep, on_hull, near)}
    errors = {name: round(float(np.abs(one.mean - true).mean()), 4) for name, one in said.items()}
    mixed = np.mean([one.mean for one in said.values()], axis=0)
    return {
        "seed": settings.seed,
        "learned_from": int(results.succeeded.sum()),
        "asked": len(ids),
        "on_hull": int(on_hull.sum()),
        "within_25mev": int(near.sum()),
        "mae": errors | {"mean": round(float(np.abs(mixed - true).mean()), 4)},
        "core_seconds": seconds,
        "ways": found,
    }


def main() -> None:
    """Print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--start", type=float, default=0.2, help="share of the candidates to learn from")
    parser.add_argument("--members", type=int, default=5, help="of each ensemble")
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--systems", type=int, help="only so many chemical systems")
    parser.add_argument("--folder", type=Path, default=Path("committees"), help="keeps what was predicted")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    table = read_recorded(systems=asked.systems)
    told = {"start": asked.start, "members": asked.members, "epochs": asked.epochs}
    head: dict[str, Any] = {"benchmark": "committees", "data": table.source, "rows": len(table.record), **told}
    head["runs"] = []
    for seed in asked.seeds:
        line = measure(table, settings_of(seed=seed, **told), folder=asked.folder)
        head["runs"].append(line)
        print(json.dumps(line), file=sys.stderr)
    print(json.dumps(head))


if __name__ == "__main__":
    main()
