"""A cell for a Wyckoff representation: free coordinates and cell shape drawn, atoms as far apart as can be.

What the representation leaves open is drawn at random and then improved by chance steps. A draw is as good
as its tightest bond: the smallest distance of two atoms as a share of the bond length expected of them, at a
volume guessed from the composition. The cell is scaled to the volume by data-mined lattice scaling. It
counts only if its label is the one that was asked for: by accident, or by necessity, sites may have a higher
symmetry than the space group that they were drawn in.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.representations.protostructure import canonical_spelling, letters_of
from aiida_mlhull.science.representations.volumes import dls_volumes, tabulated_volumes, tightest_bond
from aiida_mlhull.science.representations.wyckoff import TOLERANCE, free_parameters, protostructures
from aiida_mlhull.science.representations.wyckoff_positions.embedding import coordinates
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.crystals import Floats, Integers

DRAWS: Final = 24
"""Cells that are drawn, of which the best is improved."""

STEPS: Final = 40
"""Chance steps to improve it; twice as many with every trial."""

TRIALS: Final = 5
"""Times that all of this is done before giving up."""

LOOSEST: Final = 0.6
"""Share of the expected bond length below which atoms overlap, after scaling."""

_STEP: Final = 0.12
"""Fractional coordinates and logarithms of cell parameters; shrinks with every failure."""


def cell_for(label: str, *, seed: int = 0, tolerance: float = TOLERANCE) -> Crystals:
    """One unrelaxed cell with this protostructure label.

    Args:
        label: with elements; whichever way it is spelled, the cell has its canonical spelling.
        seed: of what the label leaves open; the same seed gives the same cell.
        tolerance: Å, of the symmetry search that has to find the label again.

    Raises:
        CrystalError: if it is not a label, or no such cell was found; the message says why.
    """
    label = canonical_spelling(label)
    draft = _Draft.of(label)
    chance = np.random.default_rng([seed, *label.encode()])
    fixed = int(free_parameters([label])[0]) == 0
    found, tight = "", 0
    for trial in range(1 if fixed else TRIALS):
        for parameters in [draft.drawn(chance)] if fixed else _best_first(draft, chance, steps=STEPS << trial):
            cell = _scaled(draft.cell(parameters))
            if tightest_bond(*cell.arrays(0)) < LOOSEST:
                tight += 1
                continue
            found = str(protostructures(cell, tolerance=tolerance)[0])
            if found == label:
                return cell
    if found:
        raise CrystalError(f"{label}: cells with these positions have another label, e.g. {found}")
    raise CrystalError(f"{label}: in {tight} cells atoms were closer than {LOOSEST} of a bond length")


def _scaled(cell: Crystals) -> Crystals:
    return cell.with_volumes_per_atom(dls_volumes(cell))


def _best_first(draft: _Draft, chance: np.random.Generator, *, steps: int) -> list[Floats]:
    """Parameters worth a look: the best draw after its improvement, then the draws as they were."""
    drawn = [draft.drawn(chance) for _ in range(DRAWS)]
    scores = [draft.score(parameters) for parameters in drawn]
    order = np.argsort(-np.asarray(scores), kind="stable").tolist()
    best, score, step = drawn[order[0]], scores[order[0]], _STEP
    for _ in range(steps):
        tried = best + chance.normal(0.0, step, len(best))
        value = draft.score(tried)
        if value > score:
            best, score = tried, value
        else:
            step *= 1.0 - 4.0 / steps
    return [best, *(drawn[index] for index in order[:3])]


@dataclass(frozen=True, eq=False)
class _Draft:
    """What is fixed about a cell, as functions of a vector of parameters.

    The vector holds six for the shape, then three for every orbit; those that symmetry fixes go unused.

    Attributes:
        group: space group.
        orbits: of every occupied position, (m, 3, 3) matrices and (m, 3) offsets of its sites.
        numbers: (N,) atomic numbers.
        volume: Å³, guessed from the composition.
    """

    group: int
    orbits: tuple[tuple[Floats, Floats], ...]
    numbers: Integers
    volume: float

    @classmethod
    def of(cls, label: str) -> _Draft:
        group, elements, letters = letters_of(label)
        table = _positions(group)
        orbits = tuple(table[letter] for word in letters for letter in word)
        owners = [NUMBERS[element] for element, word in zip(elements, letters, strict=True) for _ in word]
        numbers = np.repeat(owners, [len(offsets) for _, offsets in orbits])
        return cls(group, orbits, numbers, float(tabulated_volumes().volumes[numbers].sum()))

    def drawn(self, chance: np.random.Generator) -> Floats:
        """Random parameters."""
        return np.concatenate([chance.normal(0.0, 0.25, 6), chance.random(3 * len(self.orbits))])

    def sites(self, parameters: Floats) -> Floats:
        """(N, 3) fractional coordinates."""
        free = parameters[6:].reshape(-1, 3)
        return np.concatenate([m @ xyz + offsets for (m, offsets), xyz in zip(self.orbits, free, strict=True)])

    def lattice(self, parameters: Floats) -> Floats:
        """(3, 3) Å, of the volume that was guessed."""
        shape = _shape(self.group, parameters[:6])
        return np.asarray(shape * np.cbrt(self.volume / abs(np.linalg.det(shape))))

    def score(self, parameters: Floats) -> float:
        """The tightest bond; the larger the better."""
        return tightest_bond(self.lattice(parameters), self.numbers.astype(np.int16), self.sites(parameters))

    def cell(self, parameters: Floats) -> Crystals:
        """The conventional cell."""
        coords = self.sites(parameters)
        return Crystals.from_lists([self.lattice(parameters)], [self.numbers.tolist()], [coords - np.floor(coords)])


def _shape(group: int, parameters: Floats) -> Floats:
    """Cell vectors as rows in the standard setting, of any volume.

    Ratios of edges are e to the power of the parameters, angles stay between 60° and 120°.
    """
    b, c = np.exp(parameters[:2])
    cosines = 0.5 * np.tanh(parameters[3:])
    if group >= _CUBIC:
        return np.eye(3)
    if group >= _HEXAGONAL:
        hexagonal = np.asarray([[1.0, 0.0, 0.0], [-0.5, np.sqrt(0.75), 0.0], [0.0, 0.0, 1.0]])
        return np.asarray(hexagonal * np.asarray([[1.0], [1.0], [c * (2.0 if _rhombohedral(group) else 1.3)]]))
    if group >= _TETRAGONAL:
        return np.diag([1.0, 1.0, c])
    if group >= _ORTHORHOMBIC:
        return np.diag([1.0, b, c])
    if group >= _MONOCLINIC:
        cosine = -abs(cosines[1])
        return np.asarray([[1.0, 0.0, 0.0], [0.0, b, 0.0], [c * cosine, 0.0, c * np.sqrt(1.0 - cosine**2)]])
    alpha, beta, gamma = 0.6 * cosines
    sine = np.sqrt(1.0 - gamma**2)
    x = (alpha - beta * gamma) / sine
    return np.asarray(
        [[1.0, 0.0, 0.0], [b * gamma, b * sine, 0.0], [c * beta, c * x, c * np.sqrt(1.0 - beta**2 - x**2)]]
    )


_MONOCLINIC, _ORTHORHOMBIC, _TETRAGONAL, _HEXAGONAL, _CUBIC = 3, 16, 75, 143, 195
"""First space groups of the crystal families."""


def _rhombohedral(group: int) -> bool:
    return group in {146, 148, 155, 160, 161, 166, 167}


@cache
def _positions(group: int) -> dict[str, tuple[Floats, Floats]]:
    """Letter to the affine maps that carry (x, y, z) onto the position's sites."""
    found = {}
    for letter, first in _first_triplets()[group]:
        matrices, offsets = coordinates(group, first)
        found[letter] = (matrices.reshape(-1, 3, 3).astype(np.float64), offsets / 24.0)
    return found


@cache
def _first_triplets() -> dict[int, Sequence[tuple[str, str]]]:
    """Space group to its letters, each with the first of its coordinate triplets."""
    text = files("aiida_mlhull.science.representations").joinpath("data", "wyckoff_positions.csv").read_text("utf-8")
    rows: dict[int, list[tuple[str, str]]] = {}
    for row in csv.DictReader(line for line in text.splitlines() if not line.startswith("#")):
        rows.setdefault(int(row["group"]), []).append((row["letter"], row["coordinates"]))
    return dict(rows)
