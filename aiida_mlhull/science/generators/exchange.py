"""Crystals with other elements on their sites, class by class, at predicted volumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.reading.sieve import OVERLAP
from aiida_mlhull.science.representations.composition import SYMBOLS
from aiida_mlhull.science.representations.identity import crystal_ids
from aiida_mlhull.science.representations.neighbors import minimum_distances
from aiida_mlhull.science.representations.volumes import dls_volumes
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.tables.writing import Shard
from aiida_mlhull.science.types import Candidates, Crystals
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import Strings


@dataclass(frozen=True)
class Exchange:
    """One crystal with other elements.

    Attributes:
        parent: its number.
        own: atomic numbers of its elements, ascending.
        chosen: what stands in their place, in the same order.
        note: appended to the origin: ``"draw 17"``.
    """

    parent: int
    own: tuple[int, ...]
    chosen: tuple[int, ...]
    note: str = ""

    def origin(self, names: Strings) -> str:
        """``"AB_cF8_216_c_a Zincblende, Sphalerite: S>N Zn>Ti, draw 17"``."""
        pairs = zip(self.own, self.chosen, strict=True)
        exchanged = " ".join(f"{SYMBOLS[old - 1]}>{SYMBOLS[new - 1]}" for old, new in pairs)
        return f"{names[self.parent]}: {exchanged}{self.note and ', '}{self.note}"


class Seen:
    """Ids that were there before, eight bytes each: half of a UUID's bits tell 10⁶ of them apart."""

    def __init__(self) -> None:
        self._known = np.empty(0, dtype=np.uint64)

    def __len__(self) -> int:
        return len(self._known)

    def add(self, ids: Strings) -> Integers:
        """Remember ``ids``, which differ; row numbers of those that are new."""
        keys = np.asarray([int(name[:18].replace("-", ""), 16) for name in ids.tolist()], dtype=np.uint64)
        new = ~np.isin(keys, self._known)
        self._known = np.union1d(self._known, keys)
        return np.flatnonzero(new)


def exchanged(crystals: Crystals, exchanges: Sequence[Exchange]) -> Crystals:
    """The parents with their new elements, at volumes by data-mined lattice scaling."""
    parents = crystals.take(np.asarray([one.parent for one in exchanges], dtype=np.int64))
    numbers = [
        np.asarray(one.chosen, dtype=np.int16)[np.searchsorted(one.own, crystals.arrays(one.parent)[1])]
        for one in exchanges
    ]
    packed = np.concatenate(numbers) if numbers else np.empty(0, dtype=np.int16)
    built = Crystals(parents.lattices, parents.offsets, packed, parents.frac_coords)
    return built.with_volumes_per_atom(dls_volumes(built)) if numbers else built


def build_shard(crystals: Crystals, names: Strings, exchanges: Sequence[Exchange], *, seen: Seen, source: str) -> Shard:
    """Candidates from exchanges: labeled, of equal ones the first.

    Args:
        crystals: the parents.
        names: (n,) what they are called in a candidate's origin.
        exchanges: what becomes of them.
        seen: ids of the candidates of earlier shards; those of this one are added.
        source: what the shard comes from.

    Returns:
        The rows, and how many crystals were left out because they are there already (``same_crystal``)
        or because two of their atoms meet (``overlapping_atoms``).
    """
    built = exchanged(crystals, exchanges)
    labels = protostructures(built)
    ids, first = np.unique(crystal_ids(built, labels), return_index=True)
    apart = minimum_distances(built.take(first)) > OVERLAP
    ids, first = ids[apart], first[apart]
    new = seen.add(ids)
    rows = first[new]
    kept = built.take(rows)
    shard = Candidates.from_rows(
        ids=ids[new],
        formulas=kept.reduced_formulas(),
        crystals=kept,
        protostructures=labels[rows],
        origins=np.asarray([exchanges[row].origin(names) for row in rows.tolist()], dtype=np.str_),
        source=source,
    )
    left_out = Counter[str](
        {
            Reason.SAME_CRYSTAL: len(exchanges) - len(apart) + len(ids) - len(new),
            Reason.OVERLAPPING_ATOMS: int((~apart).sum()),
        }
    )
    return Shard(shard, +left_out)
