"""What a table is about, in a few numbers: the facts that a database indexes and the line that people read."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import fields
from functools import singledispatch
from hashlib import sha256
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import (
    Candidates,
    Crystals,
    Decisions,
    Labels,
    Predictions,
    Reactions,
    Recipes,
    References,
    Table,
)
from aiida_mlhull.science.types.reasons import code_of
from aiida_mlhull.science.types.table import Strings

MAX_SYSTEMS: Final = 256
"""Chemical systems that are listed; a table with more is found by its elements instead."""
MAX_CODES: Final = 32
"""Reason codes that are counted apart; rarer ones are counted together."""
OTHER_CODES: Final = "other"
DIGITS: Final = 9
"""Decimals of summarized energies, so that equal tables have equal summaries after any database."""


def summarize(table: Table) -> dict[str, Any]:
    """The facts of a table as plain JSON, of bounded size whatever the number of rows.

    Energies are in eV/atom. Ranges of nothing (no rows, nothing relaxed) are None, as is the list of
    chemical systems where there are more than :data:`MAX_SYSTEMS`.

    Raises:
        FormulaError: if a formula can't be read.
    """
    stated = [formula for formula in table.formulas.tolist() if formula or not isinstance(table, Recipes)]
    compositions, _ = distinct(stated)
    systems = sorted({composition.chemical_system for composition in compositions})
    return {
        "n_rows": len(table),
        "id_min": str(table.ids[0]) if len(table) else None,
        "id_max": str(table.ids[-1]) if len(table) else None,
        "elements": sorted({symbol for composition in compositions for symbol in composition.symbols}),
        "n_compositions": len(compositions),
        "n_chemical_systems": len(systems),
        "chemical_systems": systems if len(systems) <= MAX_SYSTEMS else None,
        "content_hash": content_hash(table),
        **own_facts(table),
    }


@singledispatch
def own_facts(table: Table) -> dict[str, Any]:
    """The facts that only this kind of table has; see :func:`summarize`."""
    raise TypeError(f"nothing is known about summaries of {type(table).__name__}")


@own_facts.register
def _(table: Candidates) -> dict[str, Any]:
    sites = table.crystals.n_sites if table.crystals is not None else np.empty(0, dtype=np.int64)
    return {
        "has_crystals": table.crystals is not None,
        "n_sites_min": int(sites.min()) if len(sites) else None,
        "n_sites_max": int(sites.max()) if len(sites) else None,
        "n_protostructures": len(set(table.protostructures[table.protostructures != ""].tolist())),
        "origin": table.source,
    }


@own_facts.register
def _(table: Predictions) -> dict[str, Any]:
    return {
        "model": table.model,
        "n_members": int(table.members.shape[1]),
        **_range("energy", table.mean),
        **_range("sigma", table.sigma),
    }


@own_facts.register
def _(table: Decisions) -> dict[str, Any]:
    return {
        "rule": table.rule,
        "stage": table.stage,
        "round": table.round,
        "unit": table.unit,
        "n_kept": int(table.keep.sum()),
        "n_dropped": int((~table.keep).sum()),
        "kept_reasons": count_codes(table.reasons[table.keep]),
        "dropped_reasons": count_codes(table.reasons[~table.keep]),
    }


@own_facts.register
def _(table: Labels) -> dict[str, Any]:
    return {
        "stage": table.stage,
        "engine": table.engine,
        "scheme": table.scheme,
        "cost_basis": table.cost_basis,
        "n_succeeded": int(table.succeeded.sum()),
        "n_failed": int((~table.succeeded).sum()),
        "failure_reasons": count_codes(table.failures[~table.succeeded]),
        "core_minutes": round(float(table.core_minutes.sum()), DIGITS),
        **_range("energy", table.energies[table.succeeded]),
    }


@own_facts.register
def _(table: References) -> dict[str, Any]:
    compositions, _ = distinct(table.formulas.tolist())
    return {
        "scheme": table.scheme,
        "origin": table.source,
        "end_members": sorted(c.symbols[0] for c in compositions if len(c.symbols) == 1),
        **_range("energy", table.energies),
    }


def count_codes(reasons: Strings) -> dict[str, int]:
    """How often each reason code occurs, most frequent first."""
    counts = Counter[str]()
    for reason, count in Counter(reasons.tolist()).items():  # equal ones are read once
        counts[code_of(reason)] += count
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    rest = sum(count for _, count in ranked[MAX_CODES:])
    return dict(ranked[:MAX_CODES]) | ({OTHER_CODES: rest} if rest else {})


@own_facts.register
def _(table: Recipes) -> dict[str, Any]:
    return {
        "origin": table.source,
        "kinds": dict(sorted(Counter(table.kinds.tolist()).items())),
        "n_precursors": len({name for names in table.sets() for name in names}),
        "n_with_amounts": int((table.amounts != "").sum()),
    }


@own_facts.register
def _(table: Reactions) -> dict[str, Any]:
    return {
        "ranking": table.ranking,
        "conditions": table.conditions,
        "scheme": table.scheme,
        "n_deepest": int(table.deepest.sum()),
        "n_published": int((np.nan_to_num(table.precedents) > 0).sum()),
    }


def _range(name: str, values: NDArray[np.float64]) -> dict[str, float | None]:
    ends = (float(values.min()), float(values.max())) if len(values) else (None, None)
    return {
        f"{name}_{end}": None if value is None else round(value, DIGITS)
        for end, value in zip(("min", "max"), ends, strict=True)
    }


def content_hash(table: Table) -> str:
    """SHA-256 of a table's kind, columns and properties: the same however and wherever it was written.

    Unlike a hash of its parquet file it doesn't change with the version of the parquet library.
    """
    digest = sha256(type(table).__name__.encode())
    for field in fields(table):
        digest.update(f"\n{field.name}=".encode())
        for part in _parts(getattr(table, field.name)):
            digest.update(len(part).to_bytes(8, "little"))
            digest.update(part)
    return digest.hexdigest()


def _parts(value: Any) -> list[bytes]:
    """The bytes behind a column or a property; equal numbers give equal bytes whatever their width."""
    if isinstance(value, Crystals):
        arrays = (value.lattices, value.offsets, value.numbers, value.frac_coords)
        return [part for array in arrays for part in _parts(array)]
    if not isinstance(value, np.ndarray):
        return [json.dumps(value, sort_keys=True).encode()]
    shape = f"{value.dtype.kind}{value.shape}".encode()
    if value.dtype.kind == "U":
        return [shape, "\0".join(value.tolist()).encode()]
    if value.dtype.kind == "f":
        value = np.where(np.isnan(value), np.nan, value)
    width = {"f": "<f8", "i": "<i8"}.get(value.dtype.kind, value.dtype.str)
    return [shape, np.ascontiguousarray(value, dtype=width).tobytes()]
