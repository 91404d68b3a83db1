"""All Wyckoff representations of given formulas, up to a number of sites and positions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import ClassVar

import numpy as np
from pydantic import Field, field_validator

from aiida_mlhull.science.errors import CrystalError, InputError
from aiida_mlhull.science.generators.base import (
    SHARD,
    GeneratorInput,
    GeneratorSettings,
    Needs,
    Plan,
    Shard,
    batches,
)
from aiida_mlhull.science.generators.cells import build_cell
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.representations.identity import crystal_ids, label_ids
from aiida_mlhull.science.representations.wyckoff_positions.enumeration import count_representations, representations
from aiida_mlhull.science.types import Candidates, Crystals
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.wyckoff import SPACE_GROUPS

SOURCE = "enumeration of Wyckoff representations"


class EnumerationSettings(GeneratorSettings):
    """How far to go.

    Attributes:
        max_sites: of the conventional cell.
        max_positions: occupied at most.
        space_groups: numbers; all 230 if None.
        cells: whether every representation gets a cell, for models that look at one; without, candidates
            are labels only, which is what Wren reads, at a hundred times the speed.
        largest: representations; more are refused before anything is built.
    """

    max_sites: int = Field(default=12, ge=1)
    max_positions: int = Field(default=4, ge=1)
    space_groups: tuple[int, ...] | None = None
    cells: bool = False
    largest: int = Field(default=1_000_000, ge=1)

    @field_validator("space_groups")
    @classmethod
    def _exist(cls, numbers: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if numbers is not None and not all(1 <= number <= SPACE_GROUPS for number in numbers):
            raise ValueError("space groups are numbers from 1 to 230")
        return numbers if numbers is None else tuple(sorted(set(numbers)))


class Enumeration:
    """Every way to put the formula's elements on Wyckoff positions, each one once."""

    Settings: ClassVar[type[EnumerationSettings]] = EnumerationSettings
    needs: ClassVar[Needs] = "formulas"

    def __init__(self, settings: EnumerationSettings) -> None:
        self.settings = settings

    def plan(self, start: GeneratorInput) -> Plan:
        """Counted by generating functions, without listing."""
        wanted = start.compositions()
        limits = {"max_sites": self.settings.max_sites, "max_positions": self.settings.max_positions}
        counts = {
            _reduced(composition): sum(count_representations(group, composition, **limits) for group in self._groups())
            for composition in wanted
        }
        total = sum(counts.values())
        if not total:
            raise InputError(
                f"no representation of {', '.join(counts)} has at most {self.settings.max_sites} sites in the conventional "
                f"cell on at most {self.settings.max_positions} positions in these {len(self._groups())} space groups; "
                "allow more sites or positions"
            )
        if total > self.settings.largest:
            raise InputError(
                f"{total:,} representations of {', '.join(counts)} are more than {self.settings.largest:,} ('largest'); "
                "allow fewer sites, positions or space groups, or raise it"
            )
        facts = {"space groups": len(self._groups())} | {f"representations of {name}": n for name, n in counts.items()}
        return Plan(draws=total, facts=facts)

    def shards(self, start: GeneratorInput, *, seed: int = 0, size: int = SHARD) -> Iterator[Shard]:
        """By formula, space group and size of the cell."""
        self.plan(start)
        for batch in batches(self._labels(start.compositions()), size):
            yield self._with_cells(batch, seed) if self.settings.cells else _labels_only(batch)

    def _groups(self) -> tuple[int, ...]:
        return self.settings.space_groups or tuple(range(1, SPACE_GROUPS + 1))

    def _labels(self, wanted: list[Composition]) -> Iterator[tuple[str, str, str]]:
        """Label, formula, and where in the enumeration it stands."""
        for composition in wanted:
            formula = _reduced(composition)
            for group in self._groups():
                found = representations(
                    group, composition, max_sites=self.settings.max_sites, max_positions=self.settings.max_positions
                )
                for number, label in enumerate(found, start=1):
                    yield label, formula, f"{formula}, space group {group}, number {number}"

    def _with_cells(self, batch: list[tuple[str, str, str]], seed: int) -> Shard:
        built, kept = [], []
        for row, (label, _, _) in enumerate(batch):
            try:
                built.append(build_cell(label, seed=seed))
            except CrystalError:  # higher symmetry by necessity, or too crowded: not a candidate
                continue
            kept.append(row)
        left_out = Counter[str]({Reason.NO_CELL: len(batch) - len(kept)})
        if not kept:
            return Shard(_labels_only([]).candidates, left_out)
        crystals = Crystals.concatenate(built)
        labels = np.asarray([batch[row][0] for row in kept], dtype=np.str_)
        shard = Candidates.from_rows(
            ids=crystal_ids(crystals, labels),
            formulas=crystals.reduced_formulas(),
            crystals=crystals,
            protostructures=labels,
            origins=np.asarray([f"{batch[row][2]}, seed {seed}" for row in kept], dtype=np.str_),
            source=SOURCE,
        )
        return Shard(shard, +left_out)


def _reduced(composition: Composition) -> str:
    """Formula with elements as pymatgen orders them, as in every table."""
    from pymatgen.core import Composition as Spelled  # noqa: PLC0415  (slow import)

    return str(Spelled(composition.formula).reduced_formula)


def _labels_only(batch: list[tuple[str, str, str]]) -> Shard:
    labels, formulas, origins = (
        np.asarray(column, dtype=np.str_) for column in (zip(*batch, strict=True) if batch else ((), (), ()))
    )
    shard = Candidates.from_rows(
        ids=label_ids(labels),
        formulas=formulas,
        crystals=None,
        protostructures=labels,
        origins=origins,
        source=SOURCE,
    )
    return Shard(shard, Counter())
