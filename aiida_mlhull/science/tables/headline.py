"""One line that tells people what a table holds, made from its facts alone.

Facts come from :func:`aiida_mlhull.science.tables.summary.summarize` or from a database that keeps
them, so that a list of a thousand tables is printed without opening one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from aiida_mlhull.science.types import Candidates, Decisions, Labels, Predictions, Reactions, Recipes, References, Table
from aiida_mlhull.science.types.reasons import Reason, with_detail
from aiida_mlhull.science.units import COST_UNIT, ENERGY_UNIT

Facts = Mapping[str, Any]
MAX_SHOWN: Final = 4
"""Chemical systems or reason codes that a headline names."""


def headline(noun: type[Table], facts: Facts) -> str:
    """The line for a table of kind ``noun`` with these facts."""
    return _HEADLINES[noun](facts)


def _candidates(facts: Facts) -> str:
    return _sentence(f"{facts['n_rows']} candidates in {_systems(facts)}", _sizes(facts), _origin(facts))


def _predictions(facts: Facts) -> str:
    return _sentence(
        f"{facts['n_rows']} predictions by {facts['n_members']} members of {facts['model'] or 'an unnamed model'}",
        _systems(facts),
        f"{_span(facts, 'energy')} {ENERGY_UNIT}",
        f"sigma {_span(facts, 'sigma')} {ENERGY_UNIT}",
    )


def _decisions(facts: Facts) -> str:
    dropped = _counts(facts["dropped_reasons"])
    return _sentence(
        f"{facts['n_kept']} of {facts['n_rows']} kept by {facts['rule']}",
        f"stage {facts['stage'] or '-'}, round {facts['round']}",
        f"dropped: {dropped}" if dropped else "",
    )


def _labels(facts: Facts) -> str:
    failed = _counts(facts["failure_reasons"])
    return _sentence(
        f"{facts['n_succeeded']} of {facts['n_rows']} relaxed by {facts['engine']}",
        f"stage {facts['stage'] or '-'}",
        facts["scheme"],
        f"{facts['core_minutes']:.6g} {COST_UNIT} ({facts['cost_basis']})",
        with_detail(Reason.FAILED, failed) if failed else "",
    )


def _references(facts: Facts) -> str:
    return _sentence(
        f"{facts['n_rows']} phases of {len(facts['elements'])} elements",
        facts["scheme"],
        _origin(facts),
        f"sha256 {facts['content_hash'][:12]}",
    )


def _recipes(facts: Facts) -> str:
    kinds = ", ".join(f"{kind} {count}" for kind, count in facts["kinds"].items())
    return _sentence(f"{facts['n_rows']} recipes from {facts['n_precursors']} precursors", kinds, _origin(facts))


def _reactions(facts: Facts) -> str:
    return _sentence(
        f"{facts['n_rows']} reactions to {_targets(facts)} in {_systems(facts)}, by {facts['ranking']}",
        facts["conditions"],
        f"{facts['n_deepest']} with the target as the deepest point, {facts['n_published']} published",
    )


def _targets(facts: Facts) -> str:
    count = facts["n_compositions"]
    return "1 target" if count == 1 else f"{count} targets"


def _sizes(facts: Facts) -> str:
    smallest, largest = facts["n_sites_min"], facts["n_sites_max"]
    if smallest is None:
        return "" if facts["has_crystals"] else "without cells"
    return f"{smallest} atoms a cell" if smallest == largest else f"{smallest} to {largest} atoms a cell"


def _systems(facts: Facts) -> str:
    systems = facts["chemical_systems"]
    if systems is None or len(systems) > MAX_SHOWN:
        return f"{facts['n_chemical_systems']} chemical systems"
    return ", ".join(systems) or "no chemical system"


def _origin(facts: Facts) -> str:
    return f"from {facts['origin']}" if facts["origin"] else ""


def _span(facts: Facts, name: str) -> str:
    low, high = facts[f"{name}_min"], facts[f"{name}_max"]
    return "-" if low is None else f"{low:.3f} to {high:.3f}"


def _counts(counts: Mapping[str, int]) -> str:
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    shown = [f"{code} {count}" for code, count in ranked[:MAX_SHOWN]]
    return ", ".join([*shown, "..."] if len(ranked) > MAX_SHOWN else shown)


def _sentence(*parts: str) -> str:
    return "; ".join(part for part in parts if part)


_HEADLINES: Final[dict[type[Table], Callable[[Facts], str]]] = {
    Candidates: _candidates,
    Predictions: _predictions,
    Decisions: _decisions,
    Labels: _labels,
    References: _references,
    Recipes: _recipes,
    Reactions: _reactions,
}
