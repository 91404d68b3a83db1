"""What of many candidates is worth a model's time: filters one after the other, every dropped row with its reason.

The filters are those of Goodall's thesis (tables 6.1 to 6.3), and a smallest distance. Filters that look at a
row alone come first, so that of all rows with one label the lowest of the sound ones is kept. Whether
charges can be balanced is a flag and no filter: of known compounds it would throw out one in twenty.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from pydantic import Field

from aiida_mlhull.science.cleaning.duplicates import first_of_kind
from aiida_mlhull.science.cleaning.funnel import Funnel
from aiida_mlhull.science.cleaning.neutrality import charges_balance
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.representations.neighbors import minimum_distances
from aiida_mlhull.science.representations.wyckoff import TOLERANCE, of_either_hand, primitive_sizes, protostructures
from aiida_mlhull.science.types import Candidates, Decisions, concatenate
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason, naming
from aiida_mlhull.science.types.strict import Strict
from aiida_mlhull.science.types.table import Strings


class CleaningSettings(Strict):
    """Limits; None switches a filter off.

    Attributes:
        positions: occupied Wyckoff positions, fewer than this.
        sites: of the primitive cell, fewer than this.
        volume_per_site: Å³, less than this.
        distance: Å between the closest two atoms, at least this; the shortest bond there is has 0.74 Å.
        one_per_label: whether of all rows with one label only the lowest in energy is kept (without
            energies: the first by id).
        one_per_crystal: whether, where labels may be shared, of all rows that are one crystal only the lowest is
            kept; see :mod:`~aiida_mlhull.science.cleaning.duplicates`.
        neutrality: whether to record for kept rows if their charges can be balanced (needs the extra ``screening``).
        tolerance: Å, of the symmetry search for rows that have no label yet.
    """

    positions: int | None = Field(default=16, ge=1)
    sites: int | None = Field(default=64, ge=1)
    volume_per_site: float | None = Field(default=500.0, gt=0)
    distance: float | None = Field(default=0.7, ge=0)
    one_per_label: bool = True
    one_per_crystal: bool = True
    neutrality: bool = False
    tolerance: float = Field(default=TOLERANCE, gt=0)


def labeled(candidates: Candidates, *, tolerance: float = TOLERANCE) -> Candidates:
    """The same rows, their labels determined where there was none."""
    missing = np.flatnonzero(candidates.protostructures == "")
    if candidates.crystals is None or not len(missing):
        return candidates
    labels = candidates.protostructures.astype(object)
    labels[missing] = protostructures(candidates.crystals.take(missing), tolerance=tolerance)
    return replace(candidates, protostructures=labels.astype(np.str_))


class Lowest:
    """The lowest row of every label, found in one pass over the shards before they are cleaned.

    Only sound rows are remembered, so that a broken crystal never displaces one that isn't.
    """

    def __init__(self) -> None:
        self._rows: dict[str, tuple[float, str]] = {}

    def add(self, labels: Strings, ids: Strings, energies: Floats) -> None:
        """Look at more rows; a missing energy (NaN) is higher than all others."""
        keys = zip(np.where(np.isnan(energies), np.inf, energies).tolist(), ids.tolist(), strict=True)
        for label, key in zip(labels.tolist(), keys, strict=True):
            if label not in self._rows or key < self._rows[label]:
                self._rows[label] = key

    def of(self, label: str) -> tuple[float, str]:
        """Energy and id."""
        return self._rows[label]


def _by_row(candidates: Candidates, settings: CleaningSettings, known: frozenset[str]) -> Funnel:
    """All filters that look at a row alone."""
    funnel, labels = Funnel(candidates), candidates.protostructures
    funnel.stop(labels == "", Reason.NO_REPRESENTATION, (labels != "").astype(np.float64), 1.0)
    sizes = primitive_sizes(labels)
    for limit, reason, column in (
        (settings.positions, Reason.TOO_MANY_POSITIONS, 0),
        (settings.sites, Reason.TOO_MANY_SITES, 1),
    ):
        if limit is not None:
            counts = sizes[:, column].astype(np.float64)
            funnel.stop(counts >= limit, reason, counts, limit)
    if candidates.crystals is not None:
        if settings.volume_per_site is not None:
            volumes = candidates.crystals.volumes_per_atom
            funnel.stop(volumes >= settings.volume_per_site, Reason.TOO_SPARSE, volumes, settings.volume_per_site)
        if settings.distance is not None:
            distances = minimum_distances(candidates.crystals)
            funnel.stop(distances < settings.distance, Reason.ATOMS_TOO_CLOSE, distances, settings.distance)
    if known:
        there = np.isin(of_either_hand(labels), sorted(known))
        funnel.stop(there, Reason.KNOWN_CRYSTAL, there.astype(np.float64), 0.5)
    return funnel


def clean(
    shards: Sequence[Candidates],
    *,
    settings: CleaningSettings,
    energies: Sequence[Floats] | None = None,
    known: Iterable[str] = (),
) -> list[Decisions]:
    """Keep or drop every row of all shards together.

    Args:
        shards: tables of :func:`labeled` candidates whose ids don't meet.
        settings: limits.
        energies: for every shard (n,) eV/atom, NaN where there is none; then of one label the lowest is
            kept, else the first by id.
        known: labels of crystals that need no candidate.

    Returns:
        For every shard one row per candidate. Dropped rows hold the filter that stopped them, what was
        looked at and the limit, in the filter's own unit; kept rows are ``clean``, or say whether their
        charges can be balanced.

    Raises:
        TableError: if energies and rows don't belong together.
        MissingExtraError: if neutrality is asked for and SMACT is not installed.
    """
    given = [np.full(len(shard), np.nan) for shard in shards] if energies is None else list(energies)
    if [len(values) for values in given] != [len(shard) for shard in shards]:
        raise TableError("energies must be given for every row of every shard")
    labels = frozenset(of_either_hand(list(known)).tolist()) - {""}
    funnels = [_by_row(shard, settings, labels) for shard in shards]
    if settings.one_per_label:
        lowest = Lowest()
        for funnel, values in zip(funnels, given, strict=True):
            rows = funnel.keep
            lowest.add(of_either_hand(funnel.rows.protostructures[rows]), funnel.rows.ids[rows], values[rows])
        for funnel, values in zip(funnels, given, strict=True):
            _keep_lowest(funnel, values, lowest)
    elif settings.one_per_crystal:
        _keep_first(funnels, given)
    if settings.neutrality:
        for funnel in funnels:
            _flag_charges(funnel)
    return [funnel.decisions() for funnel in funnels]


def _keep_lowest(funnel: Funnel, energies: Floats, lowest: Lowest) -> None:
    """Drop rows above the lowest of their label; the value is by how much, 0 where that is not known."""
    best = [
        lowest.of(label) if keep else (0.0, "")
        for label, keep in zip(of_either_hand(funnel.rows.protostructures).tolist(), funnel.keep.tolist(), strict=True)
    ]
    names = np.asarray([name for _, name in best], dtype=np.str_)
    above = np.nan_to_num(energies - np.asarray([energy for energy, _ in best]), nan=0.0, posinf=0.0, neginf=0.0)
    funnel.stop(names != funnel.rows.ids, np.char.add(naming(Reason.SAME_LABEL_AS, ""), names), above, 0.0)


def _keep_first(funnels: Sequence[Funnel], energies: Sequence[Floats]) -> None:
    """Drop rows that are the same crystal as another one, of whatever shard; rows without cells differ by id."""
    left = [funnel for funnel in funnels if funnel.keep.any() and funnel.rows.crystals is not None]
    if not left:
        return
    rows = concatenate([funnel.rows.take(funnel.keep) for funnel in left])
    known = np.full(len(rows), np.nan)
    for funnel, values in zip(funnels, energies, strict=True):
        if funnel in left:
            known[rows.positions(funnel.rows.ids[funnel.keep])] = values[funnel.keep]
    first = first_of_kind(rows, energies=known)
    above = np.nan_to_num(known - known[first], nan=0.0)
    for funnel in left:
        n, at = len(funnel.rows), rows.positions(funnel.rows.ids[funnel.keep])
        names, values = funnel.rows.ids.astype(object), np.zeros(n)
        names[funnel.keep], values[funnel.keep] = rows.ids[first[at]], above[at]
        funnel.stop(
            names.astype(np.str_) != funnel.rows.ids,
            np.char.add(naming(Reason.SAME_CRYSTAL_AS, ""), names.astype(np.str_)),
            values,
            0.0,
        )


def _flag_charges(funnel: Funnel) -> None:
    """Record for kept rows whether their charges can be balanced."""
    if funnel.keep.any():
        balanced = charges_balance(funnel.rows.formulas[funnel.keep])
        funnel.reasons[funnel.keep] = np.where(balanced, Reason.CHARGES_BALANCE, Reason.CHARGES_DO_NOT_BALANCE)
