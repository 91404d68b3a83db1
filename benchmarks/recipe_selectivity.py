"""What selectivity adds to sources that were learned from the literature: the first five sets of each target, put in order again.

    python -m benchmarks.recipe_selectivity --json [--data FOLDER] [--seed N] [--most N]

FOLDER holds ``synthesis/solid_state_reactions.parquet`` and ``composition/mp85k_eform_edecomp.parquet``. Asked are published
oxides of two or three metals of chemical systems never seen, for which target, published sources and all sources of
the first five sets are among the phases, and the published set among those five. A choice among the five (conditional logit) by the
learned chance, and by that with reaction energy, C1, C2 and whether the target forms; five folds of chemical systems,
so that no weight was fitted on the system that is asked. Air at 1200 K, solids at 0 K.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from aiida_mlhull.science.errors import MlhullError
from aiida_mlhull.science.hull.phase_space import PhaseSpace, phase_space
from aiida_mlhull.science.hull.reactions.selectivity import Weights, selectivity
from aiida_mlhull.science.hull.reactions.triples import richest_mixtures, selectivity_of_triples
from aiida_mlhull.science.recipes import Literature, read_recipes
from aiida_mlhull.science.recipes.learned import LearnedSources
from aiida_mlhull.science.recipes.retrosynthesis import NONMETALS, metal_sources
from aiida_mlhull.science.representations.composition import SYMBOLS, Composition, chemical_system, reduce_formula
from aiida_mlhull.science.thermochemistry import Conditions, apply
from aiida_mlhull.science.types import References
from benchmarks.places import find
from benchmarks.reaction_hulls import TABLE as PHASES
from benchmarks.reaction_hulls import read
from benchmarks.recipes import TABLE, interval, seen_and_unseen

FIRST = 5
FOLDS = 5
AIR = Conditions(temperature=1200.0, atmosphere="air")
OXYGEN = 8
SETS = 2, 3
WIDEST = 2.0
"""EV/atom beyond which scores count as this much."""


class Scorer:
    """Reaction energy, C1, C2 of sets of sources."""

    def __init__(self, references: References) -> None:
        self.references = references
        self.compositions = [reduce_formula(formula) for formula in references.formulas.tolist()]
        self.known = set(self.compositions)
        self._elements = [frozenset(one.numbers) for one in self.compositions]

    def scores(self, target: Composition, sets: Sequence[frozenset[Composition]]) -> np.ndarray:
        """(s, 3) eV/atom; NaN where the target doesn't form."""
        inside = frozenset(target.numbers).union({OXYGEN}, *(one.numbers for names in sets for one in names))
        rows = np.asarray([i for i, there in enumerate(self._elements) if there <= inside])
        applied = apply(self.references.take(rows), AIR)
        symbols = {SYMBOLS[z - 1] for z in inside}
        space = phase_space(
            applied.references, symbols, potentials={e: v for e, v in applied.potentials.items() if e in symbols}
        )
        goal = space.row(target.formula)
        return np.asarray([self._one(space, goal, names) for names in sets])

    def _one(self, space: PhaseSpace, goal: int, names: frozenset[Composition]) -> list[float]:
        rows = np.asarray([[space.row(one.formula) for one in sorted(names)]])
        try:
            if rows.shape[1] == min(SETS):
                found = selectivity(space, goal, rows)
            elif rows.shape[1] == max(SETS):
                found = selectivity_of_triples(space, goal, rows, richest_mixtures(space, goal, rows))
            else:
                return [np.nan] * 3
        except MlhullError:
            return [np.nan] * 3
        return [float(column[0]) for column in (found.reaction_energy, found.primary, found.secondary)]


def fitted(features: list[np.ndarray], right: list[int], *, weak: float = 1.0) -> np.ndarray:
    """Weights of a choice among sets: conditional logit with a weak pull to zero."""

    def loss(weights: np.ndarray) -> float:
        total = weak * float(weights @ weights)
        for rows, place in zip(features, right, strict=True):
            values = rows @ weights
            total += float(np.logaddexp.reduce(values) - values[place])
        return total

    return np.asarray(minimize(loss, np.zeros(features[0].shape[1]), method="L-BFGS-B").x)


def chosen(features: list[np.ndarray], right: list[int], systems: list[str], columns: list[int]) -> np.ndarray:
    """(n,) place of the published set, by weights from the other folds."""
    different = np.unique(systems)
    folds = dict(
        zip(different.tolist(), (np.random.default_rng(0).permutation(len(different)) % FOLDS).tolist(), strict=True)
    )
    of = np.asarray([folds[name] for name in systems])
    places = np.zeros(len(right), dtype=np.int64)
    for fold in range(FOLDS):
        others = np.flatnonzero(of != fold).tolist()
        weights = fitted([features[i][:, columns] for i in others], [right[i] for i in others])
        for i in np.flatnonzero(of == fold).tolist():
            order = np.argsort(-(features[i][:, columns] @ weights), kind="stable")
            places[i] = int(np.flatnonzero(order == right[i])[0])
    return places


def measured(model: LearnedSources, held: Literature, references: References, *, most: int) -> dict[str, Any]:
    """Shares of first places with and without thermodynamics."""
    scorer = Scorer(references)
    features, right, systems, raw = [], [], [], []
    asked: dict[Composition, tuple[list[frozenset[Composition]], np.ndarray] | None] = {}
    looked, outside = 0, 0
    for target, names in zip(held.targets, map(metal_sources, held.sets), strict=True):
        metals = set(target.numbers) - NONMETALS
        if (
            set(target.numbers) & NONMETALS != {OXYGEN}
            or len(metals) not in SETS
            or not {target, *names} <= scorer.known
        ):
            continue
        if target not in asked and len([one for one in asked.values() if one is not None]) < most:
            asked[target] = _table(model, scorer, target)
        found = asked.get(target)
        if found is None:
            continue
        looked += 1
        sets, table = found
        if names not in sets:
            outside += 1
            continue
        features.append(
            np.column_stack(
                [table[:, 0], np.isfinite(table[:, 1]), np.clip(np.nan_to_num(table[:, 1:]), -WIDEST, WIDEST)]
            )
        )
        raw.append(table)
        right.append(sets.index(names))
        systems.append(chemical_system(target.formula))
    return _compared(features, right, systems, raw) | {"recipes_looked_at": looked, "not_among_first_five": outside}


def _table(
    model: LearnedSources, scorer: Scorer, target: Composition
) -> tuple[list[frozenset[Composition]], np.ndarray] | None:
    """The first sets, and (s, 4) logarithm of their chance, reaction energy, C1, C2; None where phases are missing."""
    sets = model.sets(target, top=FIRST)
    if len(sets) < FIRST or not frozenset().union(*sets) <= scorer.known:
        return None
    return sets, np.column_stack([model.log_chances(target, sets), scorer.scores(target, sets)])


def _compared(
    features: list[np.ndarray], right: list[int], systems: list[str], raw: list[np.ndarray]
) -> dict[str, Any]:
    places = {
        "learned": np.asarray(right),
        "learned_and_selectivity": chosen(features, right, systems, list(range(features[0].shape[1]))),
        "selectivity_alone": chosen(features, right, systems, list(range(1, features[0].shape[1]))),
    }
    weights = Weights()
    for name, score in {
        "gamma": lambda rows: (
            weights.reaction_energy * rows[:, 1] + weights.primary * rows[:, 2] + weights.secondary * rows[:, 3]
        ),
        "driving_force": lambda rows: rows[:, 1],
    }.items():
        orders = [np.argsort(np.nan_to_num(score(rows), nan=np.inf), kind="stable") for rows in raw]
        places[name] = np.asarray([int(np.flatnonzero(o == r)[0]) for o, r in zip(orders, right, strict=True)])
    first = {name: (found == 0).astype(float) for name, found in places.items()}
    result: dict[str, Any] = {
        "recipes": len(right), "systems": len(set(systems)), "chance": 1 / FIRST,
        "scored": round(float(np.mean([np.isfinite(rows[:, 1]).mean() for rows in raw])), 4),
    }  # fmt: skip
    for name, hits in first.items():
        result[name] = {"top_1": round(float(hits.mean()), 4), "top_1_interval": interval(hits, systems)}
    more = first["learned_and_selectivity"] - first["learned"]
    result["selectivity_adds"] = [round(float(more.mean()), 4), *interval(more, systems)]
    result["weights"] = {
        name: round(float(value), 3)
        for name, value in zip(
            ("log_chance", "forms", "reaction_energy", "C1", "C2"), fitted(features, right), strict=True
        )
    }
    return result


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object (always done)")
    parser.add_argument("--data", type=Path, help="folder with the tables")
    parser.add_argument("--seed", type=int, default=0, help="of the split and of the trees")
    parser.add_argument("--most", type=int, default=300, help="targets")
    arguments = parser.parse_args()
    recipes, phases = (find(name, arguments.data) for name in (TABLE, PHASES))
    if recipes is None or phases is None:
        raise SystemExit(f"no {TABLE} or no {PHASES}: name their folder with --data")
    rows = read_recipes(recipes).recipes
    _, unseen, _ = seen_and_unseen(rows, seed=arguments.seed)
    model = LearnedSources(Literature(rows.take(~unseen)), seed=arguments.seed)
    print(
        json.dumps(
            {"seed": arguments.seed}
            | measured(model, Literature(rows.take(unseen)), read(phases), most=arguments.most),
            indent=2,
        )
    )


if __name__ == "__main__":
    main()
