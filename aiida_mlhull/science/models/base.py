"""What a model has to offer: represent crystals, fit one member, predict with it.

A model object holds settings and nothing else; what a fit learned is a
:class:`~aiida_mlhull.science.types.MemberWeights` of plain arrays and JSON. Models don't know of
ensembles, splits, targets' units or AiiDA.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict

from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats, Integers

Loss = Literal["l1", "robust_l1"]
"""``l1``: mean absolute error (Ekström 2022). ``robust_l1``: the negative log-likelihood of a Laplace
distribution whose width is predicted too (Goodall 2021)."""

Report = Callable[[str], None]
"""Called with a line of progress now and then."""


def silent(_: str) -> None:
    """A report that nobody reads."""


class ModelSettings(BaseModel):
    """Base of every model's settings: unknown keys are refused, defaults are the paper's."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@runtime_checkable
class Model(Protocol):
    """One kind of model.

    Attributes:
        Settings: the pydantic class of its settings.
        settings: the settings it was made with.
    """

    Settings: ClassVar[type[ModelSettings]]
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
        report: Report = silent,
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
