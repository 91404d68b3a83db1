"""Many crystals in four flat arrays: nothing is parsed or copied twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from math import gcd
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.errors import CrystalError, TableError, listed

if TYPE_CHECKING:
    from pymatgen.core import Structure

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

HEAVIEST = 118


@dataclass(frozen=True, eq=False, repr=False)
class Crystals:
    """``n`` periodic crystals with ``N`` sites together.

    Attributes:
        lattices: (n, 3, 3), rows a, b, c, in Å.
        offsets: (n + 1,), sites of crystal ``i`` are ``offsets[i]:offsets[i + 1]``.
        numbers: (N,), atomic numbers.
        frac_coords: (N, 3), fractional coordinates.
    """

    lattices: Floats
    offsets: Integers
    numbers: NDArray[np.int16]
    frac_coords: Floats

    def __post_init__(self) -> None:
        """Check that the four arrays fit together; :meth:`check` looks at their physics.

        Raises:
            TableError: if they don't.
        """
        n, sites = len(self.lattices), len(self.numbers)
        fits = (
            self.lattices.shape == (n, 3, 3)
            and self.offsets.shape == (n + 1,)
            and self.frac_coords.shape == (sites, 3)
            and self.offsets[0] == 0
            and self.offsets[-1] == sites
            and bool((np.diff(self.offsets) >= 1).all())
        )
        if not fits:
            raise TableError("the arrays of these crystals don't fit together, or a crystal has no site")

    def __len__(self) -> int:
        return len(self.lattices)

    def __repr__(self) -> str:
        """How many there are."""
        return f"Crystals({len(self):,} cells, {len(self.numbers):,} sites)"

    @classmethod
    def from_lists(
        cls, lattices: Iterable[Any], numbers: Sequence[Sequence[int]], frac_coords: Iterable[Any]
    ) -> Crystals:
        """Pack per-crystal lists: 9 (or 3 x 3) cell numbers, Z of every site, 3N (or N x 3) coordinates."""
        counts = [len(sites) for sites in numbers]
        flat = [np.asarray(block, dtype=np.float64).reshape(-1, 3) for block in frac_coords]
        return cls(
            lattices=np.asarray(list(lattices), dtype=np.float64).reshape(-1, 3, 3),
            offsets=np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            numbers=np.asarray([z for sites in numbers for z in sites], dtype=np.int16),
            frac_coords=np.concatenate(flat) if flat else np.empty((0, 3)),
        )

    @classmethod
    def from_structures(cls, structures: Iterable[Structure]) -> Crystals:
        """Pack pymatgen structures; oxidation states are forgotten, isotopes count as their element.

        Dummy species have the atomic number 0, which :meth:`check` refuses.

        Raises:
            CrystalError: if a site is disordered or partially occupied.
        """
        from pymatgen.core import DummySpecies  # noqa: PLC0415  (slow import)

        kept = list(structures)
        disordered = [i for i, structure in enumerate(kept) if not structure.is_ordered]
        if disordered:
            raise CrystalError(f"{len(disordered)} disordered structures, at positions {listed(disordered)}")
        return cls.from_lists(
            [structure.lattice.matrix for structure in kept],
            [
                [0 if isinstance(site.specie, DummySpecies) else site.specie.Z for site in structure]
                for structure in kept
            ],
            [structure.frac_coords for structure in kept],
        )

    def structure(self, index: int) -> Structure:
        """Crystal ``index`` as a pymatgen structure."""
        from pymatgen.core import Element, Lattice, Structure  # noqa: PLC0415  (slow import)

        lattice, numbers, frac_coords = self.arrays(index)
        return Structure(Lattice(lattice), [Element.from_Z(int(z)) for z in numbers], frac_coords)

    def arrays(self, index: int) -> tuple[Floats, NDArray[np.int16], Floats]:
        """Cell (3, 3), atomic numbers (N,) and fractional coordinates (N, 3) of one crystal."""
        sites = slice(self.offsets[index], self.offsets[index + 1])
        return self.lattices[index], self.numbers[sites], self.frac_coords[sites]

    def take(self, indices: Sequence[int] | Integers | NDArray[np.bool_]) -> Crystals:
        """The crystals at ``indices`` (or where a mask is true), in that order."""
        chosen = np.asarray(indices)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else chosen.astype(np.int64)
        counts = self.n_sites[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        sites = np.repeat(self.offsets[:-1][chosen] - offsets[:-1], counts) + np.arange(offsets[-1])
        return Crystals(self.lattices[chosen], offsets, self.numbers[sites], self.frac_coords[sites])

    @classmethod
    def concatenate(cls, parts: Sequence[Crystals]) -> Crystals:
        """All crystals of ``parts``, one after the other."""
        counts = np.concatenate([part.n_sites for part in parts])
        return cls(
            np.concatenate([part.lattices for part in parts]),
            np.concatenate([[0], np.cumsum(counts)]).astype(np.int64),
            np.concatenate([part.numbers for part in parts]),
            np.concatenate([part.frac_coords for part in parts]),
        )

    @property
    def n_sites(self) -> Integers:
        """(n,) sites in every crystal."""
        return np.diff(self.offsets)

    @property
    def volumes(self) -> Floats:
        """(n,) cell volumes in Å³."""
        return np.asarray(np.abs(np.linalg.det(self.lattices)))

    @property
    def volumes_per_atom(self) -> Floats:
        """(n,) Å³/atom."""
        return self.volumes / self.n_sites

    def with_volumes_per_atom(self, volumes: Floats) -> Crystals:
        """The same crystals, scaled isotropically to ``volumes`` (n,) in Å³/atom."""
        factors = np.cbrt(np.asarray(volumes) / self.volumes_per_atom)
        return Crystals(self.lattices * factors[:, None, None], self.offsets, self.numbers, self.frac_coords)

    def element_counts(self, index: int) -> dict[int, int]:
        """Atomic number to number of sites in crystal ``index``."""
        found, counts = np.unique(self.arrays(index)[1], return_counts=True)
        return dict(zip(found.tolist(), counts.tolist(), strict=True))

    def reduced_formulas(self) -> list[str]:
        """Reduced formula of every crystal, with elements as pymatgen orders them."""
        from pymatgen.core import Composition, Element  # noqa: PLC0415  (slow import)

        known: dict[tuple[tuple[int, int], ...], str] = {}
        formulas = []
        for index in range(len(self)):
            counts = self.element_counts(index)
            divisor = reduce(gcd, counts.values())
            key = tuple((z, count // divisor) for z, count in counts.items())
            if key not in known:
                known[key] = Composition({Element.from_Z(z): count for z, count in key}).reduced_formula
            formulas.append(known[key])
        return formulas

    def check(self, ids: Sequence[str]) -> None:
        """Refuse crystals that no program should be given; ``ids`` name them in the message.

        Overlapping atoms need a neighbor search and are looked for on intake.

        Raises:
            CrystalError: on values that are not finite, cells without volume, unknown elements.
        """
        owner = np.repeat(np.arange(len(self)), self.n_sites)
        finite: NDArray[np.bool_] = np.asarray(np.isfinite(self.lattices).all(axis=(1, 2)))
        finite[owner[~np.isfinite(self.frac_coords).all(axis=1)]] = False
        known = np.ones(len(self), dtype=bool)
        known[owner[(self.numbers < 1) | (self.numbers > HEAVIEST)]] = False
        with np.errstate(invalid="ignore"):  # of cells that are not finite; they have their own message
            solid = self.volumes > 1e-3 * self.n_sites
        for broken, what in (
            (~finite, "NaN or infinite cells or coordinates"),
            (~known, "unknown elements"),
            (finite & ~solid, "zero volume"),
        ):
            if broken.any():
                names = listed(np.asarray(ids)[broken])
                raise CrystalError(f"{int(broken.sum())} crystals have {what}: {names}")
