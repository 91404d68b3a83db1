"""Ensembles that tell classes apart: what the members said of rows that they didn't learn from, and of others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.errors import InputError, WeightsError
from aiida_mlhull.science.types import EnsembleWeights, MemberWeights
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.table import Strings

HELD_OUT: Final = "held_out"
"""Score of a member: ids, classes and probabilities of the rows that it didn't learn from."""


@dataclass(frozen=True, eq=False)
class HeldOutClasses:
    """Out-of-member predictions of n rows in K classes.

    Attributes:
        ids: (n,).
        classes: (n,) true class, 0 to K - 1.
        probabilities: (n, K) mean over the members that didn't learn from the row; rows sum to one.
        counts: (n,) number of these members.
    """

    ids: Strings
    classes: Integers
    probabilities: Floats
    counts: Integers

    def __len__(self) -> int:
        return len(self.ids)


def note_classes(ids: Strings, classes: Integers, probabilities: Floats) -> dict[str, Any]:
    """The score :data:`HELD_OUT` of one member, as plain JSON."""
    return {"ids": ids.tolist(), "targets": classes.tolist(), "probabilities": probabilities.tolist()}


def held_out_classes(ensemble: EnsembleWeights) -> HeldOutClasses:
    """Join the members' predictions for the rows that they were not trained on.

    Raises:
        WeightsError: if the ensemble learned numbers, or its members kept no such rows.
    """
    notes = [member.scores[HELD_OUT] for member in ensemble.members if HELD_OUT in member.scores]
    if not ensemble.classes or not any(note["ids"] for note in notes):
        raise WeightsError("this ensemble keeps no classes of rows that its members hadn't seen")
    seen = np.concatenate([np.asarray(note["ids"], dtype=np.str_) for note in notes])
    ids, row, counts = np.unique(seen, return_inverse=True, return_counts=True)
    classes = np.zeros(len(ids), dtype=np.int64)
    classes[row] = np.concatenate([np.asarray(note["targets"], dtype=np.int64) for note in notes])
    sums = np.zeros((len(ids), len(ensemble.classes)))
    np.add.at(sums, row, np.concatenate([np.asarray(note["probabilities"], dtype=np.float64) for note in notes]))
    return HeldOutClasses(ids, classes, sums / counts[:, None], counts.astype(np.int64))


def chance_of_second(model: Any, weights: MemberWeights, inputs: Any, *, device: str = "cpu") -> tuple[Floats, Floats]:
    """What a member that tells two classes apart says as a number, for everything that reads numbers.

    Returns:
        (n,) probability p of the second class, and (n,) sqrt(p (1 - p)), the standard deviation of a variable
        that is one with probability p and zero otherwise.

    Raises:
        InputError: if there are more than two classes.
        WeightsError: if the weights don't belong to the model.
        DeviceError: if the device isn't there.
    """
    from aiida_mlhull.science.models.families.classification import class_probabilities  # noqa: PLC0415  (torch)

    columns = class_probabilities(model, weights, inputs, device=device)
    if columns.shape[1] != 2:  # noqa: PLR2004
        raise InputError(f"{columns.shape[1]} classes are not one number; two are, the probability of the second one")
    chance = columns[:, 1].astype(np.float64)
    return chance, np.sqrt(chance * (1.0 - chance))
