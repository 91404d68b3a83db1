"""The funnel as a flow: from all candidates through stages and gates to the hull, and where the others left it."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import isnan
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.report.material import Material
from aiida_mlhull.science.report.rows import NOT_CONSIDERED, CandidateRows
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.units import MEV_PER_EV, ON_HULL_TOLERANCE

EDGES: Final = (0.100, 0.050, 0.025)
"""eV/atom above the hull, widest first."""
ALL: Final = "candidates"
ON_HULL: Final = "on the hull"
WAITS: Final = (Reason.BATCH_FULL, Reason.NOT_IN_START_SET, Reason.NOT_ASKED, Reason.OPEN, NOT_CONSIDERED)
"""Reasons of candidates that are still open."""


def ends(material: Material, rows: CandidateRows) -> Strings:
    """(n,) where each candidate left the funnel, in words that name one place in it."""
    reasons, details = rows.columns["reason"].tolist(), rows.columns["details"].tolist()
    height = rows.columns["above_hull"].tolist()
    names = [stage.name for stage in material.stages]
    found = []
    for reached, reason, detail, above in zip(rows.reached.tolist(), reasons, details, height, strict=True):
        if not isnan(above):  # it has an energy of the last stage
            found.append(_band(above))
        elif reason == Reason.FAILED:
            found.append(f"{names[reached - 1] if reached else names[0]} failed: {_first(detail)}")
        elif reason == Reason.SAME_AS:
            found.append(f"merged after {names[max(reached, 1) - 1]}")
        else:
            found.append(f"{_gate(names[min(reached, len(names) - 1)])}: {reason}")
    return np.asarray(found, dtype=np.str_)


def _first(detail: str) -> str:
    return detail.partition(":")[0] or "no reason given"


def _gate(stage: str) -> str:
    return f"before {stage}"


def _band(above: float) -> str:
    """The narrowest band that holds a distance in eV/atom."""
    if above <= ON_HULL_TOLERANCE:
        return ON_HULL
    inner = 0.0
    for edge in reversed(EDGES):
        if above <= edge:
            return _between(inner, edge)
        inner = edge
    return f"> {MEV_PER_EV * EDGES[0]:.0f} meV"


def _between(inner: float, outer: float) -> str:
    return f"{MEV_PER_EV * inner:.0f}–{MEV_PER_EV * outer:.0f} meV"


def sankey(material: Material, rows: CandidateRows, end: Strings) -> dict[str, Any]:
    """Nodes and links of the flow.

    Returns:
        JSON: ``nodes`` (``name``, ``kind``, ``count``, ``ends``, ``start_set``) and ``links`` (``source``, ``target`` by
        position, ``count``, ``ends``, ``start_set``). Rows whose column ``end`` is among ``ends`` have come through;
        only those of the start set where ``start_set`` is true, only the others where it is false.
    """
    started = np.isin(rows.ids, np.asarray(material.started, dtype=np.str_))
    combinations = Counter(zip(rows.reached.tolist(), end.tolist(), started.tolist(), strict=True))
    nodes: dict[str, dict[str, Any]] = {}
    links: dict[tuple[str, str, bool | None], dict[str, Any]] = {}
    for (reached, last, first), count in sorted(combinations.items(), key=lambda one: -one[1]):
        path = _path(material, reached, last, in_start_set=first)
        for name, kind in path:
            node = nodes.setdefault(name, {"name": name, "kind": kind, "count": 0, "ends": [], "start_set": None})
            node["start_set"] = False if kind == "gate" else None  # the start set goes around gates
            node["count"] += count
            node["ends"] += [] if last in node["ends"] else [last]
        for (source, _), (target, kind) in pairwise(path):
            marked = first if kind in {"stage", "gate"} else None
            link = links.setdefault((source, target, marked), {"count": 0, "ends": [], "start_set": marked})
            link["count"] += count
            link["ends"] += [] if last in link["ends"] else [last]
    order = {name: position for position, name in enumerate(nodes)}
    return {
        "nodes": list(nodes.values()),
        "links": [
            {"source": order[source], "target": order[target], **link} for (source, target, _), link in links.items()
        ],
    }


def _path(material: Material, reached: int, end: str, *, in_start_set: bool) -> list[tuple[str, str]]:
    """Places that a candidate has passed, each with its kind."""
    stages = material.settings.stages
    path = [(ALL, "all")]
    for stage in stages[:reached]:
        if stage.gate is not None and not in_start_set:
            path.append((_gate_name(stage.name, stage.gate.rule), "gate"))
        path.append((f"{stage.name} relaxed", "stage"))
    if end == ON_HULL or end.endswith(" meV"):
        return [*path, *_bands(end)]
    waits = end.rpartition(": ")[2] in WAITS
    if reached < len(stages) and end.startswith("before "):
        entered = stages[reached]
        if entered.gate is not None and end.rpartition(": ")[2] not in {NOT_CONSIDERED, Reason.NOT_ASKED}:
            path.append((_gate_name(entered.name, entered.gate.rule), "gate"))
    return [*path, (end, "waits" if waits else "left")]


def _gate_name(stage: str, rule: str) -> str:
    return f"gate of {stage} ({rule})"


def _bands(end: str) -> list[tuple[str, str]]:
    """Every band that a relaxed candidate lies in, the widest first."""
    chain = []
    inner = [*EDGES[1:], 0.0]
    for edge, below in zip(EDGES, inner, strict=True):
        outside = _between(below, edge)
        chain.append((f"≤ {MEV_PER_EV * edge:.0f} meV", "near"))
        if end == outside:
            return [*chain, (end, "above")]
    return [*chain, (ON_HULL, "hull")] if end == ON_HULL else [(end, "above")]
