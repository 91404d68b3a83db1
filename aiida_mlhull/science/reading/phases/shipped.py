"""Competing phases that come with the package, for a first campaign without a database's key."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final

from aiida_mlhull.science.errors import UnknownNameError, did_you_mean

FOLDER: Final = "aiida_mlhull.science.reading.phases"


@dataclass(frozen=True)
class ShippedPhases:
    """Phases in a file of the package.

    Attributes:
        name: as campaign files call them.
        scheme: id of the scheme of their energies.
        meaning: what they are and where they come from, a sentence for people.
    """

    name: str
    scheme: str
    meaning: str

    @contextmanager
    def file(self) -> Iterator[Path]:
        """The file, wherever the package lies."""
        with resources.as_file(resources.files(FOLDER) / "shipped_phases" / f"{self.name}.json.gz") as path:
            yield path


SHIPPED: Final = {
    shipped.name: shipped
    for shipped in (
        ShippedPhases(
            "mp-elements",
            "mp-pbe-2020",
            "The 89 elemental references of the Materials Project, and no compounds: every hull is that of the "
            "candidates alone. Meets CHGNet's energies and VASP's at the project's settings with MP2020 corrections.",
        ),
    )
}
"""By name."""


def shipped_phases(name: str) -> ShippedPhases:
    """The phases of that name.

    Raises:
        UnknownNameError: if there are none.
    """
    if name not in SHIPPED:
        raise UnknownNameError(
            f"the package ships no {name!r}; it ships {', '.join(SHIPPED)}{did_you_mean(name, SHIPPED)}"
        )
    return SHIPPED[name]
