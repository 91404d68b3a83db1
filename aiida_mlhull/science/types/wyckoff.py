"""One crystal as the Wyckoff positions that it occupies, whatever its free coordinates are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiida_mlhull.science.errors import CrystalError

SPACE_GROUPS: Final = 230


@dataclass(frozen=True)
class Wyckoff:
    """A space group and P occupied positions, in the order of elements, then of letters.

    Attributes:
        space_group: number, 1 to 230.
        elements: (P,) symbol on every position.
        letters: (P,) letter of every position; a letter occurs as often as it is occupied.
        multiplicities: (P,) sites of every position in the conventional cell.
        equivalents: every lettering (P,) that another choice of origin and axes gives to the same
            crystal, this one among them, in alphabetical order.
        protostructure: AFLOW-style label with elements, ``"AB2_oS6_71_a_i:Ca-Si"``.
        prototype: the label without elements, the same for all that differ in elements only.
    """

    space_group: int
    elements: tuple[str, ...]
    letters: tuple[str, ...]
    multiplicities: tuple[int, ...]
    equivalents: tuple[tuple[str, ...], ...]
    protostructure: str
    prototype: str

    def __post_init__(self) -> None:
        """Check that the parts fit together.

        Raises:
            CrystalError: if they don't.
        """
        positions = len(self.elements)
        if not 1 <= self.space_group <= SPACE_GROUPS:
            raise CrystalError(f"{self.protostructure}: there is no space group {self.space_group}")
        if not positions or any(len(column) != positions for column in (self.letters, self.multiplicities)):
            raise CrystalError(f"{self.protostructure}: every occupied position needs element, letter, multiplicity")
        if list(zip(self.elements, self.letters, strict=True)) != sorted(zip(self.elements, self.letters, strict=True)):
            raise CrystalError(f"{self.protostructure}: positions must be sorted by element, then by letter")
        if min(self.multiplicities) < 1:
            raise CrystalError(f"{self.protostructure}: multiplicities must be positive")
        if self.letters not in self.equivalents or any(len(letters) != positions for letters in self.equivalents):
            raise CrystalError(f"{self.protostructure}: the equivalent letterings must hold this one, {self.letters}")

    @property
    def n_positions(self) -> int:
        """Occupied positions."""
        return len(self.letters)

    @property
    def n_sites(self) -> int:
        """Sites in the conventional cell."""
        return sum(self.multiplicities)

    @property
    def chemical_system(self) -> str:
        """Elements in alphabetical order, ``"N-Ti-Zn"``."""
        return "-".join(sorted(set(self.elements)))

    @property
    def formula(self) -> str:
        """Reduced formula, with elements as pymatgen orders them: ``"TiZnN2"``."""
        from pymatgen.core import Composition  # noqa: PLC0415  (slow import)

        counts: dict[str, int] = {}
        for element, sites in zip(self.elements, self.multiplicities, strict=True):
            counts[element] = counts.get(element, 0) + sites
        return Composition(counts).reduced_formula
