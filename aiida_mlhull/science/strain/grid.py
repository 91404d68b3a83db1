"""Cells on a grid of strains of the plane of the first two vectors and of its normal.

The deformation takes x to x + ab x_p + c x_n, x_p being the part of x in the plane and x_n the part along its normal.
For axes at right angles a and b are multiplied by 1 + ab, and c by 1 + c. Fractional coordinates stay.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, Literal

import numpy as np
from pydantic import Field, field_validator

from aiida_mlhull.science.errors import SettingsError, TableError
from aiida_mlhull.science.types import Candidates, Crystals
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.strict import Strict

LARGEST: Final = 0.2
"""Strain beyond which no film follows its substrate, nor a potential its training."""

FIXED_CELL: Final = frozenset({"static", "positions"})
FILM: Final = "normal"


class StrainSettings(Strict):
    """Which strains, and which bonds are followed.

    Attributes:
        ab: strains of the plane of the first two vectors, as fractions: 0.02 stretches by 2 %.
        c: strains along its normal; only 0 where the normal relaxes.
        compare: what competing crystals of the grid share: the ``strain`` of their own planes, or the ``substrate``:
            the area of the plane, for cells that lie on it alike. Beyond its own grid a competitor is left out.
        pairs: pairs of elements whose bonds are followed: ``Cu-O``; all that are in the crystal if empty.
    """

    ab: tuple[float, ...] = Field(default=(-0.04, -0.02, 0.0, 0.02, 0.04), min_length=1)
    c: tuple[float, ...] = Field(default=(-0.04, -0.02, 0.0, 0.02, 0.04), min_length=1)
    compare: Literal["strain", "substrate"] = "strain"
    pairs: tuple[str, ...] = ()

    @field_validator("ab", "c")
    @classmethod
    def _strains(cls, strains: tuple[float, ...]) -> tuple[float, ...]:
        if any(not abs(strain) <= LARGEST for strain in strains):
            raise ValueError(f"strains are fractions within ±{LARGEST}: 0.02 is 2 %")
        if len(set(strains)) != len(strains) or 0.0 not in strains:
            raise ValueError("every strain once, and 0 among them: it is what the others are compared with")
        return tuple(sorted(strains))


def strained(lattice: Floats, *, ab: float, c: float) -> Floats:
    """A cell (3, 3) in Å under strain; see the module."""
    normal = np.cross(lattice[0], lattice[1])
    normal /= np.linalg.norm(normal)
    along = np.outer(normal, normal)
    return np.asarray(lattice @ ((1.0 + ab) * (np.eye(3) - along) + (1.0 + c) * along))


def strain_grid(candidates: Candidates, settings: StrainSettings) -> Candidates:
    """Every crystal at every point of the grid, ``ab`` in the outer loop, with ids as :func:`grid_id` makes them.

    Raises:
        TableError: if the candidates have no cells.
    """
    if candidates.crystals is None:
        raise TableError("candidates that are only labels can't be strained: they have no cells")
    points = [(ab, c) for ab in settings.ab for c in settings.c]
    rows = np.repeat(np.arange(len(candidates)), len(points))
    cells = candidates.crystals.take(rows)
    lattices = np.asarray(
        [strained(lattice, ab=ab, c=c) for lattice in candidates.crystals.lattices for ab, c in points]
    ).reshape(-1, 3, 3)
    return Candidates.from_rows(
        ids=[grid_id(name, ab=ab, c=c) for name in candidates.ids.tolist() for ab, c in points],
        formulas=candidates.formulas[rows],
        crystals=Crystals(lattices, cells.offsets, cells.numbers, cells.frac_coords),
        protostructures=np.full(len(rows), ""),
        origins=[f"{name} under strain" for name in candidates.ids[rows].tolist()],
        source=candidates.source,
    )


def grid_id(name: str, *, ab: float, c: float) -> str:
    """``CRYSTAL/ab+0.0200/c-0.0100``."""
    return f"{name}/ab{ab + 0.0:+.4f}/c{c + 0.0:+.4f}"


def check_freedom(engine: str, settings: Mapping[str, Any], grid: StrainSettings) -> None:
    """Refuse a relaxation that would undo the strain.

    Args:
        engine: that relaxes.
        settings: the stage's.
        grid: of strains.

    Raises:
        SettingsError: saying what to set.
    """
    inner = settings.get("relaxation", {}) if engine == "potential" else settings
    freedom = inner.get("freedom", "full")
    if engine == "recorded":
        return
    if engine == "potential" and settings.get("volume", "predicted") != "as_given":
        raise SettingsError("strained cells keep their volume: set 'volume: as_given'")
    if freedom not in FIXED_CELL | {FILM}:
        raise SettingsError(
            f"freedom {freedom!r} would undo the strain: set 'positions' (or 'static'; or 'normal' for a film whose "
            f"third vector is free)"
        )
    if freedom == FILM and grid.c != (0.0,):
        raise SettingsError("with freedom 'normal' the third vector finds its own length: set 'c: [0]'")
