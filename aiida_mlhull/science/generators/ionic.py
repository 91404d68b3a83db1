"""Ions put in each other's place with the probabilities that pymatgen ships.

Source: Hautier, Fischer, Ehrlacher, Jain and Ceder, Inorg. Chem. 50 (2011) 656. Their table is about ions,
so parents need oxidation states, which are guessed from the composition, and what is drawn has to be neutral.
pymatgen's own predictor lists every combination above a threshold, in seconds a composition; here
combinations are drawn, each class with its conditional probability, and charged ones are left out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar

import numpy as np

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.generators.base import SHARD, GeneratorInput, Needs, Plan, Shard
from aiida_mlhull.science.generators.drawing import DrawingSettings, chosen_parents, drawn_shards
from aiida_mlhull.science.generators.element_groups import excluded_numbers
from aiida_mlhull.science.representations.composition import NUMBERS, SYMBOLS, reduce_formula
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import Strings

Ion = tuple[int, int]
"""Atomic number and charge."""


class IonicSettings(DrawingSettings):
    """What is drawn; nothing beyond what all draws have."""


class Ionic:
    """Every class of sites of a parent gets the ion that Hautier's table draws for its own."""

    Settings: ClassVar[type[IonicSettings]] = IonicSettings
    needs: ClassVar[Needs] = "crystals"

    def __init__(self, settings: IonicSettings) -> None:
        self.settings = settings

    def plan(self, start: GeneratorInput) -> Plan:
        """Parents times draws, and what of the parents the table lacks."""
        parents = chosen_parents(start, self.settings)
        table = ion_table()
        charged = [_ions(formula) for formula in parents.formulas.tolist()]
        lacking = sorted({_spelled(ion) for ions, _ in charged for ion in ions if ion not in table.rows})
        usable = sum(not reason and all(ion in table.rows for ion in ions) for ions, reason in charged)
        if not usable:
            raise InputError(
                f"{parents.source}: the table of ionic substitutions can't be used for any of {len(parents)} parents: "
                f"{sum(bool(reason) for _, reason in charged)} have no integer oxidation states, the table lacks "
                f"{listed(lacking) or 'none'}; the generator 'substitution' needs no oxidation states"
            )
        return Plan(
            draws=len(parents) * self.settings.draws,
            facts={
                "crystals": len(start.required_crystals()),
                "parents": len(parents),
                "draws per parent": self.settings.draws,
                "parents with ions in the table": usable,
                "without oxidation states": sum(reason == Reason.NO_OXIDATION_STATES for _, reason in charged),
                "of mixed valence": sum(reason == Reason.MIXED_VALENCE for _, reason in charged),
                "ions that the table lacks": listed(lacking, 40) or None,
            },
        )

    def shards(self, start: GeneratorInput, *, seed: int = 0, size: int = SHARD) -> Iterator[Shard]:
        """Parents in the order of their ids; each has its own chance."""
        chances = IonChances(ion_table(), excluded_numbers(self.settings.exclude))
        yield from drawn_shards(start, self.settings, chances, seed=seed, size=size, source="ionic substitution")


@dataclass(frozen=True, eq=False)
class IonTable:
    """Conditional probabilities of substitution between S ions.

    Attributes:
        ions: (S, 2) atomic number and charge.
        rows: ion to its row.
        probabilities: (S, S), row i: what stands where ion i stood; rows sum to one.
    """

    ions: Integers
    rows: dict[Ion, int]
    probabilities: Floats


@cache
def ion_table() -> IonTable:
    """The table that pymatgen ships; ions of fractional charge are left out of it."""
    from pymatgen.analysis.structure_prediction.substitution_probability import (  # noqa: PLC0415  (slow import)
        SubstitutionProbability,
    )

    published = SubstitutionProbability()  # type: ignore[no-untyped-call]
    charged = {(int(one.Z), float(one.oxi_state or 0.0)): one for one in published.species}
    species = {(z, round(charge)): one for (z, charge), one in charged.items() if charge == round(charge)}
    ions = sorted(species)
    weigh: Callable[[Any, Any], float] = published.get_lambda
    weights = np.asarray([[math.exp(weigh(species[a], species[b])) for b in ions] for a in ions])
    return IonTable(
        ions=np.asarray(ions, dtype=np.int64),
        rows={ion: row for row, ion in enumerate(ions)},
        probabilities=weights / weights.sum(axis=1, keepdims=True),
    )


class IonChances:
    """Draws from the table, each class for itself, without the excluded elements; charged draws can't be used.

    Args:
        table: probabilities.
        excluded: atomic numbers that are never drawn.
    """

    def __init__(self, table: IonTable, excluded: frozenset[int]) -> None:
        allowed = ~np.isin(table.ions[:, 0], sorted(excluded))
        self._rows = table.rows
        self._ions = table.ions[allowed]
        self._cumulative = np.cumsum(table.probabilities[:, allowed], axis=1)

    def draw(self, formula: str, own: tuple[int, ...], n: int, chance: np.random.Generator) -> tuple[Integers, Strings]:
        """(n, K) atomic numbers, and why draws can't be used."""
        ions, reason = _ions(formula)
        if not reason and not all(ion in self._rows for ion in ions):
            reason = Reason.ION_NOT_IN_TABLE
        if reason:
            return np.tile(np.asarray(own, dtype=np.int64), (n, 1)), np.full(n, reason)
        amounts = np.asarray(reduce_formula(formula).counts)
        uniform = chance.random((n, len(own)))
        columns = [
            np.minimum(np.searchsorted(total, uniform[:, k] * total[-1], side="right"), len(self._ions) - 1)
            for k, total in enumerate(self._cumulative[[self._rows[ion] for ion in ions]])
        ]
        drawn = self._ions[np.column_stack(columns)]
        return drawn[:, :, 0], np.where(drawn[:, :, 1] @ amounts == 0, "", Reason.NOT_NEUTRAL)


@lru_cache(maxsize=100_000)
def _ions(formula: str) -> tuple[tuple[Ion, ...], str]:
    """Likeliest ions of a formula in the order of atomic numbers, or why there are none."""
    from pymatgen.core import Composition  # noqa: PLC0415  (slow import)

    guesses = Composition(formula).oxi_state_guesses()
    if not guesses:
        return (), Reason.NO_OXIDATION_STATES
    charges = sorted((NUMBERS[symbol], charge) for symbol, charge in guesses[0].items())
    if any(charge != round(charge) for _, charge in charges):
        return (), Reason.MIXED_VALENCE
    return tuple((z, round(charge)) for z, charge in charges), ""


def _spelled(ion: Ion) -> str:
    sign = "" if not ion[1] else "+" if ion[1] > 0 else "-"
    return f"{SYMBOLS[ion[0] - 1]}{abs(ion[1])}{sign}"
