"""Reader of the text-mined syntheses of Kononova et al., Sci. Data 6 (2019) 203, as they are published in JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.errors import FormulaError, InputError
from aiida_mlhull.science.reading.warned import UNREADABLE, unpacked_bytes
from aiida_mlhull.science.recipes.expressions import evaluate
from aiida_mlhull.science.recipes.formulas import spelled
from aiida_mlhull.science.types.recipes import JOINED, KINDS, Recipes

KELVIN: Final = 273.15
HOURS: Final = {"h": 1.0, "min": 1 / 60, "s": 1 / 3600, "d": 24.0, "day": 24.0, "days": 24.0, "week": 168.0}
SYNTHESES: Final = {"solid-state": "solid_state", "sol-gel": "sol_gel", "hydrothermal": "hydrothermal"}
TRACE: Final = 1e-9
DOPED: Final = 0.15
"""Share of its site that an element may have to count as a dopant of the target."""


@dataclass(frozen=True)
class ReadRecipes:
    """What a file held.

    Attributes:
        recipes: rows that could be read.
        bad_rows: row of the file to why it could not be read.
    """

    recipes: Recipes
    bad_rows: Mapping[str, str]


def read_text_mined(path: Path) -> ReadRecipes:
    """Recipes of a JSON file (``.json``, ``.json.gz``, ``.json.xz``), every bad row named.

    Ranges of variables are set to their middle; where that gives a negative amount, to the listed value
    nearest to it that does not.

    Raises:
        InputError: if the file is not such a data set.
    """
    try:
        content = json.loads(unpacked_bytes(path))
    except UNREADABLE as error:
        raise InputError(f"{path.name} can't be read as JSON: {error}") from error
    rows = content.get("reactions") if isinstance(content, dict) else content
    if not isinstance(rows, list):
        raise InputError(f"{path.name} holds neither a list of reactions nor one under the key 'reactions'")
    return from_reactions(rows, source=path.name)


def from_reactions(rows: Iterable[Any], *, source: str) -> ReadRecipes:
    """Recipes of entries as they stand in the file."""
    columns: dict[str, list[Any]] = {name: [] for name in _COLUMNS}
    bad: dict[str, str] = {}
    for number, row in enumerate(rows):
        name = f"{number:06d}"
        try:
            one = _recipe(row)
        except (InputError, KeyError, TypeError, ValueError, AttributeError) as error:
            bad[name] = (
                f"{type(error).__name__}: {error}" if isinstance(error, (KeyError, AttributeError)) else str(error)
            )
            continue
        for column, value in {"ids": name, **one}.items():
            columns[column].append(value)
    empty = {name: np.empty(0, dtype=np.float64 if name in {"temperatures", "hours"} else np.str_) for name in _COLUMNS}
    return ReadRecipes(Recipes.from_rows(**(columns if columns["ids"] else empty), source=source), bad)


_COLUMNS: Final = (
    "ids", "formulas", "precursors", "amounts", "actions", "temperatures", "hours", "atmospheres", "references",
    "kinds", "parents",
)  # fmt: skip


def _recipe(row: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of one entry."""
    target = _settled(row["target"])
    amounts: dict[str, float] = {}
    sides = {part["material"]: part["amount"] for part in row.get("reaction", {}).get("left_side", [])}
    for material in row["precursors"]:
        name = _name(_composition(material, {}))
        amounts[name] = amounts.get(name, 0.0) + _side_amount(sides, material, target[1])
    if len(amounts) < 2:  # noqa: PLR2004
        raise InputError(f"{len(amounts)} precursors: nothing reacts")
    ordered = sorted(amounts)
    known = all(math.isfinite(amounts[name]) and amounts[name] >= 0 for name in ordered)
    operations = row.get("operations", [])
    return {
        "formulas": _name(target[0]),
        "precursors": JOINED.join(ordered),
        "amounts": " ".join(f"{amounts[name]:.6g}" for name in ordered) if known else "",
        "actions": " ".join(str(step["type"]) for step in operations),
        "temperatures": _largest(_conditions(operations, "heating_temperature"), _kelvin),
        "hours": _largest(_conditions(operations, "heating_time"), _hours),
        "atmospheres": ", ".join(sorted(set(map(str, _conditions(operations, "heating_atmosphere"))))),
        "references": str(row.get("doi", "")),
        "kinds": SYNTHESES.get(str(row.get("synthesis_type", "")).split("_")[0], KINDS[-1]),
        "parents": _parent(target[0]),
    }


def _settled(material: Mapping[str, Any]) -> tuple[dict[str, float], dict[str, float]]:
    """Atoms of a target, and the values of its variables that they were reckoned with."""
    if material.get("elements_vars"):
        raise InputError(f"the target {material.get('material_string')!r} names elements by a variable")
    choices = {name: _values(name, given) for name, given in (material.get("amounts_vars") or {}).items()}
    reason = ""
    for values in product(*choices.values()):
        variables = dict(zip(choices, values, strict=True))
        try:
            return _composition(material, variables), variables
        except InputError as error:
            reason = reason or str(error)
    raise InputError(reason)


def _values(name: str, given: Any) -> list[float]:
    """Values to try for a variable, the middle of its range first."""
    if isinstance(given, Mapping):
        listed = [float(value) for value in given.get("values") or []]
        stated = (given.get("min_value"), given.get("max_value"))
        ends = [float(value) for value in stated if value is not None] or listed
    else:
        listed = [float(value) for value in given]
        ends = listed
    if not ends:
        raise InputError(f"the variable {name} has no value")
    middle = (min(ends) + max(ends)) / 2
    return [middle, *sorted(listed, key=lambda value: abs(value - middle))]


def _composition(material: Mapping[str, Any], variables: Mapping[str, float]) -> dict[str, float]:
    """Element to atoms; oxygen's deficiency counts as none."""
    atoms: dict[str, float] = {}
    for part in material["composition"]:
        weight = evaluate(str(part.get("amount", "1")), variables)
        for element, amount in part["elements"].items():
            atoms[element] = atoms.get(element, 0.0) + weight * evaluate(str(amount), variables)
    negative = sorted(element for element, amount in atoms.items() if amount < -TRACE)
    if negative:
        raise InputError(f"negative amounts of {', '.join(negative)} in {material.get('material_string')!r}")
    return {element: amount for element, amount in atoms.items() if amount > TRACE}


def _name(atoms: Mapping[str, float]) -> str:
    """A formula of at most 1,000 as denominator of its amounts."""
    try:
        return spelled("".join(f"{element}{amount:.6g}" for element, amount in sorted(atoms.items())))
    except FormulaError as error:
        raise InputError(str(error)) from error


def _side_amount(sides: Mapping[str, Any], material: Mapping[str, Any], variables: Mapping[str, float]) -> float:
    """Moles of a precursor in the balanced equation; NaN where it is not in there or can't be evaluated."""
    formula, name = str(material.get("material_formula")), str(material.get("material_string"))
    text = sides.get(formula, sides.get(name))
    try:
        return math.nan if text is None else evaluate(str(text), variables)
    except InputError:
        return math.nan


def _conditions(operations: Iterable[Mapping[str, Any]], name: str) -> list[Any]:
    """All values of one condition of all steps."""
    values: list[Any] = []
    for step in operations:
        here = (step.get("conditions") or {}).get(name) or []
        values += here if isinstance(here, list) else [here]
    return values


def _largest(values: Iterable[Any], read: Any) -> float:
    numbers = [number for value in values for number in read(value) if math.isfinite(number)]
    return max(numbers, default=math.nan)


def _numbers(value: Mapping[str, Any]) -> list[float]:
    listed = value.get("values") or [value.get("max_value")]
    return [float(number) for number in listed if number is not None]


def _kelvin(value: Mapping[str, Any]) -> list[float]:
    shift = 0.0 if str(value.get("units")) == "K" else KELVIN
    return [number + shift for number in _numbers(value)]


def _hours(value: Mapping[str, Any]) -> list[float]:
    factor = HOURS.get(str(value.get("units")).strip().lower(), math.nan)
    return [number * factor for number in _numbers(value)]


def _parent(atoms: Mapping[str, float]) -> str:
    """The target without cations that are present in small amounts, or empty where there are none."""
    whole = sum(atoms.values())
    largest = max(atoms.values()) / whole
    minor = [element for element, amount in atoms.items() if amount / whole < DOPED * largest and amount < 1]
    kept = {element: float(max(round(amount), 1)) for element, amount in atoms.items() if element not in minor}
    return _name(kept) if minor and len(kept) > 1 else ""
