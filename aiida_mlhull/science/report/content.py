"""The report before it is a page: sections as JSON, and columns."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.report import page
from aiida_mlhull.science.report.chances import last_chances
from aiida_mlhull.science.report.fields import FIELDS, property_fields
from aiida_mlhull.science.report.found import found
from aiida_mlhull.science.report.funnel import ends, sankey
from aiida_mlhull.science.report.matbench import matbench_columns
from aiida_mlhull.science.report.material import Material
from aiida_mlhull.science.report.methods import methods, nearest_protocol
from aiida_mlhull.science.report.packing import packed
from aiida_mlhull.science.report.quality import as_json, quality
from aiida_mlhull.science.report.rows import CandidateRows, candidate_rows
from aiida_mlhull.science.report.spending import spending
from aiida_mlhull.science.report.spreadsheet import to_csv
from aiida_mlhull.science.report.systems import System, drawn, systems
from aiida_mlhull.science.report.trust import trust
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.units import ON_HULL_TOLERANCE
from aiida_mlhull.science.wire.files import write_whole

FORMAT: Final = "aiida-mlhull report 1"
"""What the JSON twin calls itself; the number changes when a reader has to."""

ColumnArrays = dict[str, NDArray[Any]]


@dataclass(frozen=True, eq=False)
class Report:
    """A report: a page, its JSON twin, and tables.

    Notebooks show the page.

    Attributes:
        sections: name to content, everything JSON can say.
        candidates: columns of the table, one row per candidate.
        rounds: one set of columns per round: ``row`` of the candidate, what was predicted and decided.
        stages: one set of columns per stage that has results.
        cells: crystals by what they are: ``before``, and after each stage; with the rows that they belong to.
        diagrams: the phase diagrams.
        benchmark: the candidates in matbench-discovery's columns.
    """

    sections: Mapping[str, Any]
    candidates: ColumnArrays
    rounds: list[ColumnArrays]
    stages: list[ColumnArrays]
    cells: Mapping[str, tuple[NDArray[Any], Crystals]]
    diagrams: list[System]
    benchmark: ColumnArrays

    def to_html(self) -> str:
        """The page, one file that needs no other and no network."""
        return self._page

    @cached_property
    def _page(self) -> str:
        return page.assemble(self.sections, self._packed())

    def _packed(self) -> dict[str, str]:
        blobs = {"rows": packed(self.candidates)}
        blobs |= {f"round-{i}": packed(columns) for i, columns in enumerate(self.rounds)}
        blobs |= {f"stage-{i}": packed(columns) for i, columns in enumerate(self.stages)}
        blobs |= {f"cells-{name}": packed(_cell_columns(*cells)) for name, cells in self.cells.items()}
        for i, system in enumerate(self.diagrams):
            blobs[f"system-{i}"] = packed({"row": system.rows, "fractions": system.fractions.ravel()})
        blobs["benchmark"] = packed({name: self.benchmark[name] for name in ("volume", "protostructure_initial")})
        return blobs

    def to_json(self) -> str:
        """The JSON twin: all sections, and the candidates, rounds and stages as columns."""
        twin = {
            "format": FORMAT,
            **self.sections,
            "candidates": self.candidates,
            "rounds": self.rounds,
            "stages": self.stages,
        }
        return json.dumps(as_json(twin), allow_nan=False, ensure_ascii=False)

    def to_csv(self) -> str:
        """The table of candidates."""
        return to_csv(self.candidates)

    def to_matbench(self) -> str:
        """The candidates in matbench-discovery's columns."""
        return to_csv(self.benchmark)

    def write(self, path: Path | str) -> None:
        """Write the page; a file that is half written never bears the name."""
        write_whole(Path(path), self.to_html().encode())

    def _repr_html_(self) -> str:
        """The page in a frame of its own, for notebooks."""
        return page.framed(self.to_html())


def make_report(material: Material, *, watts_per_core: float | None = None) -> Report:
    """Compute everything that a report tells.

    Args:
        material: nouns of a campaign, which may still run.
        watts_per_core: what a core draws, for the energy that the campaign has used; left out if None.
    """
    chances = last_chances(material)
    rows = candidate_rows(material, chances)
    fields = (*FIELDS, *(field for known, _ in material.properties for field in property_fields(known)))
    end = ends(material, rows)
    rows.columns["end"] = end
    rows.columns["start_set"] = np.isin(rows.ids, np.asarray(material.started, dtype=np.str_))
    chosen, drawable = systems(material, rows)
    sections = {
        "head": _head(material),
        "now": _now(material, rows),
        "funnel": sankey(material, rows, end),
        "diagrams": {
            "systems": [drawn(system) for system in chosen],
            "drawable": drawable,
            "tolerance": ON_HULL_TOLERANCE,
        },
        "quality": quality(material),
        "found": found(material),
        "cost": spending(material.spending, watts_per_core=watts_per_core),
        "trust": trust(material, rows, chances),
        "methods": methods(material),
        "fields": [asdict(field) for field in fields if field.name in rows.columns],
        "symmetry": {"searched": rows.searched, "labeled": int((rows.columns["prototype"] != "").sum())},
        "rounds_said": [_said(one) for one in material.rounds],
        "stages_said": [stage.name for stage in material.stages if stage.labels is not None],
        "model": material.settings.kinds_of_models,
    }
    return Report(
        sections=as_json(sections),
        candidates={field.name: rows.columns[field.name] for field in fields if field.name in rows.columns}
        | {"relaxed_in": rows.relaxed_in, "hull": rows.hull - rows.mixture, "hull_before": rows.before - rows.mixture},
        rounds=[_round_columns(one, rows) for one in material.rounds],
        stages=[_stage_columns(stage, rows) for stage in material.stages if stage.labels is not None],
        cells=_cells(material, rows),
        diagrams=chosen,
        benchmark=matbench_columns(material, rows),
    )


def _head(material: Material) -> dict[str, Any]:
    who, settings = material.identity, material.settings
    protocol, differences = nearest_protocol(settings)
    gated = any(stage.gate is not None for stage in settings.stages)
    return {
        "name": who.name,
        "pk": who.pk,
        "uuid": who.uuid,
        "state": who.state,
        "running": who.running,
        "created": who.created.isoformat(timespec="seconds"),
        "written": who.written.isoformat(timespec="seconds"),
        "versions": dict(who.versions),
        "standin": who.standin,
        "seed": settings.seed,
        "protocol": protocol,
        "differences": differences,
        "scheme": material.references.scheme,
        "stages": [
            {
                "name": stage.name,
                "engine": stage.engine,
                "rule": None if stage.gate is None else stage.gate.rule,
                "baseline": None if stage.gate is None else stage.gate.baseline,
            }
            for stage in settings.stages
        ],
        "ensemble": settings.models if gated else "none: no stage has a gate",
    }


def _now(material: Material, rows: CandidateRows) -> dict[str, Any]:
    results = material.results
    stock = dict(material.stocks[-1]) if material.stocks else {}
    return {
        "candidates": len(rows),
        "references": len(material.references),
        "relaxed": 0 if results is None else int(results.succeeded.sum()),
        "failed": 0 if results is None else int((~results.succeeded).sum()),
        "on_hull": int((rows.columns["above_hull"] <= ON_HULL_TOLERANCE).sum()),
        "rounds": len(material.rounds),
        "waiting": stock.get("waiting"),
        "stop": stock.get("stop", ""),
        "progress": material.progress,
        "figures": dict(material.figures),
        "stocks": [
            {
                "stage": one["stage"],
                "round": one["round"],
                "relaxed": one["relaxed"],
                "on_hull": len(one["stable"]),
                "new": len(one["new_phases"]),
                "waiting": one["waiting"],
            }
            for one in material.stocks
        ],
        "stages": [
            {
                "name": stage.name,
                "done": 0 if stage.labels is None else int(stage.labels.succeeded.sum()),
                "failed": 0 if stage.labels is None else int((~stage.labels.succeeded).sum()),
            }
            for stage in material.stages
        ],
        "arrivals": [
            {
                "when": one.when.isoformat(timespec="seconds"),
                "stage": one.stage,
                "results": one.results,
                "failed": one.failed,
            }
            for one in material.arrivals
        ],
    }


def _said(one: Any) -> dict[str, Any]:
    decided = one.decisions
    return {
        "title": one.title,
        "stage": decided.stage,
        "round": decided.round,
        "rule": decided.rule,
        "unit": decided.unit,
        "models": one.models,
    }


def _round_columns(one: Any, rows: CandidateRows) -> ColumnArrays:
    decided, predictions = one.decisions, one.predictions
    row = np.searchsorted(rows.ids, decided.ids)
    mean, sigma = np.full(len(decided), np.nan), np.full(len(decided), np.nan)
    at = decided.positions(predictions.ids)
    mean[at], sigma[at] = predictions.mean, predictions.sigma
    return {
        "row": row,
        "formation": mean - rows.mixture[row],
        "above_hull": mean - rows.hull[row],
        "sigma": sigma,
        "keep": decided.keep,
        "reason": decided.reasons,
        "value": decided.values,
        "threshold": decided.thresholds,
        "margin": decided.margins,
    }


def _stage_columns(stage: Any, rows: CandidateRows) -> ColumnArrays:
    labels = stage.labels
    columns = {
        "row": np.searchsorted(rows.ids, labels.ids),
        "energy": labels.energies,
        "failure": labels.failures,
        "core_minutes": labels.core_minutes,
        "process": stage.processes,
    }
    if stage.merged is not None:
        reasons = np.full(len(labels), "", dtype=object)
        reasons[labels.positions(stage.merged.ids)] = stage.merged.reasons
        columns["merging"] = reasons.astype(np.str_)
    return columns


def _cells(material: Material, rows: CandidateRows) -> dict[str, tuple[NDArray[Any], Crystals]]:
    found: dict[str, tuple[NDArray[Any], Crystals]] = {}
    if material.candidates.crystals is not None:
        found["before"] = np.arange(len(rows)), material.candidates.crystals
    for stage in material.stages:
        if stage.labels is not None:
            done = stage.labels.take(stage.labels.succeeded)
            found[stage.name] = np.searchsorted(rows.ids, done.ids), done.crystals
    return found


def _cell_columns(row: NDArray[Any], crystals: Crystals) -> ColumnArrays:
    return {
        "row": row,
        "sites": crystals.n_sites,
        "lattice": crystals.lattices.ravel(),
        "numbers": crystals.numbers,
        "coords": crystals.frac_coords.ravel(),
    }
