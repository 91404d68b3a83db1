"""What a model has to offer: represent crystals, fit one member, predict with it.

A model object holds settings and nothing else; what a fit learned is a
:class:`~aiida_mlhull.science.types.MemberWeights` of plain arrays and JSON. Models don't know of
ensembles, splits, targets' units or AiiDA.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Literal, Protocol, runtime_checkable

from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.strict import Strict

Loss = Literal["l1", "l2", "robust_l1", "robust_l2"]
"""``l1``: mean absolute error (Ekström 2022). ``l2``: mean squared error. ``robust_l1`` and ``robust_l2``: the
negative log-likelihoods of a Laplace and of a normal distribution whose widths are predicted too (Goodall 2021)."""

ROBUST: Final[frozenset[Loss]] = frozenset({"robust_l1", "robust_l2"})
"""Heteroskedastic losses: members fitted with them state a spread for every row."""

ReportLine = Callable[[str], None]
"""Called with a line of progress now and then."""


def silent(_: str) -> None:
    """A report that is discarded."""


@dataclass(frozen=True, eq=False)
class Inheritance:
    """Where a member that doesn't begin at scratch comes from.

    Attributes:
        weights: of a member of the same architecture.
        head_only: only the output network learns; everything before it stays as it is.
        keep_scale: whether the parent's center and scale of the target hold on, because the quantity is the same.
        learning_rate_factor: what the settings' learning rate is multiplied by.
        groups: first part of parameters' names to a further factor; the longest that fits counts, 0 freezes.
    """

    weights: MemberWeights
    head_only: bool = False
    keep_scale: bool = True
    learning_rate_factor: float = 1.0
    groups: Mapping[str, float] = field(default_factory=dict)


class Checkpoints(Protocol):
    """Somewhere to keep a fit that is under way. A checkpoint is arrays and JSON, as weights are."""

    def load(self) -> MemberWeights | None:
        """The last one of this fit, or None."""
        ...

    def save(self, state: MemberWeights) -> None:
        """Keep ``state`` in place of the last one, whole or not at all."""
        ...


class ModelSettings(Strict):
    """Base of every model's settings: unknown keys are refused, defaults are the paper's."""


@runtime_checkable
class Model(Protocol):
    """One kind of model.

    Attributes:
        Settings: the pydantic class of its settings.
        reads: what it knows of a crystal; rows that are equal in that get equal predictions.
        settings: the settings it was made with.
    """

    Settings: ClassVar[type[ModelSettings]]
    reads: ClassVar[Reads]
    settings: Any

    def __init__(self, settings: Any) -> None: ...

    def represent(self, rows: ModelRows) -> Any:
        """Turn n rows into whatever the model reads; costly, done once for all members.

        The result only needs to be understood by this model's own :meth:`fit` and :meth:`predict`.
        """
        ...

    def fit(
        self,
        inputs: Any,
        targets: Floats,
        *,
        train: Integers,
        validation: Integers,
        loss: Loss,
        seed: int,
        device: str = "cpu",
        report: ReportLine = silent,
    ) -> MemberWeights:
        """Fit one member.

        Args:
            inputs: from :meth:`represent`, n rows.
            targets: (n,) in the target's unit; the model standardizes inside.
            train: row numbers to learn from.
            validation: row numbers for early stopping and for the scores; never learned from.
            loss: see :data:`Loss`.
            seed: the only source of chance.
            device: ``"cpu"`` or a torch device.
            report: called with progress.

        Raises:
            FitError: if training gave nothing finite.
        """
        ...

    def predict(self, weights: MemberWeights, inputs: Any, *, device: str = "cpu") -> tuple[Floats, Floats | None]:
        """Predict n rows with one member.

        Returns:
            (n,) means in the target's unit, and (n,) aleatoric spreads, or None for a loss that has none.

        Raises:
            WeightsError: if the weights belong to another model or other settings.
        """
        ...


@runtime_checkable
class GradualModel(Model, Protocol):
    """A model that learns by small steps: it can begin where another member ended, and go on after a kill."""

    def fit_from(
        self,
        start: Inheritance | None,
        inputs: Any,
        targets: Floats,
        *,
        train: Integers,
        validation: Integers,
        loss: Loss,
        seed: int,
        device: str = "cpu",
        report: ReportLine = silent,
        checkpoints: Checkpoints | None = None,
    ) -> MemberWeights:
        """Fit one member as :meth:`Model.fit` does, from ``start``; None draws weights from the seed.

        ``checkpoints`` is asked once for the state of an earlier try, and told the state after every
        epoch. A fit that was interrupted and goes on gives the bits of one that was not.

        Raises:
            FitError: if training gave nothing finite.
            WeightsError: if the start, or the checkpoint, is of another architecture.
        """
        ...
