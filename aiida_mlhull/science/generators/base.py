"""What a generator of candidates has to offer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, Protocol, runtime_checkable

import numpy as np

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.representations.composition import Composition, reduce_formula
from aiida_mlhull.science.tables.writing import Shard
from aiida_mlhull.science.types import Substitutions
from aiida_mlhull.science.types.strict import Strict

__all__ = ["SHARD", "Generator", "GeneratorInput", "GeneratorSettings", "Needs", "Plan", "Shard"]

Needs = Literal["crystals", "elements", "formulas"]
"""What a generator is given: crystals of the user, a chemical system, or formulas."""

SHARD: Final = 1000
"""Draws that are in memory at one time, unless asked for otherwise."""


class GeneratorSettings(Strict):
    """Base of every generator's settings: unknown keys are refused."""


@dataclass(frozen=True, eq=False, kw_only=True)
class GeneratorInput:
    """What a person has; a generator reads what it needs.

    Attributes:
        crystals: known crystals, to learn from, to draw from, or to take as prototypes.
        elements: symbols of a chemical system.
        formulas: what is asked for.
        table: substitution probabilities from elsewhere; by default they are mined from the crystals.
        known: compositions, beside those of the crystals, that generators which draw leave out.
    """

    crystals: Parents | None = None
    elements: tuple[str, ...] = ()
    formulas: tuple[str, ...] = ()
    table: Substitutions | None = None
    known: frozenset[Composition] = field(default_factory=frozenset)

    def required_crystals(self) -> Parents:
        """The crystals.

        Raises:
            InputError: if there are none.
        """
        if self.crystals is None:
            raise InputError("this generator starts from crystals: give a file or a folder with some")
        return self.crystals

    def compositions(self) -> list[Composition]:
        """The different compositions of the formulas, in the order given.

        Raises:
            FormulaError: if a formula can't be read.
            InputError: if there is none.
        """
        if not self.formulas:
            raise InputError("this generator starts from formulas: give some, e.g. TiN Zn3N2")
        return list(dict.fromkeys(map(reduce_formula, self.formulas)))


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What would be done, counted before anything is built.

    Attributes:
        draws: rows that will be drawn; each of them becomes a candidate or is left out for a reason.
        facts: what people want to know about that, by name, in the order in which to tell it.
    """

    draws: int
    facts: dict[str, Any]


@runtime_checkable
class Generator(Protocol):
    """One way from what a person has to candidates.

    Attributes:
        Settings: the pydantic class of its settings.
        needs: what it reads of a :class:`GeneratorInput`.
        settings: the settings it was made with.
    """

    Settings: ClassVar[type[GeneratorSettings]]
    needs: ClassVar[Needs]
    settings: Any

    def __init__(self, settings: Any) -> None: ...

    def plan(self, start: GeneratorInput) -> Plan:
        """Count what :meth:`shards` would draw.

        Raises:
            InputError: if nothing can come of this start, saying why.
        """
        ...

    def shards(self, start: GeneratorInput, *, seed: int = 0, size: int = SHARD) -> Iterator[Shard]:
        """Stream the candidates.

        The same start, settings and seed give the same rows, whatever the size of the shards. Origins
        name parent and draw. No crystal comes twice; ids are canonical, so that the same crystal from
        another generator has the same id.

        Args:
            start: what there is.
            seed: of everything that is drawn.
            size: draws a shard; what is in memory at one time.

        Yields:
            Candidates, and the draws that came to nothing by reason. Together they are the plan's draws.

        Raises:
            InputError: as :meth:`plan`.
        """
        ...


def batches(stream: Iterator[Any], size: int) -> Iterator[list[Any]]:
    """What comes out of ``stream`` in lists of at most ``size``."""
    batch: list[Any] = []
    for item in stream:
        batch.append(item)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


def drawing(seed: int, name: str) -> np.random.Generator:
    """Chance of its own for everything that has a name: what else is drawn makes no difference to it."""
    return np.random.default_rng([seed, *name.encode()])
