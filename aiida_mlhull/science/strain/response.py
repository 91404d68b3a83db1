"""What strain does to a crystal: energies, bonds and their slopes, and its place above the hull."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.interpolate import PchipInterpolator

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.strain.bonds import kinds_of_bonds
from aiida_mlhull.science.strain.grid import StrainSettings, grid_id
from aiida_mlhull.science.types import Labels, References
from aiida_mlhull.science.types.crystals import Floats, Integers


@dataclass(frozen=True, eq=False)
class BondResponse:
    """One kind of bond on the grid.

    Attributes:
        name: elements, length and tilt without strain.
        lengths: (A, C) Å; NaN where the relaxation failed.
        slopes: Å per unit of strain of the plane and of the normal, by least squares; NaN for a strain that is not varied.
        r_squared: share of the variance that the two slopes explain.
    """

    name: str
    lengths: Floats
    slopes: tuple[float, float]
    r_squared: float


@dataclass(frozen=True, eq=False)
class StrainResponse:
    """One crystal on the grid.

    Attributes:
        name: its id.
        formula: its formula.
        energies: (A, C) eV/atom; NaN where the relaxation failed.
        bonds: kinds of bonds.
        film: (A,) eV/atom, the lowest energy over the strains of the normal: a film's.
        e_above_hull: (A,) eV/atom of the film above the hull of its competitors, negative below; None without references.
        competitors: (A,) other crystals of the grid that this hull has been made of.
    """

    name: str
    formula: str
    energies: Floats
    bonds: tuple[BondResponse, ...]
    film: Floats
    e_above_hull: Floats | None
    competitors: Integers

    def to_dict(self, settings: StrainSettings) -> dict[str, Any]:
        """Plain numbers for JSON; what is not finite is None."""
        return {
            "id": self.name,
            "formula": self.formula,
            "ab": list(settings.ab),
            "c": list(settings.c),
            "energies": _plain(self.energies),
            "film": _plain(self.film),
            "e_above_hull": None if self.e_above_hull is None else _plain(self.e_above_hull),
            "competitors": self.competitors.tolist(),
            "bonds": [
                {"name": bond.name, "lengths": _plain(bond.lengths), "d_ab": _plain(bond.slopes[0]),
                 "d_c": _plain(bond.slopes[1]), "r_squared": _plain(bond.r_squared)}
                for bond in self.bonds
            ],
        }  # fmt: skip


def responses(
    labels: Labels, settings: StrainSettings, *, names: list[str], references: References | None = None
) -> list[StrainResponse]:
    """The response of every crystal.

    A crystal's competitors are the references as they are, and the other crystals of the grid, each the lowest over its
    strains of the normal, under the same strain of its own plane or on the same area of it, as ``settings.compare``
    says. References with the id of a crystal give way to it.

    Args:
        labels: results at all points of the grid, with ids as the grid has made them.
        settings: of the grid.
        names: ids of the crystals.
        references: known phases, the elements among them; None for a response without a hull.

    Raises:
        TableError: if a point of the grid is missing, or a crystal failed without strain.
        MissingEndMembersError: if the references lack elements.
    """
    wanted = [grid_id(name, ab=ab, c=c) for name in names for ab in settings.ab for c in settings.c]
    missing = [name for name, there in zip(wanted, labels.has(np.asarray(wanted)).tolist(), strict=True) if not there]
    if missing:
        raise TableError(f"no results for {len(missing)} points of the grid: {listed(missing)}")
    shape = (len(settings.ab), len(settings.c))
    rows = {
        name: labels.positions([grid_id(name, ab=ab, c=c) for ab in settings.ab for c in settings.c]) for name in names
    }
    energies = {name: labels.energies[rows[name]].reshape(shape) for name in names}
    films = {name: _lowest(energies[name]) for name in names}
    at_same = _at_same_strain if settings.compare == "strain" else _on_same_substrate
    zeros = np.zeros(len(settings.ab), dtype=np.int64)
    areas = {name: _areas(labels, rows[name].reshape(shape)[:, 0]) for name in names}
    shared = {name: at_same(name, films, areas) for name in names}
    formulas = {name: str(labels.formulas[rows[name][0]]) for name in names}
    return [
        StrainResponse(
            name=name,
            formula=formulas[name],
            energies=energies[name],
            bonds=_bonds(labels, rows[name], settings),
            film=films[name],
            e_above_hull=None if references is None else _above_hull(name, formulas, shared[name], references),
            competitors=_counted({other: film for other, film in shared[name].items() if other != name}, zeros),
        )
        for name in names
    ]


def _counted(others: dict[str, Floats], zeros: Integers) -> Integers:
    """(A,) how many other crystals have an energy there."""
    return np.asarray(zeros + sum(np.isfinite(film).astype(np.int64) for film in others.values()), dtype=np.int64)


def _lowest(energies: Floats) -> Floats:
    """(A,) lowest finite energy of every row; NaN where there is none."""
    lowest = np.where(np.isfinite(energies), energies, np.inf).min(axis=1)
    return np.where(np.isfinite(lowest), lowest, np.nan)


def _areas(labels: Labels, rows: Any) -> Floats:
    """(A,) Å², of the plane of the first two vectors."""
    a, b = labels.crystals.lattices[rows, 0], labels.crystals.lattices[rows, 1]
    return np.asarray(np.linalg.norm(np.cross(a, b), axis=1))


def _at_same_strain(_name: str, films: dict[str, Floats], _areas: dict[str, Floats]) -> dict[str, Floats]:
    """(A,) eV/atom of every crystal where it is strained as the one in question is."""
    return films


def _on_same_substrate(name: str, films: dict[str, Floats], areas: dict[str, Floats]) -> dict[str, Floats]:
    """(A,) eV/atom of every crystal on the areas of the one in question; NaN beyond its own grid."""
    on_it = {name: films[name]}
    for other in films.keys() - {name}:
        there = np.isfinite(films[other])
        on_it[other] = np.full(len(films[name]), np.nan)
        if there.sum() > 1:
            curve = PchipInterpolator(areas[other][there], films[other][there], extrapolate=False)
            on_it[other] = np.asarray(curve(areas[name]))
    return on_it


def _above_hull(name: str, formulas: dict[str, str], films: dict[str, Floats], references: References) -> Floats:
    known = references.without(list(films))
    above = np.full(len(films[name]), np.nan)
    for row, energy in enumerate(films[name].tolist()):
        others = sorted(other for other in films if other != name and np.isfinite(films[other][row]))
        competitors = References.from_rows(
            ids=[*known.ids.tolist(), *others],
            formulas=[*known.formulas.tolist(), *(formulas[other] for other in others)],
            energies=np.asarray([*known.energies.tolist(), *(films[other][row] for other in others)]),
            source=references.source,
            scheme=references.scheme,
        )
        if np.isfinite(energy):
            above[row] = distances([formulas[name]], np.asarray([energy]), competitors).e_above_hull[0]
    return above


def _bonds(labels: Labels, rows: Any, settings: StrainSettings) -> tuple[BondResponse, ...]:
    shape = (len(settings.ab), len(settings.c))
    origin = int(rows[np.ravel_multi_index((settings.ab.index(0.0), settings.c.index(0.0)), shape)])
    if labels.failures[origin]:
        raise TableError(
            f"{labels.ids[origin]} failed ({labels.failures[origin]}): without it there is nothing to compare"
        )
    good = labels.succeeded[rows]
    ab, c = (axis.ravel() for axis in np.meshgrid(settings.ab, settings.c, indexing="ij"))
    found = []
    for bond in kinds_of_bonds(labels.crystals, origin, pairs=settings.pairs):
        lengths = np.asarray(
            [bond.length(labels.crystals, int(row)) if fine else np.nan for row, fine in zip(rows, good, strict=True)]
        )
        slopes, r_squared = _slopes(ab[good], c[good], lengths[good])
        found.append(BondResponse(bond.name, lengths.reshape(shape), slopes, r_squared))
    return tuple(found)


def _slopes(ab: Floats, c: Floats, lengths: Floats) -> tuple[tuple[float, float], float]:
    """Slopes by least squares, and R²."""
    design = np.column_stack([np.ones_like(ab), ab, c])
    fit, *_ = np.linalg.lstsq(design, lengths, rcond=None)
    total = float(np.square(lengths - lengths.mean()).sum())
    left = float(np.square(lengths - design @ fit).sum())
    varied = [float(fit[k]) if np.ptp(strains) > 0 else float("nan") for k, strains in ((1, ab), (2, c))]
    return (varied[0], varied[1]), 1.0 - left / total if total > 0 else float("nan")


def _plain(values: Any) -> Any:
    """Lists and floats of Python, None for what is not finite."""
    if np.ndim(values):
        return [_plain(value) for value in values]
    return float(values) if np.isfinite(values) else None
