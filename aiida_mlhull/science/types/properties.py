"""What ensembles predict beside energies, band gaps say, or which crystals are metals; and what tables and people are told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import SettingsError, listed
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.types.tables import Predictions

_YES: Final = frozenset({"1", "true", "yes"})
"""Classes that mean what the property is called, in lower case."""


@dataclass(frozen=True)
class Property:
    """What an ensemble predicts beside energies.

    Attributes:
        name: in the campaign.
        target: what the members learned: ``band_gap_ev``.
        unit: of target and predictions; empty for classes, and where it was not said.
        classes: that the members tell apart; empty for numbers.
    """

    name: str
    target: str
    unit: str = ""
    classes: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        """What it is, for people: ``band_gap_ev, eV`` or ``metal: False, True``."""
        if self.classes:
            return f"{self.target}: {', '.join(self.classes)}"
        return f"{self.target}, {self.unit}" if self.unit else self.target

    def number_of(self, said: str) -> int:
        """Which class is meant; that of a yes also goes by the property's name and by the target's.

        Raises:
            SettingsError: if there is no such class.
        """
        if said in self.classes:
            return self.classes.index(said)
        if said in {self.name, self.target} and self.classes[-1].lower() in _YES:
            return len(self.classes) - 1
        raise SettingsError(f"{self.name} has no class {said!r}; it tells {listed(list(self.classes))} apart")


def columns_of(predictions: Predictions, known: Property) -> dict[str, Floats]:
    """What a property's predictions are in tables: mean and σ by name, or of two classes the chance of the second."""
    if known.classes:
        return {f"predicted_{known.name}_p_{known.classes[-1]}": predictions.mean}
    return {f"predicted_{known.name}": predictions.mean, f"predicted_{known.name}_sigma": predictions.sigma}


def columns_for(ids: Strings, known: Property, predictions: Predictions) -> dict[str, Floats]:
    """The same for rows with these ids (n,): NaN where nothing was predicted."""
    there = predictions.select(ids[predictions.has(ids)])
    columns = {}
    for name, values in columns_of(there, known).items():
        columns[name] = np.full(len(ids), np.nan)
        columns[name][predictions.has(ids)] = values
    return columns


def said_of(predictions: Predictions, known: Property, row: int) -> str:
    """What was predicted of a row, for people: ``1.42 ± 0.31 eV`` or ``P(True) = 0.82``."""
    mean = predictions.mean[row]
    if known.classes:
        return f"P({known.classes[-1]}) = {mean:.2f}"
    return f"{mean:.3g} ± {predictions.sigma[row]:.2g} {known.unit}".rstrip()
