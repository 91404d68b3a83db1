"""Tables whose rows are candidates or known phases, sorted by id.

Every noun is a frozen dataclass. Fields whose type is an array (or :class:`Crystals`) are columns
with one row per id; the others are properties of the whole table. :mod:`aiida_mlhull.science.wire`
turns any of them into parquet and back.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers

Strings = NDArray[np.str_]
Booleans = NDArray[np.bool_]
T = TypeVar("T", bound="Table")


@dataclass(frozen=True, eq=False, kw_only=True)
class Table:
    """Rows with unique ids in ascending order.

    Attributes:
        ids: (n,), unique, sorted by code point.
        formulas: (n,), reduced formulas.
    """

    ids: Strings
    formulas: Strings

    def __post_init__(self) -> None:
        """Check lengths, order and uniqueness, then what the subclass asks for.

        Raises:
            TableError: if the table is not one.
        """
        n = len(self.ids)
        uneven = [name for name, column in self.columns() if len(column) != n]
        if uneven:
            raise TableError(f"columns of another length than ids ({n}): {', '.join(uneven)}")
        repeated = self.ids[1:][self.ids[1:] == self.ids[:-1]]
        if len(repeated):
            raise TableError(f"duplicate ids: {listed(sorted(set(repeated.tolist())))}")
        if n > 1 and bool((self.ids[1:] < self.ids[:-1]).any()):
            raise TableError("rows must be sorted by id; build the table with from_rows()")
        self.check()

    def check(self) -> None:
        """Hook for what a subclass demands of its columns."""

    @classmethod
    def from_rows(cls: type[T], **values: Any) -> T:
        """Build the table from columns in any order: they are made arrays and sorted by id together."""
        ids = np.asarray(values["ids"], dtype=np.str_)
        order = np.argsort(ids, kind="stable")
        built: dict[str, Any] = {}
        for name, value in values.items():
            if isinstance(value, Crystals):
                built[name] = value.take(order)
            elif isinstance(value, np.ndarray | list):
                built[name] = np.asarray(value)[order]
            else:
                built[name] = value
        built["ids"] = ids[order]
        built["formulas"] = np.asarray(values["formulas"], dtype=np.str_)[order]
        return cls(**built)

    def columns(self) -> Iterator[tuple[str, Any]]:
        """Name and value of every column (arrays and packed crystals)."""
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, np.ndarray | Crystals):
                yield field.name, value

    def __len__(self) -> int:
        return len(self.ids)

    def take(self: T, indices: Integers | Booleans | Sequence[int]) -> T:
        """The rows at ``indices`` (or where a mask is true); the order by id stays."""
        chosen = np.asarray(indices)
        chosen = np.flatnonzero(chosen) if chosen.dtype == bool else np.sort(chosen.astype(np.int64))
        rows: dict[str, Any] = {
            name: column.take(chosen) if isinstance(column, Crystals) else column[chosen]
            for name, column in self.columns()
        }
        return replace(self, **rows)

    def positions(self, ids: Sequence[str] | Strings) -> Integers:
        """Row numbers of ``ids``, in the order asked for.

        Raises:
            TableError: if some are not here.
        """
        wanted = np.asarray(ids, dtype=np.str_)
        found = np.searchsorted(self.ids, wanted)
        known = np.zeros(len(wanted), dtype=bool)
        inside = found < len(self)
        known[inside] = self.ids[found[inside]] == wanted[inside]
        if not known.all():
            raise TableError(f"unknown ids: {listed(wanted[~known])}")
        return found.astype(np.int64)

    def select(self: T, ids: Sequence[str] | Strings) -> T:
        """The rows with these ids (sorted by id, as always)."""
        return self.take(self.positions(ids))

    def has(self, ids: Sequence[str] | Strings) -> Booleans:
        """(len(ids),) which of ``ids`` are here."""
        return np.isin(np.asarray(ids, dtype=np.str_), self.ids)

    def without(self: T, ids: Sequence[str] | Strings) -> T:
        """All rows but those with these ids."""
        return self.take(~np.isin(self.ids, np.asarray(ids, dtype=np.str_)))


def concatenate(parts: Sequence[T]) -> T:
    """One table from several of the same kind; ids must not meet, whole-table properties are the first's.

    Raises:
        TableError: if there are no parts or they differ in kind or optional columns.
    """
    if not parts:
        raise TableError("nothing to concatenate")
    first = parts[0]
    names = [name for name, _ in first.columns()]
    if any(type(part) is not type(first) or [n for n, _ in part.columns()] != names for part in parts):
        raise TableError("tables of different kinds can't be concatenated")
    whole = {field.name: getattr(first, field.name) for field in fields(first)}
    for name in names:
        values = [getattr(part, name) for part in parts]
        whole[name] = Crystals.concatenate(values) if isinstance(values[0], Crystals) else np.concatenate(values)
    return type(first).from_rows(**whole)


@dataclass(frozen=True, eq=False, kw_only=True)
class Candidates(Table):
    """A shard of candidates.

    Attributes:
        crystals: n unrelaxed cells, or None for candidates that are only a label.
        protostructures: (n,) AFLOW-style protostructure labels, empty where not determined.
        origins: (n,) where each row came from: file and row, or parent and draw.
        source: what the whole shard came from.
    """

    crystals: Crystals | None
    protostructures: Strings
    origins: Strings
    source: str = ""

    def check(self) -> None:
        """Refuse broken crystals.

        Raises:
            CrystalError: see :meth:`Crystals.check`.
        """
        if self.crystals is not None:
            self.crystals.check(self.ids.tolist())


@dataclass(frozen=True, eq=False, kw_only=True)
class References(Table):
    """Known phases: the fixed side of the hull.

    Attributes:
        energies: (n,) eV/atom.
        source: where they come from.
        scheme: functional, settings and correction scheme in words; energies of different schemes
            never meet in one hull.
    """

    energies: Floats
    source: str = ""
    scheme: str = ""

    def check(self) -> None:
        """Refuse energies that are not finite.

        Raises:
            TableError: if some are.
        """
        broken = ~np.isfinite(self.energies)
        if broken.any():
            raise TableError(f"NaN or infinite reference energies: {listed(self.ids[broken])}")


@dataclass(frozen=True, eq=False, kw_only=True)
class Labels(Table):
    """What a relaxation stage gave for every crystal that went in.

    Attributes:
        energies: (n,) eV/atom; NaN where the relaxation failed.
        crystals: n cells after the stage; the cell that went in where it failed.
        failures: (n,) reason of failure, empty where it went well.
        core_minutes: (n,) cost.
        stage: name of the stage.
        engine: what relaxed them.
        scheme: functional, settings and correction scheme of the energies.
        cost_basis: ``"measured"``, or ``"nominal"`` where the engine only knows a published mean.
        protostructures: (n,) labels of ``crystals``, empty where not determined; None where the engine
            doesn't look. Compared with the candidates' they tell what changed its symmetry in a stage.
    """

    energies: Floats
    crystals: Crystals
    failures: Strings
    core_minutes: Floats
    stage: str
    engine: str
    scheme: str
    cost_basis: str = "measured"
    protostructures: Strings | None = None

    def check(self) -> None:
        """Refuse rows that are neither an energy nor a reason.

        Raises:
            TableError: if an energy is missing without a reason, or there with one.
            CrystalError: see :meth:`Crystals.check`.
        """
        broken = np.isfinite(self.energies) == (self.failures != "")
        if broken.any():
            raise TableError(f"rows must have a finite energy or a reason of failure: {listed(self.ids[broken])}")
        self.crystals.check(self.ids.tolist())

    @property
    def succeeded(self) -> Booleans:
        """(n,) true where there is an energy."""
        return np.asarray(self.failures == "")


@dataclass(frozen=True, eq=False, kw_only=True)
class ModelRows(Table):
    """What a model is asked about: cells and what is already known of their energies.

    Attributes:
        crystals: n cells as they are before the stage in question (unrelaxed, or after the stage before).
        baselines: (n,) eV/atom; models learn energy minus baseline. The baseline is the mixture of the
            elemental references (then the target is the formation energy), the hull of all references
            (then it is the distance from what is known), or the energy of a cheaper stage (then it is
            the difference between the two).
        stage_energies: (n,) eV/atom, what the stage before made of every row; None where there was none.
        unrelaxed: n cells as they were before any stage; None where ``crystals`` are these.
    """

    crystals: Crystals
    baselines: Floats
    stage_energies: Floats | None = None
    unrelaxed: Crystals | None = None

    def check(self) -> None:
        """Refuse baselines and stage energies that are not finite.

        Raises:
            TableError: if some are.
            CrystalError: see :meth:`Crystals.check`.
        """
        broken = ~np.isfinite(self.baselines)
        if broken.any():
            raise TableError(f"NaN or infinite baselines: {listed(self.ids[broken])}")
        if self.stage_energies is not None and not np.isfinite(self.stage_energies).all():
            raise TableError(f"no energy of the stage before: {listed(self.ids[~np.isfinite(self.stage_energies)])}")
        self.crystals.check(self.ids.tolist())


@dataclass(frozen=True, eq=False, kw_only=True)
class TrainingRows(ModelRows):
    """What a model learns from.

    Attributes:
        energies: (n,) eV/atom after the last stage.
        relaxed: n cells after the last stage, of the same composition.
    """

    energies: Floats
    relaxed: Crystals

    def check(self) -> None:
        """Refuse labels that are not finite.

        Raises:
            TableError: if some are.
            CrystalError: see :meth:`Crystals.check`.
        """
        super().check()
        broken = ~np.isfinite(self.energies)
        if broken.any():
            raise TableError(f"NaN or infinite energies: {listed(self.ids[broken])}")
        self.relaxed.check(self.ids.tolist())


@dataclass(frozen=True, eq=False, kw_only=True)
class Predictions(Table):
    """What an ensemble of M members says about every row's energy.

    Attributes:
        members: (n, M) eV/atom, every member's value.
        member_aleatoric: (n, M) eV/atom, every member's own spread: the square root of its validation
            MSE, the same in all rows, for losses that don't predict one (Ekström 2022); the predicted
            one for heteroskedastic losses (Goodall 2021).
        model: name of the model.
    """

    members: Floats
    member_aleatoric: Floats
    model: str = ""

    def check(self) -> None:
        """Refuse predictions that are not finite.

        Raises:
            TableError: if some are, or the spreads don't fit the members.
        """
        if self.members.ndim != 2 or self.members.shape != self.member_aleatoric.shape:  # noqa: PLR2004
            raise TableError(f"members {self.members.shape} and spreads {self.member_aleatoric.shape} differ in shape")
        broken = ~(np.isfinite(self.members).all(axis=1) & (self.member_aleatoric >= 0).all(axis=1))
        if broken.any():
            raise TableError(f"predictions that are not finite, or negative spreads: {listed(self.ids[broken])}")

    @property
    def mean(self) -> Floats:
        """(n,) eV/atom, the members' mean."""
        return np.asarray(self.members.mean(axis=1))

    @property
    def aleatoric(self) -> Floats:
        """(n,) eV/atom, sigma_a: root of the mean of the members' squared spreads."""
        return np.asarray(np.sqrt(np.mean(np.square(self.member_aleatoric), axis=1)))

    @property
    def epistemic(self) -> Floats:
        """(n,) eV/atom, sigma_e: the members' standard deviation (1/M, as both sources)."""
        return np.asarray(self.members.std(axis=1))

    @property
    def sigma(self) -> Floats:
        """(n,) eV/atom, sqrt(sigma_a² + sigma_e²)."""
        return np.hypot(self.aleatoric, self.epistemic)


@dataclass(frozen=True, eq=False, kw_only=True)
class Decisions(Table):
    """Keep or drop for every row, never an absence.

    Attributes:
        keep: (n,) true where the candidate goes on.
        reasons: (n,) reason code, one word (``same_as ID`` for a merged crystal).
        values: (n,) the number that was looked at.
        thresholds: (n,) what it was compared with.
        margins: (n,) distance from the threshold, positive on the keep side, in the value's unit.
        scores: (n,) the order in which kept rows are worth relaxing, highest first.
        rule: name of the keep-rule, or of whoever else decided (``start``, ``merge``).
        unit: unit of value, threshold and margin.
        stage: stage that the decision is about.
        round: round within the stage.
    """

    keep: Booleans
    reasons: Strings
    values: Floats
    thresholds: Floats
    margins: Floats
    scores: Floats
    rule: str
    unit: str = "eV/atom"
    stage: str = ""
    round: int = 0

    def check(self) -> None:
        """Refuse rows without a reason.

        Raises:
            TableError: if a row has none.
        """
        if len(self) and bool((self.reasons == "").any()):
            raise TableError(f"decisions without a reason: {listed(self.ids[self.reasons == ''])}")
