"""Phases that were placed on the hull, as tables and files for people."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.hull.placement import PlacedPhases
from aiida_mlhull.science.units import ENERGY_UNIT

MAPPINGS: Final = ("decomposition", "competing_phases", "chemical_potential_windows_ev")
"""Columns that hold JSON."""

ENCODER: Final = json.JSONEncoder(ensure_ascii=False)
"""One for all rows: ``json.dumps`` makes one per call."""


def hull_columns(placed: PlacedPhases) -> dict[str, Any]:
    """What follows from the hull for every row: plain columns with their unit in the name; mappings as JSON."""
    rows = range(len(placed))
    return {
        "formation_energy_ev_per_atom": placed.formation,
        "e_above_hull_ev_per_atom": placed.e_above_hull,
        "signed_distance_ev_per_atom": placed.signed,
        "phase_separation_energy_ev_per_atom": placed.phase_separation,
        "on_hull": placed.stable,
        "underexplored": placed.underexplored,
        "decomposition": [_json(placed.decomposition(row)) for row in rows],
        "competing_phases": [_json(placed.competing(row)) for row in rows],
        "chemical_potential_windows_ev": [_json(placed.windows(row)) for row in rows],
        "certificate_ev_per_atom": placed.gaps,
    }


def phase_table(placed: PlacedPhases) -> pa.Table:
    """One row per phase, its energy and :func:`hull_columns`."""
    own = {"id": placed.ids.tolist(), "formula": placed.formulas.tolist(), "energy_ev_per_atom": placed.energies}
    return pa.table({**own, **hull_columns(placed), "scheme": [placed.scheme] * len(placed)})


def phase_records(placed: PlacedPhases, rows: Iterable[int]) -> list[dict[str, Any]]:
    """The same as mappings, for JSON."""
    wanted = phase_table(placed).take(list(rows)).to_pylist()
    return [{key: json.loads(value) if key in MAPPINGS else value for key, value in one.items()} for one in wanted]


def write_phases(placed: PlacedPhases, path: Path) -> None:
    """All rows as ``.csv``, ``.parquet`` or ``.json``.

    Raises:
        WireError: if the suffix is another one.
    """
    if path.suffix == ".json":
        text = json.dumps(phase_records(placed, range(len(placed))), indent=1, ensure_ascii=False)
        path.write_text(f"{text}\n", encoding="utf-8")
    elif path.suffix == ".csv":
        pa.csv.write_csv(phase_table(placed), path)
    elif path.suffix == ".parquet":
        pa.parquet.write_table(phase_table(placed), path, compression="zstd")
    else:
        raise WireError(f"{path.name}: phases are written as .csv, .parquet or .json")


def phase_facts(placed: PlacedPhases, row: int) -> list[tuple[str, str]]:
    """Name and value of all that follows from the hull for a row, for people."""
    windows = [f"{element} {low:.3f} to {high:.3f}" for element, (low, high) in placed.windows(row).items()]
    separated = _mixed(placed, placed.competing(row))
    return [
        ("formation energy", f"{placed.formation[row]:.4f} {ENERGY_UNIT}"),
        ("above the hull", f"{placed.e_above_hull[row]:.4f} {ENERGY_UNIT}"),
        ("signed distance", f"{placed.signed[row]:.4f} {ENERGY_UNIT}"),
        (
            "phase separation",
            f"{placed.phase_separation[row]:.4f} {ENERGY_UNIT}{f', into {separated}' if separated else ''}",
        ),
        (
            "decomposes into",
            "nothing, it is on the hull" if placed.stable[row] else _mixed(placed, placed.decomposition(row)),
        ),
        *([("stable for Δμ (eV)", "; ".join(windows))] if windows else []),
        *([("underexplored", "yes, it lies far below its competitors")] if placed.underexplored[row] else []),
        ("certificate", f"{placed.gaps[row]:.0e} {ENERGY_UNIT}"),
    ]


def _mixed(placed: PlacedPhases, phases: Mapping[str, float]) -> str:
    return " + ".join(f"{fraction:.3f} {placed.formula_of[name]} ({name})" for name, fraction in phases.items())


def _json(value: Mapping[str, Any]) -> str:
    return ENCODER.encode(value) if value else "{}"
