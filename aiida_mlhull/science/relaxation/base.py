"""What a universal potential has to offer: relax a shard of crystals in one process."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field

from aiida_mlhull.science.types import Crystals, Labels

Report = Callable[[int, int], None]
"""Called with (rows done, rows altogether)."""


def silent(_done: int, _total: int) -> None:
    """A report that nobody reads."""


class RelaxationSettings(BaseModel):
    """How to relax.

    Attributes:
        freedom: what may change: nothing (``static``), the volume at fixed shape and fractional
            coordinates (``volume``), or cell and positions (``full``).
        max_force: eV/Å (and eV/Å³ times volume^(2/3) for the cell, see the engine) at which to stop.
        max_steps: the stage ends after so many steps with what it has.
        must_converge: whether stopping at ``max_steps`` is a failure; a cheap stage hands on what it has.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    freedom: Literal["static", "volume", "full"] = "full"
    max_force: float = Field(default=0.05, gt=0)
    max_steps: int = Field(default=100, ge=0)
    must_converge: bool = False


@runtime_checkable
class Relaxer(Protocol):
    """One universal potential.

    Attributes:
        scheme: the true convention of the energies it returns (corrected or raw, functional, version).
    """

    scheme: ClassVar[str]

    def __init__(self, settings: RelaxationSettings, *, device: str = "cpu") -> None: ...

    def relax(self, ids: Any, formulas: Any, crystals: Crystals, *, stage: str, report: Report = silent) -> Labels:
        """Relax every crystal; a failure is a row with a reason, never an exception.

        Args:
            ids: (n,) ids.
            formulas: (n,) reduced formulas.
            crystals: n cells.
            stage: name of the stage, kept in the labels.
            report: called with progress.
        """
        ...
