"""An ensemble at rest: arrays and plain JSON, so that loading never runs code."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class MemberWeights:
    """One fitted member.

    Attributes:
        arrays: name to array: weights, trees, training rows, whatever the model needs to predict.
        meta: JSON-able facts that belong to the arrays (shapes, element list, target scaling).
        scores: JSON-able results of the fit: ``validation_mae`` and ``validation_mse`` in the target's
            unit (``validation_miss`` of classes), ``epochs``, ``seconds``, learning history.
        seed: the seed that made it.
    """

    arrays: dict[str, NDArray[Any]]
    meta: dict[str, Any]
    scores: dict[str, Any]
    seed: int


@dataclass(frozen=True, eq=False)
class EnsembleWeights:
    """Members that were fitted alike, each on its own split from its own start.

    Attributes:
        model: name in the model registry.
        settings: the model's settings, as plain JSON.
        members: at least one.
        preparation: what has to be done to a candidate before the model sees it (volume scaling with
            its atomic volumes, baseline), as plain JSON.
        target: what is learned: ``"energy_minus_baseline"``, or a column of a table.
        unit: unit of target and predictions.
        baseline: what the target is measured from: ``"references"``, ``"hull"``, ``"stage"`` or ``"none"``; empty where
            that was not kept. Target, unit and baseline together say which quantity it is.
        classes: names of the classes that members tell apart, in the order of their columns; empty for numbers.
        calibration: factors found on rows that members had not learned from, and the stage that they hold for.
        learned: what the training rows were: ``elements``, ``scheme``, ``rows``, ``most_atoms`` of a cell and
            ``volumes``, the smallest and largest one in Å³/atom; empty where that was not kept.
        versions: packages and device that made it.
    """

    model: str
    settings: dict[str, Any]
    members: tuple[MemberWeights, ...]
    preparation: dict[str, Any] = field(default_factory=dict)
    target: str = "energy_minus_baseline"
    unit: str = "eV/atom"
    baseline: str = ""
    classes: tuple[str, ...] = ()
    calibration: dict[str, Any] = field(default_factory=dict)
    learned: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, Any] = field(default_factory=dict)

    @property
    def validation_mse(self) -> NDArray[np.float64]:
        """(M,) every member's validation MSE, unit squared."""
        return np.asarray([member.scores["validation_mse"] for member in self.members], dtype=np.float64)
