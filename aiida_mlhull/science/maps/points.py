"""The rows of a map: what a table holds, what was estimated, and where everything comes from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import pyarrow as pa
from pymatgen.optimization.neighbors import find_points_in_spheres

from aiida_mlhull.science.errors import InputError, TableError, listed
from aiida_mlhull.science.maps.calibration import Estimates, FamilyLines, calibrate, estimate
from aiida_mlhull.science.reading.columns import Columns
from aiida_mlhull.science.representations.composition import chemical_system
from aiida_mlhull.science.types import Decisions, Labels, Predictions
from aiida_mlhull.science.types.crystals import Crystals, Floats
from aiida_mlhull.science.types.table import Booleans, Strings

NAMES: Final = ("id", "material_id", "formula", "composition")
"""Columns that say which compound a row is, the first of them that is there."""

FARTHEST: Final = 6.0
"""Å; atoms farther apart than this have no bond."""


@dataclass(frozen=True, eq=False)
class MapPoints:
    """Points of a map.

    Attributes:
        x: (n,) NaN where the table has no value.
        y: (n,) NaN where the table has none, or none can be estimated.
        color: (n,) values, or None for a map that is colored by family.
        families: (n,) labels.
        names: (n,) what a point is called.
        estimated: (n,) true where x, y or color was estimated.
        labels: names of x, y and color (empty where there is none) and family.
    """

    x: Floats
    y: Floats
    color: Floats | None
    families: Strings
    names: Strings
    estimated: Booleans
    labels: tuple[str, str, str, str]

    def __len__(self) -> int:
        return len(self.x)

    @property
    def shown(self) -> Booleans:
        """(n,) true where there is a point to draw."""
        return np.asarray(np.isfinite(self.x) & np.isfinite(self.y))

    def take(self, rows: Booleans) -> MapPoints:
        """The points where a mask is true."""
        return replace(
            self,
            x=self.x[rows],
            y=self.y[rows],
            color=None if self.color is None else self.color[rows],
            families=self.families[rows],
            names=self.names[rows],
            estimated=self.estimated[rows],
        )


@dataclass(frozen=True, eq=False)
class Estimated:
    """A column that was estimated.

    Attributes:
        column: its name.
        calibration: lines by family.
        estimates: of every row of the table.
    """

    column: str
    calibration: FamilyLines
    estimates: Estimates


def read_points(
    table: Columns,
    *,
    x: str,
    y: str,
    by: str = "",
    color: str = "",
    reference: Columns | None = None,
    coarse: Sequence[str] = (),
    extrapolate: bool = False,
) -> tuple[MapPoints, Estimated | None]:
    """Points of a table; a column that only the reference has is estimated from the coarse ones.

    Args:
        table: with the columns, but for at most one that the reference has.
        x: column.
        y: column.
        by: column with families; all rows are one family if empty.
        color: column of numbers; empty for none.
        reference: compounds whose fine column is known.
        coarse: columns of both tables that the fine one is estimated from.
        extrapolate: give values beyond the reference, too.

    Raises:
        TableError: if a column is missing or doesn't hold numbers.
        InputError: if the reference isn't needed, or what it needs was not said.
    """
    families = table.texts(_column(table, by)) if by else np.full(len(table), "all")
    wanted = [name for name in (x, y, color) if name]
    lacking = [name for name in dict.fromkeys(wanted) if name not in table]
    made = None
    if reference is not None:
        fine = _fine(table, reference, lacking, coarse)
        made = _estimated(table, reference, fine, coarse=coarse, by=by, families=families, extrapolate=extrapolate)

    def values(name: str) -> Floats:
        return made.estimates.values if made and name == made.column else table.floats(_column(table, name))

    known = [name for name in NAMES if name in table]
    points = MapPoints(
        x=values(x),
        y=values(y),
        color=values(color) if color else None,
        families=np.where(families == "", "not stated", families),
        names=table.texts(known[0]) if known else np.asarray([f"row {row}" for row in range(1, len(table) + 1)]),
        estimated=np.full(len(table), made is not None and made.column in wanted),
        labels=(x, y, color, by),
    )
    if points.color is not None:  # an infinite color stretches the scale beyond use
        points = replace(points, color=np.where(np.isfinite(points.color), points.color, np.nan))
    return points, made


def _column(table: Columns, name: str) -> str:
    if name not in table:
        raise TableError(f"{table.name}: no column {name}; there are: {listed(table.table.column_names, 30)}")
    return name


def _fine(table: Columns, reference: Columns, lacking: Sequence[str], coarse: Sequence[str]) -> str:
    """The one column that is to be estimated."""
    if not coarse:
        raise InputError("say from which columns to estimate, with --coarse COLUMN,COLUMN,...")
    known = [name for name in lacking if name in reference]
    if len(known) != 1:
        raise InputError(
            f"a calibration estimates one column that {table.name} lacks and {reference.name} has; "
            f"{table.name} lacks {listed(lacking) or 'none of those that were named'}, "
            f"{reference.name} has {listed(reference.table.column_names, 30)}"
        )
    return known[0]


def _estimated(
    table: Columns,
    reference: Columns,
    fine: str,
    *,
    coarse: Sequence[str],
    by: str,
    families: Strings,
    extrapolate: bool,
) -> Estimated:
    own = reference.texts(_column(reference, by)) if by else np.full(len(reference), "all")
    lines = calibrate(_block(reference, coarse), reference.floats(fine), own)
    return Estimated(fine, lines, estimate(lines, _block(table, coarse), families, extrapolate=extrapolate))


def _block(table: Columns, names: Sequence[str]) -> Floats:
    return np.column_stack([table.floats(_column(table, name)) for name in names])


def campaign_columns(labels: Labels, outcomes: Decisions, predictions: Predictions | None, *, name: str) -> Columns:
    """What a campaign knows of the candidates that were relaxed to the end, as a table to make maps of.

    Args:
        labels: results of the last stage; failed rows are left out.
        outcomes: one row per candidate: energies above the final hull, and reasons.
        predictions: what models said of them, one row per id; None if none was asked.
        name: of the campaign.

    Returns:
        ``id``, ``formula``, ``system``, ``reason``, ``energy`` and ``e_above_hull`` (eV/atom), ``volume``
        (Å³/atom), ``shortest_bond`` (Å), ``sites``; and ``predicted`` and ``sigma`` (eV/atom), NaN where no model was
        asked.

    Raises:
        TableError: if no candidate was relaxed to the end.
    """
    done = labels.take(labels.succeeded)
    if not len(done):
        raise TableError(f"{name}: no candidate was relaxed to the end, so there is nothing to map")
    outcome = outcomes.take(outcomes.positions(done.ids))
    predicted, sigma = np.full(len(done), np.nan), np.full(len(done), np.nan)
    if predictions is not None:
        asked = np.flatnonzero(predictions.has(done.ids))
        rows = predictions.positions(done.ids[asked])
        predicted[asked], sigma[asked] = predictions.mean[rows], predictions.sigma[rows]
    table = pa.table(
        {
            "id": done.ids,
            "formula": done.formulas,
            "system": [chemical_system(formula) for formula in done.formulas.tolist()],
            "reason": outcome.reasons,
            "energy": done.energies,
            "e_above_hull": outcome.values,
            "volume": done.crystals.volumes_per_atom,
            "shortest_bond": shortest_bonds(done.crystals),
            "sites": done.crystals.n_sites,
            "predicted": predicted,
            "sigma": sigma,
        }
    )
    return Columns(name, table)


def shortest_bonds(crystals: Crystals) -> Floats:
    """(n,) Å, the shortest distance between two atoms of every crystal; NaN beyond :data:`FARTHEST`."""
    shortest = np.full(len(crystals), np.nan)
    for row in range(len(crystals)):
        lattice, _, frac_coords = crystals.arrays(row)
        positions = np.ascontiguousarray(frac_coords @ lattice)
        lengths = find_points_in_spheres(
            positions, positions, r=FARTHEST, pbc=np.ones(3, dtype=np.int64), lattice=np.ascontiguousarray(lattice),
            tol=1e-8,
        )[3]  # fmt: skip
        real = lengths[lengths > 1e-8]  # noqa: PLR2004  (an atom and itself)
        shortest[row] = real.min() if len(real) else np.nan
    return shortest
