"""Elements put in each other's place with probabilities mined from known crystals (Goodall's thesis, 6.7)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar, Final

import numpy as np
from pydantic import Field

from aiida_mlhull.science.candidates.element_groups import excluded_numbers
from aiida_mlhull.science.candidates.exchange import Exchange, Seen, build_shard
from aiida_mlhull.science.candidates.generators.base import (
    SHARD,
    GeneratorSettings,
    Needs,
    Plan,
    Shard,
    Start,
    batches,
    drawing,
)
from aiida_mlhull.science.candidates.mining import mine_substitutions
from aiida_mlhull.science.candidates.parents import Parents
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.representations.composition import NUMBERS, Composition
from aiida_mlhull.science.types import Substitutions
from aiida_mlhull.science.types.crystals import Floats

NEAR_HULL: Final = 0.1
"""eV/atom; crystals further from the hull are poor parents."""


class SubstitutionSettings(GeneratorSettings):
    """What is drawn.

    Attributes:
        draws: per parent.
        near_hull: eV/atom above the hull that a parent may lie; None takes all.
        smoothing: added to every count of the table before rows are normalized.
        exclude: elements and groups of elements (``noble_gases``, ``actinides``, ...) that no candidate holds.
        largest_cell: sites; parents with more are passed over.
        known_compositions: whether compositions of known crystals are drawn, too.
    """

    draws: int = Field(default=20, ge=1)
    near_hull: float | None = Field(default=NEAR_HULL, ge=0)
    smoothing: float = Field(default=0.0, ge=0)
    exclude: tuple[str, ...] = ("noble_gases", "radioactive")
    largest_cell: int = Field(default=64, ge=1)
    known_compositions: bool = False


class Substitution:
    """Every class of sites of a parent gets the element that the table draws for its own."""

    Settings: ClassVar[type[SubstitutionSettings]] = SubstitutionSettings
    needs: ClassVar[Needs] = "crystals"

    def __init__(self, settings: SubstitutionSettings) -> None:
        self.settings = settings

    def table(self, start: Start) -> Substitutions:
        """The table that is drawn from: the one that was given, or what the crystals teach.

        Raises:
            InputError: if there is nothing to learn from.
        """
        if start.table is not None:
            return start.table
        crystals = start.required_crystals()
        return mine_substitutions(crystals.protostructures, smoothing=self.settings.smoothing, source=crystals.source)

    def parents(self, start: Start) -> Parents:
        """The crystals that are drawn from.

        Raises:
            InputError: if none is near enough to the hull or small enough.
        """
        near = start.required_crystals().near_hull(self.settings.near_hull)
        small = near.crystals.n_sites <= self.settings.largest_cell
        if not small.any():
            raise InputError(f"{near.source}: every cell has more than {self.settings.largest_cell} sites")
        return near.take(small)

    def plan(self, start: Start) -> Plan:
        """Parents times draws."""
        parents, table = self.parents(start), self.table(start)
        chances = _Chances(table, excluded_numbers(self.settings.exclude))
        return Plan(
            draws=len(parents) * self.settings.draws,
            facts={
                "crystals": len(start.required_crystals()),
                "parents": len(parents),
                "table": f"{len(table.elements)} elements from {table.n_crystals} representations of {table.n_kinds} "
                "kinds that more than one crystal is of",
                "elements that are never drawn": " ".join(chances.never) or None,
                "draws a parent": self.settings.draws,
            },
        )

    def shards(self, start: Start, *, seed: int = 0, size: int = SHARD) -> Iterator[Shard]:
        """Parents in the order of their ids; each has its own chance."""
        parents = self.parents(start)
        chances = _Chances(self.table(start), excluded_numbers(self.settings.exclude))
        known = (
            frozenset() if self.settings.known_compositions else start.known | _compositions(start.required_crystals())
        )
        seen, left_out = Seen(), Counter[str]()
        draws = self._draws(parents, chances, known, left_out, seed=seed)
        for batch in batches(draws, size):
            built = build_shard(
                parents.crystals, parents.ids, batch, seen=seen, source=f"substitution: {parents.source}"
            )
            yield Shard(built.candidates, built.left_out + left_out)
            left_out.clear()
        if left_out:
            empty = build_shard(parents.crystals, parents.ids, [], seen=seen, source=f"substitution: {parents.source}")
            yield Shard(empty.candidates, left_out)

    def _draws(
        self,
        parents: Parents,
        chances: _Chances,
        known: frozenset[Composition],
        left_out: Counter[str],
        *,
        seed: int,
    ) -> Iterator[Exchange]:
        """Draws that are worth building; the others are counted in ``left_out``."""
        for row, name in enumerate(parents.ids.tolist()):
            counts = parents.crystals.element_counts(row)
            own = tuple(counts)
            if not chances.draws_for(own):
                left_out["element_not_in_table"] += self.settings.draws
                continue
            drawn = chances.draw(own, self.settings.draws, drawing(seed, name))
            before: set[tuple[int, ...]] = set()
            for number, chosen in enumerate(map(tuple, drawn.tolist()), start=1):
                reason = _fault(own, chosen, tuple(counts.values()), before, known)
                before.add(chosen)
                if reason:
                    left_out[reason] += 1
                else:
                    yield Exchange(row, own, chosen, f"draw {number}")


def _fault(
    own: tuple[int, ...],
    chosen: tuple[int, ...],
    counts: tuple[int, ...],
    before: set[tuple[int, ...]],
    known: frozenset[Composition],
) -> str:
    """Why a draw is not worth building; empty if it is."""
    if chosen == own:
        return "unchanged"
    if len(set(chosen)) < len(chosen):
        return "two_classes_one_element"
    if chosen in before:
        return "drawn_before"
    return "known_composition" if _composition(chosen, counts) in known else ""


def _composition(numbers: tuple[int, ...], counts: tuple[int, ...]) -> Composition:
    divisor = int(np.gcd.reduce(counts))
    pairs = sorted(zip(numbers, counts, strict=True))
    return Composition(tuple(z for z, _ in pairs), tuple(n // divisor for _, n in pairs))


def _compositions(parents: Parents) -> frozenset[Composition]:
    counts = (parents.crystals.element_counts(row) for row in range(len(parents)))
    return frozenset(_composition(tuple(known), tuple(known.values())) for known in counts)


class _Chances:
    """Cumulative probabilities by atomic number, without the excluded elements."""

    def __init__(self, table: Substitutions, excluded: frozenset[int]) -> None:
        numbers = np.asarray([NUMBERS[symbol] for symbol in table.elements])
        allowed = ~np.isin(numbers, sorted(excluded))
        if not allowed.any():
            raise InputError("all elements of the substitution table are excluded")
        chances: Floats = table.probabilities[:, allowed]
        sums = chances.sum(axis=1)
        self._numbers = numbers[allowed]
        self._cumulative = {
            int(z): np.cumsum(row / total) for z, row, total in zip(numbers, chances, sums, strict=True) if total > 0
        }
        unreached = self._numbers[chances.sum(axis=0) == 0]
        self.never = tuple(np.asarray(table.elements)[np.isin(numbers, unreached) | ~allowed].tolist())

    def draws_for(self, elements: tuple[int, ...]) -> bool:
        """Whether the table knows something to replace each of ``elements`` with."""
        return all(z in self._cumulative for z in elements)

    def draw(self, elements: tuple[int, ...], n: int, chance: np.random.Generator) -> np.ndarray:
        """(n, len(elements)) atomic numbers."""
        uniform = chance.random((n, len(elements)))
        columns = [
            np.minimum(np.searchsorted(self._cumulative[z], uniform[:, k], side="right"), len(self._numbers) - 1)
            for k, z in enumerate(elements)
        ]
        return self._numbers[np.column_stack(columns)]
