"""What a universal potential has to offer: relax many crystals in one process."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

import numpy as np
from pydantic import Field

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.types import Crystals, Labels
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.strict import Strict
from aiida_mlhull.science.units import SECONDS_PER_MINUTE

ReportRows = Callable[[int, int], None]
"""Called with (rows done, rows altogether)."""


def silent(_done: int, _total: int) -> None:
    """A report that is discarded."""


Freedom = Literal["static", "volume", "positions", "normal", "full"]
"""What may change: nothing; the volume at fixed shape and fractional coordinates; positions at fixed cell; positions
and the third cell vector at fixed first and second ones, as in an epitaxial film; or everything. Always within the
space group, of which ``normal`` takes the operations that keep the plane of the first two vectors."""


class RelaxationSettings(Strict):
    """How to relax.

    Attributes:
        freedom: what may change, see :data:`Freedom`.
        max_force: eV/Å on every atom, and eV for the rows of the virial per atom (as ASE's cell filters
            count), below which a crystal is relaxed.
        max_steps: a crystal stops after so many steps with the best it has.
        must_converge: whether stopping short of ``max_force`` is a failure; a cheap stage hands on
            what it has.
    """

    freedom: Freedom = "full"
    max_force: float = Field(default=0.05, gt=0)
    max_steps: int = Field(default=100, ge=0)
    must_converge: bool = False


@dataclass(frozen=True, eq=False)
class Relaxed:
    """One crystal that is done.

    Attributes:
        row: its number in the crystals that went in.
        energy: eV/atom in the relaxer's scheme; NaN if it failed.
        lattice: (3, 3) Å; as it went in if it failed.
        frac_coords: (N, 3); as they went in if it failed.
        failure: a reason that engines state (with a detail), see
            :class:`~aiida_mlhull.science.types.reasons.Reason`; empty if it went well.
        steps: evaluations after the first.
        max_force: what was left, in the sense of :class:`RelaxationSettings`; NaN if it failed.
        core_seconds: processor time, its share of what crystals of a batch cost together.
        further: eV/atom, what other potentials say about the relaxed cell; NaN where one couldn't tell.
    """

    row: int
    energy: float
    lattice: Floats
    frac_coords: Floats
    failure: str
    steps: int
    max_force: float
    core_seconds: float
    further: tuple[float, ...] = ()


@runtime_checkable
class Relaxer(Protocol):
    """One universal potential.

    Attributes:
        name: its name in the registry.
        scheme: the true convention of the energies it returns (functional, corrected or raw, version).
        training: what it was trained on.
        ships_weights: whether its package brings the weights; else people name a file.
    """

    name: ClassVar[str]
    scheme: ClassVar[str]
    training: ClassVar[str]
    ships_weights: ClassVar[bool]

    def __init__(self, settings: RelaxationSettings, *, device: str = "cpu", weights: str | None = None) -> None: ...

    def stream(self, crystals: Crystals) -> Iterator[Relaxed]:
        """Relax every crystal and hand each over as soon as it is done, in any order.

        A program that writes rows as they come can be killed and go on with the crystals that are
        missing: a crystal's result doesn't depend on the others that are relaxed with it.

        Args:
            crystals: n cells.
        """
        ...

    def relax(self, ids: Any, formulas: Any, crystals: Crystals, *, stage: str, report: ReportRows = silent) -> Labels:
        """Relax every crystal; a failure is a row with a reason, never an exception.

        Args:
            ids: (n,) ids.
            formulas: (n,) reduced formulas.
            crystals: n cells.
            stage: name of the stage, kept in the labels.
            report: called with progress.
        """
        ...


class StreamedRelaxer(ABC):
    """What a :class:`Relaxer` has in common with others: its table is what its stream gives."""

    scheme: ClassVar[str]

    @property
    @abstractmethod
    def engine(self) -> str:
        """Name and version, as the labels keep them."""

    @abstractmethod
    def stream(self, crystals: Crystals) -> Iterator[Relaxed]:
        """Relax every crystal and hand each over as soon as it is done; see :class:`Relaxer`."""

    def relax(self, ids: Any, formulas: Any, crystals: Crystals, *, stage: str, report: ReportRows = silent) -> Labels:
        """Relax every crystal; a failure is a row with a reason, never an exception. See :class:`Relaxer`."""
        return collect(
            self.stream(crystals),
            ids,
            formulas,
            crystals,
            stage=stage,
            engine=self.engine,
            scheme=self.scheme,
            report=report,
        )


def not_relaxed(row: int, crystals: Crystals, failure: str, *, steps: int = 0, core_seconds: float = 0.0) -> Relaxed:
    """A crystal as it went in, with the reason why nothing came of it."""
    lattice, _, frac_coords = crystals.arrays(row)
    return Relaxed(
        row=row,
        energy=np.nan,
        lattice=lattice,
        frac_coords=frac_coords,
        failure=failure,
        steps=steps,
        max_force=np.nan,
        core_seconds=core_seconds,
    )


def check_weights(potential: Relaxer | type[Relaxer], weights: str | None) -> Path | None:
    """The file of the weights; None for a potential that ships them.

    Raises:
        InputError: if weights are missing, are not there, or are given to a potential that has its own.
    """
    if potential.ships_weights:
        if weights is not None:
            raise InputError(f"the potential {potential.name!r} ships its weights: leave 'weights' out")
        return None
    if weights is None:
        raise InputError(
            f"the potential {potential.name!r} doesn't ship its weights: fetch them to where the calculation runs, "
            f"and name the file in the stage's settings, 'weights: /path/to/file'"
        )
    file = Path(weights).expanduser()
    if not file.exists():
        raise InputError(f"the weights of the potential {potential.name!r} are not there: {file}")
    return file


def collect(
    rows: Iterable[Relaxed],
    ids: Any,
    formulas: Any,
    crystals: Crystals,
    *,
    stage: str,
    engine: str,
    scheme: str,
    report: ReportRows = silent,
) -> Labels:
    """Labels from rows that come in any order; every crystal must have come once all are consumed.

    Args:
        rows: one for every crystal.
        ids: (n,) ids.
        formulas: (n,) reduced formulas.
        crystals: n cells as they went in.
        stage: name of the stage.
        engine: what relaxed them.
        scheme: convention of the energies.
        report: called after every row.
    """
    done: dict[int, Relaxed] = {}
    for row in rows:
        done[row.row] = row
        report(len(done), len(crystals))
    finished = [done[row] for row in range(len(crystals))]
    relaxed = Crystals(
        lattices=np.array([row.lattice for row in finished]).reshape(-1, 3, 3),
        offsets=crystals.offsets,
        numbers=crystals.numbers,
        frac_coords=np.concatenate([np.empty((0, 3)), *(row.frac_coords for row in finished)]),
    )
    return Labels.from_rows(
        ids=ids,
        formulas=formulas,
        energies=np.array([row.energy for row in finished], dtype=np.float64),
        crystals=relaxed,
        failures=np.array([row.failure for row in finished], dtype=np.str_),
        further_energies=_further(finished),
        core_minutes=np.array([row.core_seconds for row in finished]) / SECONDS_PER_MINUTE,
        stage=stage,
        engine=engine,
        scheme=scheme,
    )


def _further(finished: list[Relaxed]) -> Floats | None:
    """(n, k) what k other potentials say; a crystal that none was asked about has NaN."""
    width = max((len(row.further) for row in finished), default=0)
    if not width:
        return None
    return np.array([row.further or (np.nan,) * width for row in finished], dtype=np.float64)
