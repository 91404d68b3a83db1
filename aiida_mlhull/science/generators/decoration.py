"""A chemical system's elements on the sites of known prototypes, in every distinct way.

The prototypes are the AFLOW library that pymatgen ships (Mehl et al., Comput. Mater. Sci. 136 (2017) S1)
or the user's own crystals. Elements are exchanged site class by site class, so that a prototype with r
elements gives a candidate for every ordered choice of r elements of the system; choices that come to the
same crystal (zinc blende with its elements swapped) are one candidate, told by its id. Prototypes with one
element are passed over unless asked for: the end members of a hull are references, not candidates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.generators.base import SHARD
from aiida_mlhull.science.generators.exchange import Exchange, Seen, build_shard
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.tables.writing import Shard
from aiida_mlhull.science.types import Candidates, Crystals
from aiida_mlhull.science.types.table import Strings, slices

AFLOW: Final = "AFLOW prototypes shipped with pymatgen"
FEWEST_ELEMENTS: Final = 2
"""Of a prototype: those of a single element are end members."""

LARGEST_CELL: Final = 60
"""Sites; larger prototypes are passed over."""


@dataclass(frozen=True, eq=False)
class Prototypes:
    """Crystals whose elements are placeholders.

    Attributes:
        crystals: n cells.
        names: (n,) how they are called in the origin of a candidate.
        source: where they come from.
    """

    crystals: Crystals
    names: Strings
    source: str


@cache
def aflow_prototypes() -> Prototypes:
    """The 288 prototypes of the AFLOW library in pymatgen, named by label and, where it has one, mineral."""
    from pymatgen.analysis.prototypes import AFLOW_PROTOTYPE_LIBRARY  # noqa: PLC0415  (imports pandas)

    tags = [entry["tags"] for entry in AFLOW_PROTOTYPE_LIBRARY]
    names = [f"{tag['aflow']} {tag['mineral']}".strip() for tag in tags]
    structures = [entry["snl"].structure for entry in AFLOW_PROTOTYPE_LIBRARY]
    return Prototypes(Crystals.from_structures(structures), np.asarray(names, dtype=np.str_), AFLOW)


def decorate(
    elements: Sequence[str],
    *,
    prototypes: Prototypes | None = None,
    fewest_elements: int = FEWEST_ELEMENTS,
    largest_cell: int = LARGEST_CELL,
    sample: int | None = None,
    seed: int = 0,
    shard_size: int = SHARD,
) -> Iterator[Candidates]:
    """Stream the candidates of a chemical system, each one once.

    Args:
        elements: symbols of the system.
        prototypes: the AFLOW library by default.
        fewest_elements: prototypes with fewer are passed over.
        largest_cell: sites; prototypes with more are passed over.
        sample: so many decorations at most, drawn at random; all by default.
        seed: draws the sample.
        shard_size: rows a shard at most; what is in memory at one time.

    Yields:
        Shards whose cells have predicted volumes and whose origins name prototype and exchange.

    Raises:
        InputError: if an element is unknown or given twice, or no prototype fits the system.
    """
    library = aflow_prototypes() if prototypes is None else prototypes
    choices = sampled(all_choices(library, elements, fewest_elements, largest_cell), sample, seed)
    for shard in _shards(library, choices, shard_size):
        if len(shard.candidates):
            yield shard.candidates


def _checked(elements: Sequence[str]) -> tuple[int, ...]:
    """Atomic numbers of the system."""
    unknown = [symbol for symbol in elements if symbol not in NUMBERS]
    if unknown or len(set(elements)) < len(elements):
        what = f"unknown elements: {listed(unknown)}" if unknown else "an element is given twice"
        raise InputError(f"chemical system {'-'.join(elements)}: {what}")
    return tuple(NUMBERS[symbol] for symbol in elements)


def all_choices(library: Prototypes, elements: Sequence[str], fewest: int, largest_cell: int) -> list[Exchange]:
    """Every ordered choice of elements on every prototype that fits.

    Raises:
        InputError: if an element is unknown or given twice, or no prototype fits.
    """
    choices = list(_choices(library.crystals, _checked(elements), fewest, largest_cell))
    if not choices:
        raise InputError(
            f"no prototype of {library.source!r} with {fewest} to {len(elements)} elements and at most "
            f"{largest_cell} sites for {'-'.join(elements)}: give more elements or more prototypes"
        )
    return choices


def _choices(crystals: Crystals, system: tuple[int, ...], fewest: int, largest_cell: int) -> Iterator[Exchange]:
    for index in range(len(crystals)):
        own = tuple(crystals.element_counts(index))
        if not _misfit(len(own), int(crystals.n_sites[index]), len(system), fewest, largest_cell):
            for chosen in permutations(system, len(own)):
                yield Exchange(index, own, chosen)


def _misfit(own: int, sites: int, system: int, fewest: int, largest_cell: int) -> str:
    """Why a prototype with so many elements and sites is passed over; empty if it is not."""
    if own < fewest:
        return f"fewer than {fewest} elements"
    if own > system:
        return f"more than {system} elements"
    return f"more than {largest_cell} sites" if sites > largest_cell else ""


def passed_over(crystals: Crystals, system: int, fewest: int, largest_cell: int) -> dict[str, int]:
    """Prototypes that don't fit, by reason, the most frequent first."""
    reasons = Counter(
        _misfit(len(crystals.element_counts(index)), int(crystals.n_sites[index]), system, fewest, largest_cell)
        for index in range(len(crystals))
    )
    return {reason: count for reason, count in sorted(reasons.items(), key=lambda item: (-item[1], item[0])) if reason}


def sampled(choices: list[Exchange], sample: int | None, seed: int) -> list[Exchange]:
    """So many of them drawn at random, in their order; all if there are no more."""
    if sample is None or sample >= len(choices):
        return choices
    drawn = np.random.default_rng(seed).permutation(len(choices))[:sample]
    return [choices[index] for index in np.sort(drawn)]


def _shards(library: Prototypes, choices: Sequence[Exchange], size: int) -> Iterator[Shard]:
    seen = Seen()
    for part in slices(len(choices), size=size):
        yield build_shard(library.crystals, library.names, choices[part], seen=seen, source=library.source)
