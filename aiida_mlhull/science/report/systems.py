"""Phase diagrams of a report: what is known, and which candidates belong to each chemical system."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, combinations
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.plots import Diagram, MarkedPhases, make_diagram
from aiida_mlhull.science.plots.style import chemist
from aiida_mlhull.science.report.material import Material
from aiida_mlhull.science.report.rows import CandidateRows
from aiida_mlhull.science.representations.composition import SYMBOLS, distinct
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats, Integers

DRAWN: Final = (2, 3, 4)
"""Elements of a system that can be drawn."""
MOST_SYSTEMS: Final = 150
"""Chemical systems that are put into one report; those with the most new phases, then the most candidates."""

Elements = tuple[int, ...]
"""Atomic numbers, ascending."""


@dataclass(frozen=True, eq=False)
class System:
    """One phase diagram.

    Attributes:
        name: ``"As-Be-Rb"``.
        elements: k symbols, in the order of the corners.
        rows: numbers of the candidates whose elements are among these.
        fractions: (len(rows), k) atomic fractions of these.
        after: what is known and what was relaxed.
        before: what is known.
    """

    name: str
    elements: tuple[str, ...]
    rows: Integers
    fractions: Floats
    after: Diagram
    before: Diagram


def systems(material: Material, rows: CandidateRows) -> tuple[list[System], int]:
    """The diagrams, those of many elements and new phases first, and how many there would be altogether."""
    index = _by_elements(rows)
    references = _references_by_elements(material.references)
    new = rows.columns["above_hull"] <= 0.0
    ranked = sorted(
        ((_rank(elements, index, new), elements) for elements in index if len(elements) in DRAWN),
        key=lambda pair: pair[0],
    )
    chosen = [elements for _, elements in ranked[:MOST_SYSTEMS]]
    return [_system(material, rows, elements, index, references) for elements in chosen], len(ranked)


def _by_elements(rows: CandidateRows) -> dict[Elements, Integers]:
    """Row numbers of the candidates that consist of exactly these elements."""
    sets: dict[Elements, int] = {}
    group = np.asarray([sets.setdefault(one.numbers, len(sets)) for one in rows.compositions], dtype=np.int64)
    groups = group[rows.which]
    order = np.argsort(groups, kind="stable")
    ends = np.searchsorted(groups[order], np.arange(len(sets) + 1))
    return {elements: order[ends[i] : ends[i + 1]] for elements, i in sets.items()}


def _references_by_elements(references: References) -> dict[Elements, list[int]]:
    compositions, which = distinct(references.formulas.tolist())
    found: dict[Elements, list[int]] = {}
    for row, number in enumerate(which.tolist()):
        found.setdefault(compositions[number].numbers, []).append(row)
    return found


def _subsets(elements: Elements) -> Iterator[Elements]:
    return chain.from_iterable(combinations(elements, size) for size in range(1, len(elements) + 1))


def _rank(elements: Elements, index: dict[Elements, Integers], new: Any) -> tuple[Any, ...]:
    inside = [index[subset] for subset in _subsets(elements) if subset in index]
    found = sum(int(new[rows].sum()) for rows in inside)
    names = tuple(sorted(SYMBOLS[z - 1] for z in elements))
    return -len(elements), -found, -sum(map(len, inside)), names


def _system(
    material: Material,
    rows: CandidateRows,
    elements: Elements,
    index: dict[Elements, Integers],
    references: dict[Elements, list[int]],
) -> System:
    symbols = tuple(sorted(SYMBOLS[z - 1] for z in elements))
    inside = np.sort(np.concatenate([index[subset] for subset in _subsets(elements) if subset in index]))
    known = material.references.take(sorted(chain.from_iterable(references.get(s, []) for s in _subsets(elements))))
    relaxed = inside[np.isfinite(rows.columns["energy"][inside])]
    kept = MarkedPhases(rows.ids[relaxed], material.candidates.formulas[relaxed], rows.columns["energy"][relaxed])
    return System(
        name="-".join(symbols),
        elements=symbols,
        rows=inside,
        fractions=_fractions(rows, inside, symbols),
        after=make_diagram(known, kept=kept, elements=symbols),
        before=make_diagram(known, kept=MarkedPhases.none(), elements=symbols),
    )


def _fractions(rows: CandidateRows, inside: Integers, symbols: tuple[str, ...]) -> Floats:
    used, which = np.unique(rows.which[inside], return_inverse=True)
    column = {symbol: position for position, symbol in enumerate(symbols)}
    matrix = np.zeros((len(used), len(symbols)))
    for position, number in enumerate(used.tolist()):
        composition = rows.compositions[number]
        matrix[position, [column[symbol] for symbol in composition.symbols]] = composition.counts
        matrix[position] /= composition.atoms
    return np.asarray(matrix[which])


def drawn(system: System) -> dict[str, Any]:
    """What a page has to know of a diagram besides its candidates, as JSON."""
    after = system.after
    known = np.flatnonzero(after.known)
    stable = after.stable_compounds()
    return {
        "name": system.name,
        "elements": list(system.elements),
        "known": {
            "ids": after.ids[known].tolist(),
            "formulas": [chemist(formula) for formula in after.formulas[known].tolist()],
            "fractions": after.fractions[known].round(6).tolist(),
            "formation": after.formation[known].round(6).tolist(),
            "above_hull": after.above_hull[known].round(6).tolist(),
            "stable": after.on_hull[known].tolist(),
        },
        "ties": _ties(after),
        "ties_before": _ties(system.before),
        "facets": _facets(after),
        "names": [
            {
                "formula": chemist(str(after.formulas[row])),
                "fractions": after.fractions[row].round(6).tolist(),
                "formation": round(float(after.formation[row]), 6),
                "new": bool(after.new[row]),
            }
            for row in stable.tolist()
        ],
    }


def _ties(diagram: Diagram) -> list[list[list[float]]]:
    """Both ends of every tie line: atomic fractions, then the formation energy."""
    return [[_place(diagram, a), _place(diagram, b)] for a, b in diagram.ties]


def _facets(diagram: Diagram) -> list[list[list[float]]]:
    return [[_place(diagram, row) for row in facet] for facet in diagram.facets.tolist()]


def _place(diagram: Diagram, row: int) -> list[float]:
    return [*diagram.fractions[row].round(6).tolist(), round(float(diagram.formation[row]), 6)]
