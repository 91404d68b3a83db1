"""A report of many candidates: how long it takes to make, how large it is, how fast a browser works with it.

    python -m benchmarks.report --rows 100000 --json

The campaign is made up (chemistry, crystals and energies are drawn), what is done with it is not: decisions are those of
the keep-rule, outcomes and hulls those of a campaign. The peer is pandas: the same table as ``DataFrame.to_html``.
"""

from __future__ import annotations

import argparse
import json
import time
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from aiida_mlhull.science.campaign import (
    CampaignSettings,
    assess,
    decide_round,
    enter_first_stage,
    enter_next_stage,
    final_outcomes,
)
from aiida_mlhull.science.report import (
    Arrival,
    Identity,
    Material,
    RoundMaterial,
    Spending,
    StageMaterial,
    make_report,
)
from aiida_mlhull.science.representations.composition import NUMBERS, fraction_matrix
from aiida_mlhull.science.types import Candidates, Crystals, Decisions, Labels, Predictions, References
from aiida_mlhull.science.types.reasons import Reason
from benchmarks.browser import opened

ELEMENTS = (
    "Li",
    "Na",
    "K",
    "Mg",
    "Ca",
    "Sr",
    "Ti",
    "Zr",
    "Zn",
    "Al",
    "Ga",
    "Si",
    "Sn",
    "N",
    "P",
    "As",
    "O",
    "S",
    "Se",
    "Cl",
)
SHAPES = (
    (1, 1, 1),
    (1, 1, 2),
    (1, 2, 1),
    (2, 1, 1),
    (1, 2, 3),
    (1, 1, 3),
    (2, 2, 1),
    (1, 1),
    (1, 2),
    (2, 3),
    (1, 1, 1, 2),
)
LABELS = ("ABC_cF12_216_a_b_c", "AB2_tP6_136_a_f", "AB_cF8_225_a_b", "ABC3_oP20_62_c_a_cd", "ABC2_hP4_156_a_b_ab")
SCHEME = "PBE, drawn at random"
HOSTILE = (
    "<script>document.title='run'</script>",
    "=1+1",
    "+cmd",
    "-2",
    "@SUM(A1)",
    'a "quoted", id',
    "Ångström & Co",
    "<b>bold</b>",
)
"""Ids that markup and spreadsheets trip over."""


@dataclass(frozen=True, eq=False)
class _World:
    """Drawn candidates and their true energies."""

    candidates: Candidates
    energies: Any
    references: References


def made_material(
    rows: int, *, seed: int = 0, systems: int = 150, record: bool = True, running: bool = False
) -> Material:
    """A campaign of two stages and three rounds.

    Args:
        rows: candidates.
        seed: of everything.
        systems: chemical systems that the candidates are spread over.
        record: whether the truth about all of them is known.
        running: whether it goes on.
    """
    rng = np.random.default_rng(seed)
    world = _world(rows, systems, rng)
    settings = CampaignSettings.model_validate(
        {
            "name": "made-up",
            "seed": seed,
            "start": max(rows // 20, 8),
            "stages": [
                {"name": "potential", "engine": "potential", "merge": {"audit_fraction": 0.1}},
                {
                    "name": "final",
                    "engine": "recorded",
                    "core_minutes": 605,
                    "gate": {"rule": "two_sigma", "rounds": 3, "batch": max(rows // 20, 8)},
                },
            ],
        }
    )
    first, merged = _first_stage(world, rng)
    waiting = world.candidates.take(~np.isin(world.candidates.ids, merged.ids[~merged.keep]) & first.succeeded)
    start = np.sort(rng.permutation(waiting.ids)[: max(rows // 20, 8)])
    done, rounds, pool = list(start), [], waiting.without(start)
    stocks: list[dict[str, Any]] = []
    for number in (1, 2, 3):
        results = _results(world, np.sort(np.asarray(done)), rng=np.random.default_rng(seed + 1))
        predictions = _predictions(world, pool, spread=0.15 / number, rng=rng)
        decided = decide_round(
            predictions, results, world.references, settings, stage=settings.stages[1], number=number, total=rows
        )
        rounds.append(RoundMaterial(decisions=decided, predictions=predictions, models="5 x trees_gp"))
        kept = decided.ids[decided.keep].tolist()
        done += kept
        pool = pool.without(kept)
        stocks.append(
            assess(
                results,
                world.references,
                settings,
                stage=settings.stages[1],
                number=number,
                total=rows,
                waiting=len(pool),
                previous=stocks[-1] if stocks else None,
                left=decided,
            )
        )
    results = _results(world, np.sort(np.asarray(done)), rng=np.random.default_rng(seed + 1))
    trail = [
        enter_first_stage(world.candidates, stage="potential"),
        _dropped(first, merged),
        *(one.decisions for one in rounds),
    ]
    now = datetime(2026, 11, 1, 12, tzinfo=timezone.utc)
    return Material(
        identity=Identity(
            name="made-up",
            pk=1234567,
            uuid="00000000-0000-0000-0000-000000000000",
            state="waiting" if running else "finished",
            running=running,
            created=now,
            written=now + timedelta(hours=9),
            versions={"aiida-core": "2.9.4"},
        ),
        settings=settings,
        candidates=world.candidates,
        references=world.references,
        outcomes=final_outcomes(world.candidates, trail, results, world.references),
        started=start.tolist(),
        stages=[
            StageMaterial(name="potential", labels=first, processes=np.full(len(first), 1300001), merged=merged),
            StageMaterial(name="final", labels=results, processes=np.full(len(results), 1300777)),
        ],
        rounds=rounds,
        stocks=stocks,
        arrivals=[
            Arrival(when=now + timedelta(minutes=9 * i), stage="final", results=len(done) // 40, failed=i % 3)
            for i in range(40)
        ],
        spending=Spending(
            ledger=[
                {"what": "final", "by": "recorded", "runs": len(done), "failed": 0, "core_minutes": 605.0 * len(done),
                 "core_minutes_each": 605.0, "cost": "nominal"},
            ],
            spent=605.0 * len(done),
            without=605.0 * rows,
            saved=1 - len(done) / rows,
        ),
        record=_results(world, world.candidates.ids, rng=np.random.default_rng(seed + 1)) if record else None,
        order=done,
    )  # fmt: skip


def _world(rows: int, systems: int, rng: np.random.Generator) -> _World:
    chosen = [rng.choice(ELEMENTS, size=4, replace=False) for _ in range(systems)]
    formulas, sites = [], []
    for _ in range(rows):
        shape = SHAPES[rng.integers(len(SHAPES))]
        symbols = sorted(chosen[rng.integers(systems)][: len(shape)])
        formulas.append("".join(f"{s}{n if n > 1 else ''}" for s, n in zip(symbols, shape, strict=True)))
        cell = [NUMBERS[s] for s, n in zip(symbols, shape, strict=True) for _ in range(n)]
        sites.append(cell * int(rng.integers(1, 4)))
    ids = [*HOSTILE[: min(len(HOSTILE), rows // 4)]]
    ids += [f"made-{i:07d}" for i in range(rows - len(ids))]
    lattices = [np.diag(rng.uniform(3.0, 9.0, 3)) for _ in range(rows)]
    coords = [rng.random((len(cell), 3)) for cell in sites]
    candidates = Candidates.from_rows(
        ids=ids,
        formulas=formulas,
        crystals=Crystals.from_lists(lattices, sites, coords),
        protostructures=[f"{LABELS[i % len(LABELS)]}:X-Y-Z" for i in range(rows)],
        origins=[f"made up, row {i}" for i in range(rows)],
    )
    plane = rng.uniform(-6.0, -1.0, len(ELEMENTS))
    compounds = list(dict.fromkeys(candidates.formulas.tolist()))[::9]
    names = [*ELEMENTS, *compounds]
    mixture = fraction_matrix(names, ELEMENTS) @ plane
    depth = np.concatenate([np.zeros(len(ELEMENTS)), rng.uniform(0.1, 0.5, len(compounds))])
    references = References.from_rows(
        ids=[f"known-{i}" for i in range(len(names))], formulas=names, energies=mixture - depth, scheme=SCHEME
    )
    energies = fraction_matrix(candidates.formulas.tolist(), ELEMENTS) @ plane - rng.normal(0.1, 0.18, rows)
    return _World(candidates, energies, references)


def _first_stage(world: _World, rng: np.random.Generator) -> tuple[Labels, Decisions]:
    """All candidates through a cheap stage; one in a hundred fails, one in thirty is another one's twin."""
    candidates, n = world.candidates, len(world.candidates)
    failed = rng.random(n) < 0.01  # noqa: PLR2004
    assert candidates.crystals is not None
    labels = Labels(
        ids=candidates.ids, formulas=candidates.formulas,
        energies=np.where(failed, np.nan, world.energies + rng.normal(0.0, 0.05, n)),
        crystals=candidates.crystals, failures=np.where(failed, str(Reason.OUT_OF_TIME), ""),
        core_minutes=rng.uniform(0.01, 0.05, n), stage="potential", engine="potential", scheme="a potential",
        protostructures=candidates.protostructures,
    )  # fmt: skip
    good = labels.take(labels.succeeded)
    twin = rng.random(len(good)) < 1 / 30
    twin[0] = False
    reasons = np.where(twin, f"same_as {good.ids[0]}", "unique")
    zeros = np.zeros(len(good))
    merged = Decisions(
        ids=good.ids, formulas=good.formulas, keep=~twin, reasons=reasons, values=zeros, thresholds=zeros + 0.002,
        margins=zeros, scores=zeros, rule="merge", stage="potential",
    )  # fmt: skip
    return labels, merged


def _dropped(labels: Labels, merged: Decisions) -> Decisions:
    """Candidates that failed in the first stage, or were merged after it."""
    return enter_next_stage(labels, merged, stage="final")


def _results(world: _World, ids: Any, *, rng: np.random.Generator) -> Labels:
    rows = world.candidates.positions(ids)
    mine = world.candidates.take(rows)
    assert mine.crystals is not None
    failed = rng.random(len(world.candidates))[rows] < 0.02  # noqa: PLR2004
    return Labels(
        ids=mine.ids, formulas=mine.formulas, energies=np.where(failed, np.nan, world.energies[rows]),
        crystals=mine.crystals, failures=np.where(failed, f"{Reason.NOT_CONVERGED_IONICALLY}: 60 steps", ""),
        core_minutes=np.full(len(mine), 605.0), stage="final", engine="recorded", scheme=SCHEME, cost_basis="nominal",
        protostructures=mine.protostructures,
    )  # fmt: skip


def _predictions(world: _World, pool: Candidates, *, spread: float, rng: np.random.Generator) -> Predictions:
    rows = world.candidates.positions(pool.ids)
    mean = world.energies[rows] + rng.normal(0.0, spread, len(rows))
    return Predictions(
        ids=pool.ids, formulas=pool.formulas, members=mean[:, None] + rng.normal(0.0, spread / 2, (len(rows), 5)),
        member_aleatoric=np.full((len(rows), 5), spread), model="trees_gp",
    )  # fmt: skip


def measure(rows: int, *, browser: bool) -> dict[str, Any]:
    """Seconds and bytes of a report of so many candidates."""
    material = replace(made_material(rows), comparisons={})
    begun = (time.perf_counter(), time.process_time())
    report = make_report(material)
    made = time.perf_counter() - begun[0]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "report.html"
        report.write(path)
        written, computed = time.perf_counter() - begun[0], time.process_time() - begun[1]
        found: dict[str, Any] = {
            "rows": rows,
            "made_seconds": round(made, 2),
            "written_seconds": round(written, 2),
            "written_cpu_seconds": round(computed, 2),
            "megabytes": round(path.stat().st_size / 1e6, 2),
        }
        before = time.perf_counter()
        peer = pd.DataFrame(report.candidates).to_html()
        found["peer"] = "pandas.DataFrame.to_html of the same table"
        found["peer_seconds"] = round(time.perf_counter() - before, 2)
        found["peer_megabytes"] = round(len(peer.encode()) / 1e6, 2)
        if browser:
            found |= opened(path)
    return found


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--no-browser", action="store_true")
    parser.add_argument("--json", action="store_true", help="one JSON object; printed anyway")
    asked = parser.parse_args()
    print(json.dumps(measure(asked.rows, browser=not asked.no_browser)))


if __name__ == "__main__":
    main()
