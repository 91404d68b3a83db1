"""What a phase diagram shows, before anything is drawn: phases, where they lie, and the tie lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Final

import numpy as np
from scipy.spatial import ConvexHull

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.hull import hull_energies
from aiida_mlhull.science.representations.composition import NUMBERS, distinct, elements_of, fraction_matrix
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Booleans, Strings
from aiida_mlhull.science.units import ON_HULL_TOLERANCE

FEWEST: Final = 2
MOST: Final = 4
VERTICAL: Final = 1e-9
"""Facets whose normal points down less than this stand upright, at the border of the diagram."""


@dataclass(frozen=True, eq=False)
class MarkedPhases:
    """n phases that get the same mark.

    Attributes:
        ids: (n,) ids.
        formulas: (n,) reduced formulas.
        energies: (n,) eV/atom; NaN where it is not known, as for candidates dropped unseen.
    """

    ids: Strings
    formulas: Strings
    energies: Floats

    @classmethod
    def none(cls) -> MarkedPhases:
        """No phases."""
        return cls(np.empty(0, dtype=np.str_), np.empty(0, dtype=np.str_), np.empty(0))


@dataclass(frozen=True, eq=False)
class Diagram:
    """A phase diagram of two to four elements: known phases, candidates relaxed to the end, candidates dropped.

    Attributes:
        elements: k symbols, in the order of the corners.
        ids: (n,) ids of all phases.
        formulas: (n,) reduced formulas.
        fractions: (n, k) atomic fractions.
        formation: (n,) eV/atom above the elements; NaN where the energy is not known.
        above_hull: (n,) eV/atom above the hull of all phases that were calculated; NaN likewise. Negative
            for dropped candidates whose estimate lies below it.
        known: (n,) references.
        kept: (n,) candidates relaxed to the end.
        dropped: (n,) candidates decided against; they don't shape the hull.
        on_hull: (n,) on the hull: references or candidates relaxed to the end.
        facets: (f, k) rows that share a facet of the hull: tie lines, triangles or tetrahedra.
    """

    elements: tuple[str, ...]
    ids: Strings
    formulas: Strings
    fractions: Floats
    formation: Floats
    above_hull: Floats
    known: Booleans
    kept: Booleans
    dropped: Booleans
    on_hull: Booleans
    facets: Integers

    @property
    def new(self) -> Booleans:
        """(n,) candidates on the hull: what the campaign has found."""
        return self.on_hull & self.kept

    @property
    def ties(self) -> list[tuple[int, int]]:
        """Pairs of rows that are joined by a tie line, each once."""
        pairs = {tuple(sorted(pair)) for facet in self.facets.tolist() for pair in combinations(facet, 2)}
        return sorted((a, b) for a, b in pairs)

    @property
    def compositions(self) -> Integers:
        """(n,) number of the composition that each phase has."""
        return distinct(self.formulas.tolist())[1]

    @property
    def polymorphs(self) -> tuple[Integers, Integers]:
        """(n,) place of each phase at its composition by energy, from 1, and (n,) how many phases are there."""
        which = self.compositions
        order = np.lexsort((self.formation, which))
        counts = np.bincount(which)
        places = np.empty(len(which), dtype=np.int64)
        places[order] = np.arange(len(which)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
        return places, counts[which]

    @property
    def on_top(self) -> Booleans:
        """(n,) the phase that stands for its composition where there is one mark for all of them.

        It is the lowest one that was calculated (on the hull a candidate rather than a reference); a dropped
        one only where nothing was calculated.
        """
        which = self.compositions
        height = np.where(self.on_hull, 0.0, self.above_hull)  # NaN comes last
        order = np.lexsort((self.known, height, self.dropped, which))
        top = np.zeros(len(which), dtype=bool)
        top[order[np.flatnonzero(np.diff(which[order], prepend=-1))]] = True
        return top

    def stable_compounds(self) -> Integers:
        """Rows of the compounds on the hull, one per composition: the ones to be labeled."""
        return np.flatnonzero(self.on_hull & self.on_top & (self.fractions.max(axis=1) < 1))


def make_diagram(
    known: References,
    *,
    kept: MarkedPhases,
    dropped: MarkedPhases | None = None,
    elements: Sequence[str] | None = None,
) -> Diagram:
    """Bring phases onto one diagram.

    Args:
        known: references, the pure elements among them; those of other elements are left out.
        kept: candidates with final energies; their ids may stand among the references already.
        dropped: candidates decided against, with estimated energies or none.
        elements: symbols in the order of the corners; those of the candidates where not given.

    Raises:
        InputError: if there are fewer than two or more than four elements, or one is unknown or given twice.
        MissingEndMembersError: if ``known`` lacks one.
    """
    dropped = dropped or MarkedPhases.none()
    corners = tuple(elements or elements_of([*kept.formulas.tolist(), *dropped.formulas.tolist()]))
    if not FEWEST <= len(corners) <= MOST:
        raise InputError(
            f"phase diagrams have {FEWEST} to {MOST} elements, not {len(corners)} ({'-'.join(corners)}): choose some"
        )
    if not set(corners) <= NUMBERS.keys() or len(set(corners)) < len(corners):
        raise InputError(f"the corners of a phase diagram are different elements, not {'-'.join(corners)}")
    fixed = known.without(kept.ids)
    fixed = fixed.take(_inside(fixed.formulas, corners))
    parts = [MarkedPhases(fixed.ids, fixed.formulas, fixed.energies), _within(kept, corners), _within(dropped, corners)]
    sizes = [len(part.ids) for part in parts]
    ids, formulas, energies = (
        np.concatenate([getattr(p, name) for p in parts]) for name in ("ids", "formulas", "energies")
    )
    is_known, is_kept, is_dropped = (np.repeat(np.arange(3) == i, sizes) for i in range(3))
    final = np.isfinite(energies) & ~is_dropped
    calculated = References.from_rows(ids=ids[final], formulas=formulas[final], energies=energies[final])
    above = energies - hull_energies(formulas, calculated)
    fractions = fraction_matrix(formulas.tolist(), corners)
    formation = energies - fractions @ hull_energies(corners, calculated)
    on_hull = final & (above <= ON_HULL_TOLERANCE)
    return Diagram(
        elements=corners,
        ids=ids,
        formulas=formulas,
        fractions=fractions,
        formation=formation,
        above_hull=above,
        known=is_known,
        kept=is_kept,
        dropped=is_dropped,
        on_hull=on_hull,
        facets=lower_facets(fractions, formation, on_hull),
    )


def _inside(formulas: Strings, elements: Sequence[str]) -> Booleans:
    """(n,) formulas made of ``elements`` only."""
    compositions, which = distinct(formulas.tolist())
    allowed = set(elements)
    return np.asarray([allowed.issuperset(c.symbols) for c in compositions], dtype=bool)[which]


def _within(phases: MarkedPhases, elements: Sequence[str]) -> MarkedPhases:
    mask = _inside(phases.formulas, elements)
    return MarkedPhases(phases.ids[mask], phases.formulas[mask], phases.energies[mask])


def lower_facets(fractions: Floats, formation: Floats, on_hull: Booleans) -> Integers:
    """(f, k) rows of the phases that span each facet of the lower hull.

    Qhull is asked about the stable phases only, of which the hull's solver has identified exactly.

    Args:
        fractions: (n, k).
        formation: (n,) eV/atom.
        on_hull: (n,) stable phases; of several at one composition the first is taken.
    """
    rows = np.flatnonzero(on_hull)
    _, first = np.unique(fractions[rows].round(9), axis=0, return_index=True)
    rows = rows[np.sort(first)]
    k = fractions.shape[1]
    if k == FEWEST:
        line = rows[np.argsort(fractions[rows, 1], kind="stable")]
        return np.stack([line[:-1], line[1:]], axis=1)
    if len(rows) == k:
        return rows[None, :]
    points = np.column_stack([fractions[rows, 1:], formation[rows]])
    roof = np.append(np.full(k - 1, 1.0 / k), 1.0)
    hull = ConvexHull(np.vstack([points, roof]))
    lower = (hull.equations[:, k - 1] < -VERTICAL) & (hull.simplices < len(rows)).all(axis=1)
    return np.asarray(np.sort(rows[hull.simplices[lower]], axis=1), dtype=np.int64)
