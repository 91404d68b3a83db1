"""Rows that can't be used: an error that names them, or a report of what was left out and why."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import pyarrow as pa

from aiida_mlhull.science.errors import CrystalError, InputError, MlhullError, TableError, listed
from aiida_mlhull.science.representations.neighbors import minimum_distances
from aiida_mlhull.science.types import Crystals, Table
from aiida_mlhull.science.types.crystals import HEAVIEST, Floats
from aiida_mlhull.science.types.reasons import Reason, Stated, check_reasons
from aiida_mlhull.science.types.table import Booleans, Strings

BadRows = Literal["refuse", "leave_out"]
"""What becomes of rows that can't be used: an error that names them, or a row of the report each."""

OVERLAP: Final = 0.2
"""Å; atoms closer than this are taken for one atom written twice. The shortest bond there is has
0.74 Å, but substituted cells keep their parent's volume until they are scaled, and published ones with
atoms 0.36 Å apart have relaxed to sound crystals."""

SMALLEST_VOLUME: Final = 1e-3
"""Å³/atom; cells below this are flat."""


LARGEST_VECTOR: Final = 1e5
"""Å; no crystal's cell is longer, so the number is of another unit or of none."""


@dataclass(frozen=True, eq=False, kw_only=True)
class LeftOut(Table):
    """Rows that were read but can't be used.

    Attributes:
        reasons: (n,) one code each of those that readers state; see :class:`Reason`.
        details: (n,) the numbers behind it, in words; may be empty.
    """

    reasons: Strings
    details: Strings

    def check(self) -> None:
        """Refuse reasons that are not in the list.

        Raises:
            TableError: if some are not.
        """
        check_reasons(self.reasons.tolist(), Stated.READER, what="rows left out")

    def counts(self) -> dict[str, int]:
        """Rows by reason, the most frequent first."""
        found, counts = np.unique(self.reasons, return_counts=True)
        order = np.lexsort((found, -counts))
        return {str(found[i]): int(counts[i]) for i in order}

    def examples(self) -> list[tuple[int, str, str, str]]:
        """Rows by reason and detail, the most frequent first: how many, both, and the id of one of them."""
        pairs = list(zip(self.reasons.tolist(), self.details.tolist(), strict=True))
        first = dict(zip(reversed(pairs), reversed(self.ids.tolist()), strict=True))
        ordered = sorted(Counter(pairs).items(), key=lambda item: (-item[1], item[0]))
        return [(count, reason, detail, first[reason, detail]) for (reason, detail), count in ordered]

    def summary(self) -> str:
        """One line: how many, and why."""
        if not len(self):
            return "nothing was left out"
        return f"{len(self)} left out: " + ", ".join(f"{n} {reason}" for reason, n in self.counts().items())


class Sieve:
    """Lets n rows pass one check after the other and remembers those that got stuck.

    Args:
        name: what is being read, for messages.
        ids: (n,) unique ids.
        formulas: (n,) formulas for the report; empty where unknown.
        expendable: (n,) rows that may be left out; a fault in any other row is an error.

    Attributes:
        good: (n,) rows that passed all checks so far.

    Raises:
        TableError: if an id is missing or not unique.
    """

    def __init__(self, name: str, ids: Strings, formulas: Strings, *, expendable: Booleans) -> None:
        found, counts = np.unique(ids, return_counts=True)
        if (found == "").any():
            raise TableError(f"{name}: {int(counts[0])} rows have no id")
        if (counts > 1).any():
            raise TableError(f"{name}: duplicate ids: {listed(found[counts > 1])}")
        self.name = name
        self.ids = ids
        self.good: Booleans = np.ones(len(ids), dtype=bool)
        self._formulas = formulas
        self._expendable = expendable
        self._reasons = np.full(len(ids), "", dtype=object)
        self._details = np.full(len(ids), "", dtype=object)

    def catch(
        self,
        bad: Booleans,
        *,
        reason: str,
        what: str,
        error: type[MlhullError] = TableError,
        details: Strings | None = None,
    ) -> None:
        """Stop the rows where ``bad`` (n,) is true.

        Args:
            bad: the rows; those that got stuck earlier don't count again.
            reason: code for the report: a member of :class:`Reason`, or a code that begins with ``x_``.
            what: the same in words for the message, after "N rows: ".
            error: raised if one of the rows may not be left out.
            details: (n,) what is to be said of each row.
        """
        stuck = bad & self.good
        culprits = np.flatnonzero(stuck & ~self._expendable)
        if len(culprits):
            names = [self._named(i, details) for i in culprits.tolist()]
            raise error(
                f"{self.name}: {len(names)} of {len(self.ids)} rows: {what}: {listed(names)}; "
                "correct them, or have such rows left out and counted (bad_rows: leave_out, or --leave-out)"
            )
        self.let_go(stuck, reason=reason, details=details)

    def let_go(self, bad: Booleans, *, reason: str, details: Strings | None = None) -> None:
        """Leave out rows that are of no use here, whichever they are; see :meth:`catch`."""
        check_reasons([reason], Stated.READER, what=self.name)
        stuck = bad & self.good
        self._reasons[stuck] = reason
        if details is not None:
            self._details[stuck] = details[stuck]
        self.good = self.good & ~stuck

    def _named(self, row: int, details: Strings | None) -> str:
        detail = "" if details is None else str(details[row])
        return f"{self.ids[row]} ({detail})" if detail else str(self.ids[row])

    def left_out(self) -> LeftOut:
        """The rows that got stuck.

        Raises:
            InputError: if none passed.
        """
        report = self.report()
        if not self.good.any():
            said = [f"{name} ({detail})" for _, _, detail, name in report.examples() if detail]
            raise InputError(
                f"{self.name}: no row can be used; {report.summary()}{'; ' if said else ''}{listed(said, 2)}"
            )
        return report

    def report(self) -> LeftOut:
        """The rows that got stuck, be it all of them."""
        stuck = ~self.good
        return LeftOut.from_rows(
            ids=self.ids[stuck],
            formulas=self._formulas[stuck].astype(np.str_),
            reasons=self._reasons[stuck].astype(np.str_),
            details=self._details[stuck].astype(np.str_),
        )


@dataclass(frozen=True, eq=False, kw_only=True)
class Found:
    """What a file holds: n rows, some of which the sieve has stopped already.

    Attributes:
        sieve: names and ids of the rows.
        origins: (n,) where each row stands.
        cells: n crystals as they go in; anything at all where the sieve stopped the row.
        relaxed: n crystals as they came out, or None.
        energies: (n,) eV/atom, or None.
        remarks: what is to be said of the file as a whole: what was not looked at, which of two was read.
        beside: n rows of a table's other columns, as they stand there; None where there are none.
    """

    sieve: Sieve
    origins: Strings
    cells: Crystals
    relaxed: Crystals | None = None
    energies: Floats | None = None
    remarks: tuple[str, ...] = ()
    beside: pa.Table | None = None


def spread(crystals: Crystals, sound: Booleans) -> Crystals:
    """Crystals of the sound rows laid out over all rows; the others, stopped by then, hold a neighbor's."""
    return crystals.take(np.maximum(np.cumsum(sound) - 1, 0))


def catch_broken_cells(sieve: Sieve, crystals: Crystals, *, side: str = "") -> None:
    """Stop rows whose cell is not a crystal; a left-handed cell is one.

    Args:
        sieve: n rows.
        crystals: their n cells; atomic number 0 stands for a symbol that is not an element.
        side: which of a row's cells these are, for messages: ``"unrelaxed"``.

    Raises:
        CrystalError: if such a row may not be left out.
    """
    cell = f"{side} cell".strip()
    first = crystals.offsets[:-1]
    sites = np.isfinite(crystals.frac_coords).all(axis=1)
    sizes = np.abs(crystals.lattices).max(axis=(1, 2))  # NaN where one is
    finite = (sizes < LARGEST_VECTOR) & np.logical_and.reduceat(sites, first)
    sieve.catch(~finite, reason=Reason.NOT_FINITE, what=f"NaN or infinite numbers in the {cell}", error=CrystalError)
    known = (crystals.numbers >= 1) & (crystals.numbers <= HEAVIEST)
    sieve.catch(
        ~np.logical_and.reduceat(known, first),
        reason=Reason.UNKNOWN_ELEMENT,
        what=f"unknown elements in the {cell}",
        error=CrystalError,
    )
    volumes = np.zeros(len(crystals))
    volumes[finite] = crystals.take(finite).volumes_per_atom
    sieve.catch(
        volumes < SMALLEST_VOLUME, reason=Reason.NO_VOLUME, what=f"zero volume of the {cell}", error=CrystalError
    )
    passed = np.flatnonzero(sieve.good)
    distances = np.full(len(crystals), np.inf)
    # Of thin cells so many images lie in any sphere that a search for neighbors takes all memory.
    distances[passed] = shortest = _thin(crystals.take(passed))
    passed = passed[shortest >= OVERLAP]
    distances[passed] = minimum_distances(crystals.take(passed))
    sieve.catch(
        distances < OVERLAP,
        reason=Reason.OVERLAPPING_ATOMS,
        what=f"atoms closer than {OVERLAP} Å in the {cell}",
        error=CrystalError,
        details=np.asarray([f"{distance:.3f} Å" for distance in distances.tolist()]),
    )


def _thin(crystals: Crystals) -> Floats:
    """(n,) Å, the shortest distance between an atom and its own image where that may be below :data:`OVERLAP`."""
    shortest = np.full(len(crystals), np.inf)
    crosses = np.cross(np.roll(crystals.lattices, -1, axis=1), np.roll(crystals.lattices, -2, axis=1))
    heights = crystals.volumes[:, None] / np.linalg.norm(crosses, axis=2)
    for row in np.flatnonzero(heights.min(axis=1, initial=np.inf) < OVERLAP).tolist():
        from pymatgen.core import Lattice  # noqa: PLC0415  (slow import, needed seldom)

        reduced = Lattice(crystals.lattices[row]).get_lll_reduced_lattice()
        shortest[row] = min(reduced.abc)
    return shortest
