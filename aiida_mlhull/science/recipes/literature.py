"""What the literature uses: how often, for what, at which temperature; and the published targets nearest to one."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from aiida_mlhull.science.errors import FormulaError, InputError
from aiida_mlhull.science.recipes.formulas import spelled
from aiida_mlhull.science.recipes.text_mined import KELVIN, ReadRecipes, read_text_mined
from aiida_mlhull.science.representations.composition import SYMBOLS, Composition, reduce_formula
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.recipes import JOINED, Recipes
from aiida_mlhull.science.wire import decode_table

NEIGHBORS: Final = 20
"""Nearest published targets that vote."""
NARROW: Final = 0.05
"""Distance (half the summed differences of fractions) at which a neighbor's vote has fallen to 1/e."""
NEEDED: Final = ("id", "target_composition", "precursor_compositions")


@dataclass(frozen=True)
class Precedent:
    """Published recipes for a target, or for the nearest one, from given precursors.

    Attributes:
        target: the published target.
        distance: between the two compositions, 0 for the target itself.
        count: recipes from exactly these precursors; zero where it was made from others only.
        reference: of the recipe whose temperature is the median one; empty where there is none.
        temperature: K, median; NaN where none is stated.
        hours: h, median; NaN where none is stated.
    """

    target: str
    distance: float
    count: int
    reference: str
    temperature: float
    hours: float


class Literature:
    """Published recipes, ready to be asked.

    Args:
        recipes: with their targets.
    """

    def __init__(self, recipes: Recipes) -> None:
        self.recipes = recipes.take(recipes.formulas != "")
        self.sets = [frozenset(map(reduce_formula, names)) for names in self.recipes.sets()]
        self.targets = [reduce_formula(formula) for formula in self.recipes.formulas.tolist()]
        self.fractions = np.asarray([_fractions(target) for target in self.targets]).reshape(-1, len(SYMBOLS))
        self.uses = Counter(precursor for one in self.sets for precursor in one)
        self._by_element: Counter[int] = Counter()
        for precursor, count in self.uses.items():
            for z in precursor.numbers:
                self._by_element[z] += count

    def __len__(self) -> int:
        return len(self.sets)

    def common(self, *, at_least: int) -> list[str]:
        """Precursors that are used in so many recipes or more, the most frequent first."""
        ranked = sorted(self.uses.items(), key=lambda item: (-item[1], item[0]))
        return [spelled(composition.formula) for composition, count in ranked if count >= at_least]

    def popularity(self, precursor: Composition, within: Composition) -> float:
        """Share of a precursor among the uses of all that bring its rarest element of the target."""
        shared = [self._by_element[z] for z in precursor.numbers if z in within.numbers and self._by_element[z]]
        return self.uses[precursor] / min(shared) if shared else 0.0

    def distances(self, target: Composition) -> Floats:
        """(n,) half the summed differences of atomic fractions; 1 for targets without a common element."""
        return np.asarray(np.abs(self.fractions - _fractions(target)).sum(axis=1) / 2)

    def votes(self, target: Composition) -> dict[frozenset[Composition], float]:
        """Precursor sets of the nearest targets, weighted by nearness; weights sum to one."""
        if not len(self):
            return {}
        away = self.distances(target)
        near = np.argsort(away, kind="stable")[:NEIGHBORS]
        weights = np.exp(-(away[near] - away[near].min()) / NARROW)
        votes: dict[frozenset[Composition], float] = {}
        for row, weight in zip(near.tolist(), (weights / weights.sum()).tolist(), strict=True):
            votes[self.sets[row]] = votes.get(self.sets[row], 0.0) + weight
        return votes

    def precedent(self, target: Composition, precursors: frozenset[Composition]) -> Precedent | None:
        """Published recipes for the target, or for the nearest one that was made from these precursors.

        Where these precursors are not published for any target with the same elements, the nearest target
        is named with a count of zero.
        """
        if not len(self):
            return None
        away = self.distances(target)
        same = [
            row
            for row, one in enumerate(self.sets)
            if one == precursors and set(self.targets[row].numbers) == set(target.numbers)
        ]
        if not same:
            nearest = int(np.argmin(away))
            return Precedent(str(self.recipes.formulas[nearest]), float(away[nearest]), 0, "", np.nan, np.nan)
        best = min(same, key=lambda row: away[row])
        rows = np.asarray([row for row in same if self.targets[row] == self.targets[best]])
        temperatures = self.recipes.temperatures[rows]
        stated = rows[np.isfinite(temperatures)]
        usual = best
        if len(stated):
            middle = float(np.median(self.recipes.temperatures[stated]))
            usual = int(stated[np.argmin(np.abs(self.recipes.temperatures[stated] - middle))])
        return Precedent(
            target=str(self.recipes.formulas[best]),
            distance=float(away[best]),
            count=len(rows),
            reference=str(self.recipes.references[usual]),
            temperature=float(np.nanmedian(temperatures)) if len(stated) else np.nan,
            hours=_median(self.recipes.hours[rows]),
        )


def _median(values: Floats) -> float:
    stated = values[np.isfinite(values)]
    return float(np.median(stated)) if len(stated) else np.nan


def _fractions(composition: Composition) -> Floats:
    vector = np.zeros(len(SYMBOLS))
    vector[np.asarray(composition.numbers) - 1] = np.asarray(composition.counts) / composition.atoms
    return vector


def read_recipes(path: Path) -> ReadRecipes:
    """Recipes from the text-mined JSON, from a table that this package wrote, or from a converted table.

    A converted table (.parquet) has ``id``, ``target_composition`` and ``precursor_compositions`` (JSON), and may
    have ``precursor_amounts``, ``actions``, ``max_heating_temperature_c``, ``max_heating_time_h``, ``atmospheres`` and ``doi``.

    Raises:
        InputError: if it is none of these.
    """
    if path.suffix != ".parquet":
        return read_text_mined(path)
    try:
        table = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{path.name} is not a readable parquet file: {error}") from error
    if b"mlhull" in (table.schema.metadata or {}):
        return ReadRecipes(decode_table(Recipes, path.read_bytes(), name=path.name), {})
    missing = [name for name in NEEDED if name not in table.column_names]
    if missing:
        raise InputError(f"{path.name} is not a table of recipes: it has no columns {', '.join(missing)}")
    rows: list[dict[str, Any]] = []
    bad: dict[str, str] = {}
    for row in table.to_pylist():
        try:
            rows.append(_converted(row))
        except (FormulaError, ValueError, TypeError) as error:
            bad[str(row["id"])] = str(error)
    if not rows:
        raise InputError(f"{path.name}: none of {table.num_rows} rows is a recipe")
    return ReadRecipes(Recipes.from_rows(**{k: [row[k] for row in rows] for k in rows[0]}, source=path.name), bad)


def _converted(row: dict[str, Any]) -> dict[str, Any]:
    """The columns of one row of a converted table."""
    names = [_formula(atoms) for atoms in json.loads(row["precursor_compositions"])]
    listed = list(row.get("precursor_amounts") or [])
    merged: dict[str, float] = {}
    for i, name in enumerate(names):
        merged[name] = merged.get(name, 0.0) + (listed[i] if i < len(listed) else np.nan)
    ordered = sorted(merged)
    celsius, hours = row.get("max_heating_temperature_c"), row.get("max_heating_time_h")
    complete = len(listed) == len(names) and all(np.isfinite(merged[name]) for name in ordered)
    return {
        "ids": row["id"],
        "formulas": _formula(json.loads(row["target_composition"])),
        "precursors": JOINED.join(ordered),
        "amounts": " ".join(f"{merged[name]:.6g}" for name in ordered) if complete else "",
        "actions": " ".join(row.get("actions") or []),
        "temperatures": np.nan if celsius is None else float(celsius) + KELVIN,
        "hours": np.nan if hours is None else float(hours),
        "atmospheres": ", ".join(row.get("atmospheres") or []),
        "references": row.get("doi") or "",
        "kinds": "solid_state",
        "parents": "",
    }


def _formula(atoms: dict[str, float]) -> str:
    text = "".join(f"{element}{amount:.6g}" for element, amount in sorted(atoms.items()) if amount > 0)
    return spelled(text)
