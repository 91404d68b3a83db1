"""Whole campaigns on hypothetical pnictides without AiiDA: which settings save how much, on systems chosen and on others.

    python -m benchmarks.savings --half A --variants laptop-2026-11 laptop --seeds 0 1 --json

The loop is the product's (start set, fit, predict, decide, look up), made of the same functions; only processes and nodes
are missing. Stage 0 is relaxed once and kept in ``--stage-file``. Halves are drawn by chemical system (seed 20261129),
so that settings can be chosen on A and shown on B. ``--continue-from`` gives every candidate the published result
that its potential-relaxed cell is (:mod:`aiida_mlhull.science.campaign.continuing`).

``--kick`` adds one more energy to every row: every relaxed cell is distorted by chance, symmetry and all, and CHGNet takes up to 20
steps from there; the lower of both energies counts. The variant ``kick`` looks at it.

``at`` holds, for every share of the candidates relaxed, what was found on the hull and within 25 meV/atom, by rows and by
number of elements, the largest error of the hull in meV/atom, and what the models claimed then.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import torch

from aiida_mlhull.science.campaign import assess, campaign_settings, choose_start, decide_round, enter_next_stage
from aiida_mlhull.science.campaign.continuing import continue_from
from aiida_mlhull.science.campaign.replay import on_record
from aiida_mlhull.science.campaign.settings import CampaignSettings
from aiida_mlhull.science.ensembles import fit_member, gather, predict
from aiida_mlhull.science.ensembles.rows import model_rows, training_rows
from aiida_mlhull.science.metrics.campaign import campaign_scores
from aiida_mlhull.science.metrics.counting import counted
from aiida_mlhull.science.program.relax import relax_here
from aiida_mlhull.science.program.settings import PotentialSettings
from aiida_mlhull.science.reading.candidates import read_candidates
from aiida_mlhull.science.reading.references import read_references, relevant
from aiida_mlhull.science.relaxation import POTENTIALS
from aiida_mlhull.science.relaxation.base import RelaxationSettings
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import Candidates, Labels, References, concatenate
from aiida_mlhull.science.wire import decode_table, encode_table
from benchmarks.places import find
from benchmarks.pnictides import EXCERPT, PUBLISHED

SHARES: Final = (0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4)

SECOND: Final = "sevennet"
"""The potential whose energies views call 1."""

VIEWS: Final = [{"energies": [1], "cells": "relaxed"}, {"energies": [0, 1]}, {"energies": [0]}]

VARIANTS: Final[dict[str, dict[str, Any]]] = {
    "laptop-2026-11": {},
    "small rounds": {"batch": 0.025},
    "competing": {"batch": 0.025, "rule": "competing"},
    "two potentials": {
        "batch": 0.025,
        "rule": "competing",
        "ensemble": {"members": 4, "blind_members": 1, "views": VIEWS},
    },
    "two potentials, discovery": {"batch": 0.025, "ensemble": {"members": 4, "blind_members": 1, "views": VIEWS}},
    "kick": {
        "batch": 0.025,
        "rule": "competing",
        "ensemble": {
            "members": 4,
            "blind_members": 1,
            "views": [{"energies": [1], "cells": "relaxed"}, {"energies": [0, 1, 2]}, {"energies": [0, 2]}],
        },
        "also": [SECOND, "sevennet-l3i5"],
    },
    "budget 0.75": {"budget": 0.75},
    "two potentials, 2 blind": {
        "batch": 0.025,
        "rule": "competing",
        "ensemble": {"members": 5, "blind_members": 2, "views": VIEWS},
    },
}
"""What differs from the protocol ``laptop-2026-11``; ``kick`` names a third potential for the energy that :func:`kicked` puts in its place."""

KICK_SEED: Final = 20261130
STRAIN: Final = 0.02
MOVE: Final = 0.08
"""Å."""
KICK: Final = RelaxationSettings(max_steps=20)


@dataclass(frozen=True, eq=False)
class Data:
    """A record, its stage 0, and the known phases."""

    candidates: Candidates
    stage: Labels
    record: Labels
    known: References
    source: str

    def take(self, ids: Any) -> Data:
        """The rows with these ids."""
        return replace(
            self, candidates=self.candidates.select(ids), stage=self.stage.select(ids), record=self.record.select(ids)
        )


def read(stage_file: Path, *, also: tuple[str, ...]) -> Data:
    """The published table where it is at hand, else the excerpt; stage 0 from its file, or relaxed and kept there."""
    published = [find(name) for name in PUBLISHED]
    folder = Path(__file__).parents[1] / "aiida_mlhull" / "demo_data"
    files = [file for file in published if file is not None]
    pairs, phases, elements = files if len(files) == len(PUBLISHED) else [folder / name for name in EXCERPT]
    intake = read_candidates(pairs, bad_rows="leave_out")
    known = relevant(read_references(phases, elements=elements, bad_rows="leave_out").references, intake.candidates)
    if stage_file.exists():
        stage = decode_table(Labels, stage_file.read_bytes())
    else:
        stage = relax_here(intake.candidates, PotentialSettings(also=also), stage="potential")
        stage_file.write_bytes(encode_table(stage))
    return Data(intake.candidates, stage, intake.require_record(), known, pairs.name)


def kicked(stage: Labels, *, seed: int) -> Labels:
    """With one more energy of every row: the lowest that CHGNet meets in a few steps from a cell without symmetry."""
    rows = np.flatnonzero(stage.succeeded)
    cells = stage.crystals.take(rows)
    lattices, coordinates = cells.lattices.copy(), cells.frac_coords.copy()
    for row in range(len(cells)):
        rng = np.random.default_rng([seed, row])
        atoms = slice(*cells.offsets[row : row + 2])
        strain = rng.normal(0, STRAIN, (3, 3))
        lattices[row] = lattices[row] @ (np.eye(3) + (strain + strain.T) / 2)
        coordinates[atoms] += rng.normal(0, MOVE, coordinates[atoms].shape) @ np.linalg.inv(lattices[row])
    lowest = stage.energies.copy()
    for done in POTENTIALS["chgnet"](KICK).stream(replace(cells, lattices=lattices, frac_coords=coordinates)):
        lowest[rows[done.row]] = np.fmin(lowest[rows[done.row]], done.energy)
    further = [] if stage.further_energies is None else [stage.further_energies]
    return replace(stage, further_energies=np.column_stack([*further, lowest]))


def half_of(data: Data, half: str, *, systems: int | None = None) -> Data:
    """Half ``A`` or ``B`` of the chemical systems, or the first ``systems`` of it; ``all`` takes all."""
    compositions, which = distinct(data.candidates.formulas.tolist())
    names = np.array([composition.chemical_system for composition in compositions])[which]
    order = np.random.default_rng(20261129).permutation(np.unique(names))
    chosen = {"A": order[::2], "B": order[1::2], "all": order}[half][:systems]
    return data.take(data.candidates.ids[np.isin(names, chosen)])


def settings_of(variant: str, *, seed: int) -> CampaignSettings:
    """A variant as a campaign on a record; protocols are variants, too."""
    told = VARIANTS.get(variant)
    protocol = variant if told is None else "laptop-2026-11"
    overrides, _ = on_record(protocol, seed=seed)
    if told:
        gate = {key: told[key] for key in ("batch", "rule") if key in told}
        overrides["stages"][-1]["gate"] |= gate
        if "views" in told.get("ensemble", {}):
            overrides["stages"][0]["settings"]["also"] = told.get("also", [SECOND])
        overrides |= {key: told[key] for key in ("ensemble", "start", "budget") if key in told}
    return campaign_settings(overrides, protocol=protocol)


def run(data: Data, settings: CampaignSettings, *, until: float) -> list[dict[str, Any]]:
    """One campaign; what had been found after every round."""
    stage, total = settings.stages[-1], len(data.candidates)
    (ensemble,) = settings.by_name.values()
    pool = enter_next_stage(data.stage, None, stage=stage.name)
    chosen = choose_start(pool, settings, total=total)
    waiting, results, rounds, stock = pool.ids[pool.keep], None, [], None
    number, left = 0, None
    while True:
        new = data.record.select(chosen.ids[chosen.keep])
        results = new if results is None else concatenate([results, new])
        waiting = waiting[~np.isin(waiting, new.ids)]
        stock = assess(
            results,
            data.known,
            settings,
            stage=stage,
            number=number,
            total=total,
            waiting=len(waiting),
            previous=stock,
            left=left,
        )
        rounds.append(_found(data, results, stock))
        if stock["stop"] or len(results) >= until * total:
            return rounds
        number += 1
        rows = training_rows(
            data.stage, results, data.known, baseline=stage.gate.baseline, candidates=data.candidates
        ).rows
        fitted = [fit_member(rows, ensemble, member=m, seed=settings.seed) for m in range(ensemble.members)]
        asked = model_rows(
            data.stage, data.known, baseline=stage.gate.baseline, ids=waiting, candidates=data.candidates
        )
        said = predict(gather(fitted, settings=ensemble), asked)
        left = chosen = decide_round(said, results, data.known, settings, stage=stage, number=number, total=total)


def _found(data: Data, results: Labels, stock: dict[str, Any]) -> dict[str, Any]:
    truth = References(
        ids=data.record.ids, formulas=data.record.formulas, energies=data.record.energies, scheme=data.known.scheme
    )
    scores = campaign_scores(truth, data.known, relaxed=results.ids)
    counts = counted(truth, data.known, found=results.ids)
    kinds = {
        name: {mark: round(found / there, 4) if there else None for mark, (found, there) in by.items()}
        for name, by in counts.items()
    }
    promise = stock["promise"] or {}
    return {
        "relaxed": round(len(results) / len(truth), 4),
        "on_hull": round(scores.recall_on_hull, 4),
        "within_25mev": round(scores.recall_25mev, 4),
        "hull_error_max_mev": round(scores.hull_error_max_mev, 1),
        "claim": round(promise["claim"], 4) if promise else None,
        "counts": kinds,
        "stop": stock["stop"],
    }


def main() -> None:
    """Print the result."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--variants", nargs="+", default=["laptop-2026-11"], help=f"{', '.join(VARIANTS)}, or protocols"
    )
    parser.add_argument("--half", choices=["A", "B", "all"], default="A")
    parser.add_argument("--systems", type=int, help="only so many chemical systems of the half")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--until", type=float, default=0.4, help="share of the candidates to relax at most")
    parser.add_argument("--also", nargs="*", default=[SECOND], help="further potentials of stage 0")
    parser.add_argument("--stage-file", type=Path, default=Path("stage0.parquet"))
    parser.add_argument(
        "--kick", action="store_true", help="one more energy of every row, from a cell without symmetry"
    )
    parser.add_argument("--continue-from", action="store_true", help="the record goes on from the potential's cells")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    data = half_of(read(asked.stage_file, also=tuple(asked.also)), asked.half, systems=asked.systems)
    if asked.kick:
        data = replace(data, stage=kicked(data.stage, seed=KICK_SEED))
    remark = ""
    if asked.continue_from:
        continued = continue_from(data.stage, data.candidates, data.record)
        remark = continued.remark(data.stage.stage)
        data = replace(data.take(continued.candidates.ids), record=continued.record)
    head = {"data": data.source, "half": asked.half, "rows": len(data.candidates), "continued": remark, "runs": []}
    for variant in asked.variants:
        for seed in asked.seeds:
            began = time.process_time()
            rounds = run(data, settings_of(variant, seed=seed), until=asked.until)
            at = {str(share): _at(rounds, share) for share in SHARES if rounds[-1]["relaxed"] >= share - 0.005}
            line = {"variant": variant, "seed": seed, "core_seconds": round(time.process_time() - began), "at": at}
            head["runs"].append(
                line | {"last": rounds[-1], "claims": [(r["claim"], r["within_25mev"]) for r in rounds]}
            )
            print(
                variant,
                seed,
                {k: (v["on_hull"], v["within_25mev"], v["claim"]) for k, v in at.items()},
                file=sys.stderr,
            )
    print(json.dumps(head))


def _at(rounds: list[dict[str, Any]], share: float) -> dict[str, Any]:
    """The last round that relaxed no more than a share, to half a percent."""
    return [one for one in rounds if one["relaxed"] <= share + 0.005][-1]


if __name__ == "__main__":
    main()
