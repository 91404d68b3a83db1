"""The elements of a chemical system on the sites of known prototypes, in every distinct way."""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar

from pydantic import Field

from aiida_mlhull.science.generators.base import SHARD, GeneratorInput, GeneratorSettings, Needs, Plan, Shard
from aiida_mlhull.science.generators.decoration import (
    FEWEST_ELEMENTS,
    Prototypes,
    aflow_prototypes,
    all_choices,
    passed_over,
    sampled,
)
from aiida_mlhull.science.generators.exchange import Exchange, Seen, build_shard
from aiida_mlhull.science.types.table import slices


class PrototypesSettings(GeneratorSettings):
    """Which prototypes.

    Attributes:
        fewest_elements: prototypes with fewer are passed over; 1 makes pure elements, too.
        largest_cell: sites; prototypes with more are passed over.
        sample: so many decorations at most, drawn at random; all by default.
    """

    fewest_elements: int = Field(default=FEWEST_ELEMENTS, ge=1)
    largest_cell: int = Field(default=20, ge=1)
    sample: int | None = Field(default=None, ge=1)


class PrototypeDecoration:
    """The person's own crystals as prototypes where there are some, else the AFLOW library that pymatgen ships."""

    Settings: ClassVar[type[PrototypesSettings]] = PrototypesSettings
    needs: ClassVar[Needs] = "elements"

    def __init__(self, settings: PrototypesSettings) -> None:
        self.settings = settings

    def plan(self, start: GeneratorInput) -> Plan:
        """Ordered choices of elements, prototype by prototype."""
        library, choices = self._choices(start)
        over = passed_over(
            library.crystals, len(start.elements), self.settings.fewest_elements, self.settings.largest_cell
        )
        facts = {
            "prototypes": len(library.names),
            **{f"with {reason}": n for reason, n in over.items()},
            "decorations": len(choices),
        }
        return Plan(draws=len(sampled(choices, self.settings.sample, 0)), facts=facts)

    def shards(self, start: GeneratorInput, *, seed: int = 0, size: int = SHARD) -> Iterator[Shard]:
        """Prototype by prototype; the seed matters where a sample is drawn."""
        library, choices = self._choices(start)
        drawn, seen = sampled(choices, self.settings.sample, seed), Seen()
        for part in slices(len(drawn), size=size):
            yield build_shard(library.crystals, library.names, drawn[part], seen=seen, source=library.source)

    def _choices(self, start: GeneratorInput) -> tuple[Prototypes, list[Exchange]]:
        own = start.crystals
        library = aflow_prototypes() if own is None else Prototypes(own.crystals, own.ids, own.source)
        return library, all_choices(library, start.elements, self.settings.fewest_elements, self.settings.largest_cell)
