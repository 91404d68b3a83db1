"""What generators share that draw new elements for the classes of known crystals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

import numpy as np
from pydantic import Field

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.generators.base import GeneratorInput, GeneratorSettings, batches, drawing
from aiida_mlhull.science.generators.exchange import Exchange, Seen, build_shard
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.representations.composition import Composition
from aiida_mlhull.science.tables.writing import Shard
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import Strings

NEAR_HULL: Final = 0.1
"""eV/atom; crystals further from the hull are poor parents."""

_Numbers = tuple[int, ...]


class DrawingSettings(GeneratorSettings):
    """Whom to draw from, and what not to draw.

    Attributes:
        draws: per parent.
        near_hull: eV/atom above the hull that a parent may lie; None takes all.
        exclude: elements and groups of elements (``noble_gases``, ``actinides``, ...) that no candidate holds.
        largest_cell: sites; parents with more are passed over.
        known_compositions: whether compositions of known crystals are drawn, too.
    """

    draws: int = Field(default=20, ge=1)
    near_hull: float | None = Field(default=NEAR_HULL, ge=0)
    exclude: tuple[str, ...] = ("noble_gases", "radioactive")
    largest_cell: int = Field(default=64, ge=1)
    known_compositions: bool = False


class DrawingChances(Protocol):
    """What stands in place of a parent's elements, by chance."""

    def draw(self, formula: str, own: _Numbers, n: int, chance: np.random.Generator) -> tuple[Integers, Strings]:
        """Draw ``n`` times.

        Args:
            formula: the parent's reduced formula.
            own: (K,) atomic numbers of its elements, ascending.
            n: draws.
            chance: where randomness comes from.

        Returns:
            (n, K) atomic numbers in their place, and (n,) why a draw can't be used, empty where it can.
        """
        ...


def chosen_parents(start: GeneratorInput, settings: DrawingSettings) -> Parents:
    """The crystals that are drawn from.

    Raises:
        InputError: if none is near enough to the hull or small enough.
    """
    near = start.required_crystals().near_hull(settings.near_hull)
    small = near.crystals.n_sites <= settings.largest_cell
    if not small.any():
        raise InputError(f"{near.source}: every cell has more than {settings.largest_cell} sites")
    return near.take(small)


def drawn_shards(
    start: GeneratorInput,
    settings: DrawingSettings,
    chances: DrawingChances,
    *,
    seed: int,
    size: int,
    source: str,
    earlier: Sequence[Strings] = (),
) -> Iterator[Shard]:
    """Draw from parents in the order of their ids; each has its own chance.

    Args:
        start: crystals, and compositions that are known.
        settings: see :class:`DrawingSettings`.
        chances: what is drawn.
        seed: of all draws.
        size: draws that are built at one time.
        source: what shards are said to come from.
        earlier: ids of the candidates in the first shards, which have been made before and are not made again.

    Yields:
        Candidates and counted reasons; together, and with those of earlier shards, as many as there are draws.
    """
    parents = chosen_parents(start, settings)
    known = start.known | _compositions(start.required_crystals())
    left_out, seen = Counter[str](), Seen()
    draws = _worthwhile(
        parents,
        settings,
        chances,
        known=frozenset() if settings.known_compositions else known,
        left_out=left_out,
        seed=seed,
    )
    name = f"{source}: {parents.source}"
    built = 0
    for built, batch in enumerate(batches(draws, size), start=1):
        if built <= len(earlier):
            seen.add(earlier[built - 1])
            left_out.clear()
            continue
        shard = build_shard(parents.crystals, parents.ids, batch, seen=seen, source=name)
        yield Shard(shard.candidates, shard.left_out + left_out)
        left_out.clear()
    if left_out and len(earlier) <= built:
        shard = build_shard(parents.crystals, parents.ids, [], seen=seen, source=name)
        yield Shard(shard.candidates, Counter(left_out))


def _worthwhile(
    parents: Parents,
    settings: DrawingSettings,
    chances: DrawingChances,
    *,
    known: frozenset[Composition],
    left_out: Counter[str],
    seed: int,
) -> Iterator[Exchange]:
    """Draws that are worth building; the others are counted in ``left_out``."""
    for row, name in enumerate(parents.ids.tolist()):
        counts = parents.crystals.element_counts(row)
        own, amounts = tuple(counts), tuple(counts.values())
        numbers, refusals = chances.draw(str(parents.formulas[row]), own, settings.draws, drawing(seed, name))
        before: set[_Numbers] = set()
        drawn = zip(map(tuple, numbers.tolist()), refusals.tolist(), strict=True)
        for number, (chosen, refusal) in enumerate(drawn, start=1):
            reason = refusal or _fault(own, chosen, amounts, before, known)
            if reason:
                left_out[reason] += 1
            else:
                before.add(chosen)
                yield Exchange(row, own, chosen, f"draw {number}")


def _fault(
    own: _Numbers, chosen: _Numbers, amounts: _Numbers, before: set[_Numbers], known: frozenset[Composition]
) -> str:
    """Why a draw is not worth building; empty if it is."""
    if chosen == own:
        return Reason.UNCHANGED
    if len(set(chosen)) < len(chosen):
        return Reason.TWO_CLASSES_ONE_ELEMENT
    if chosen in before:
        return Reason.DRAWN_BEFORE
    return Reason.KNOWN_COMPOSITION if _composition(chosen, amounts) in known else ""


def _composition(numbers: _Numbers, amounts: _Numbers) -> Composition:
    divisor = int(np.gcd.reduce(amounts))
    pairs = sorted(zip(numbers, amounts, strict=True))
    return Composition(tuple(z for z, _ in pairs), tuple(n // divisor for _, n in pairs))


def _compositions(parents: Parents) -> frozenset[Composition]:
    counts = (parents.crystals.element_counts(row) for row in range(len(parents)))
    return frozenset(_composition(tuple(known), tuple(known.values())) for known in counts)
