"""Elements put in each other's place with probabilities mined from known crystals (Goodall's thesis, 6.7)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.generators.base import SHARD, GeneratorInput, Needs, Plan, Shard
from aiida_mlhull.science.generators.drawing import DrawingSettings, chosen_parents, drawn_shards
from aiida_mlhull.science.generators.element_groups import excluded_numbers
from aiida_mlhull.science.generators.mining import mine_substitutions
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.types import Substitutions
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.table import Strings


class SubstitutionSettings(DrawingSettings):
    """What is drawn.

    Attributes:
        smoothing: added to every count of the table before rows are normalized, if it is mined here.
    """

    smoothing: float = Field(default=0.0, ge=0)


class Substitution:
    """Every class of sites of a parent gets the element that the table draws for its own."""

    Settings: ClassVar[type[SubstitutionSettings]] = SubstitutionSettings
    needs: ClassVar[Needs] = "crystals"

    def __init__(self, settings: SubstitutionSettings) -> None:
        self.settings = settings

    def table(self, start: GeneratorInput) -> Substitutions:
        """The table that is drawn from: the one that was given, or what the crystals teach.

        Raises:
            InputError: if there is nothing to learn from.
        """
        if start.table is not None:
            return start.table
        crystals = start.required_crystals()
        return mine_substitutions(crystals.protostructures, smoothing=self.settings.smoothing, source=crystals.source)

    def plan(self, start: GeneratorInput) -> Plan:
        """Parents times draws."""
        parents, table = chosen_parents(start, self.settings), self.table(start)
        chances = ElementChances(table, excluded_numbers(self.settings.exclude))
        return Plan(
            draws=len(parents) * self.settings.draws,
            facts={
                "crystals": len(start.required_crystals()),
                "parents": len(parents),
                "draws per parent": self.settings.draws,
                "elements in the table": len(table.elements),
                "representations behind it": table.n_crystals,
                "kinds with more than one": table.n_kinds,
                "never drawn": " ".join(chances.never) or None,
            },
        )

    def shards(
        self, start: GeneratorInput, *, seed: int = 0, size: int = SHARD, earlier: Sequence[Strings] = ()
    ) -> Iterator[Shard]:
        """Parents in the order of their ids; each has its own chance. Shards whose ids are given are not made again."""
        chances = ElementChances(self.table(start), excluded_numbers(self.settings.exclude))
        yield from drawn_shards(
            start, self.settings, chances, seed=seed, size=size, source="substitution", earlier=earlier
        )


class ElementChances:
    """Draws from a table, each class for itself, without the excluded elements.

    Args:
        table: probabilities.
        excluded: atomic numbers that are never drawn.

    Attributes:
        never: symbols of the table that can't be drawn.

    Raises:
        InputError: if nothing is left to draw.
    """

    def __init__(self, table: Substitutions, excluded: frozenset[int]) -> None:
        numbers = np.asarray([NUMBERS[symbol] for symbol in table.elements], dtype=np.int64)
        allowed = ~np.isin(numbers, sorted(excluded))
        chances = table.probabilities[:, allowed]
        if not chances.any():
            raise InputError("all elements that the substitution table could put somewhere are excluded")
        reached = chances.sum(axis=0) > 0
        self.never = tuple(np.asarray(table.elements)[~np.isin(numbers, numbers[allowed][reached])].tolist())
        self._numbers = numbers[allowed]
        self._cumulative = {
            int(z): np.cumsum(row / row.sum()) for z, row in zip(numbers, chances, strict=True) if row.sum() > 0
        }

    def draw(
        self,
        formula: str,  # noqa: ARG002  (other chances look at it)
        own: tuple[int, ...],
        n: int,
        chance: np.random.Generator,
    ) -> tuple[Integers, Strings]:
        """(n, K) atomic numbers; no draw can be used where the table knows nothing of an element."""
        if not all(z in self._cumulative for z in own):
            return np.tile(np.asarray(own, dtype=np.int64), (n, 1)), np.full(n, "element_not_in_table")
        uniform = chance.random((n, len(own)))
        last = len(self._numbers) - 1
        columns = [
            np.minimum(np.searchsorted(self._cumulative[z], uniform[:, k], side="right"), last)
            for k, z in enumerate(own)
        ]
        return self._numbers[np.column_stack(columns)], np.full(n, "")
