"""What an ensemble is made of, as a campaign file says it."""

from __future__ import annotations

from typing import Any, Literal, cast

from pydantic import BaseModel, ConfigDict, Field, model_validator

from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.base import Loss, Model

Cells = Literal["unrelaxed", "relaxed", "both"]
"""Which cells are learned from, always with the relaxed energy as label. ``both`` is the D-variant of
Goodall's thesis; validation is then on the unrelaxed cells only, as that is what will be asked."""


class EnsembleSettings(BaseModel):
    """An ensemble of one kind of model.

    Attributes:
        model: name in the model registry.
        model_settings: settings of that model; what is left out is at its default.
        members: number of members, each with its own start and its own split.
        blind_members: so many of them are not told the energy of the stage before; they insure against
            rows that it led astray (a symmetry kept that the next stage breaks, say).
        loss: see :data:`~aiida_mlhull.science.models.base.Loss`.
        validation_fraction: share of the labels that a member doesn't learn from.
        cells: see :data:`Cells`.
        volume_scaling: scale unrelaxed cells to fitted volumes first; ``auto`` does so where the fit is
            nearer to the relaxed volumes than the unrelaxed cells are.
        calibrated: multiply the spreads that members predict by one factor, found on the rows that they
            didn't learn from; networks with the heteroscedastic loss are too sure of themselves otherwise.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = "trees_gp"
    model_settings: dict[str, Any] = Field(default_factory=dict)
    members: int = Field(default=5, ge=1)
    blind_members: int = Field(default=0, ge=0)
    loss: Loss = "robust_l1"
    validation_fraction: float = Field(default=0.15, gt=0, lt=1)
    cells: Cells = "unrelaxed"
    volume_scaling: bool | Literal["auto"] = "auto"
    calibrated: bool = False

    @model_validator(mode="after")
    def _check_model(self) -> EnsembleSettings:
        self.build()
        if self.blind_members > self.members:
            raise ValueError(f"{self.blind_members} of {self.members} members can't be blind")
        return self

    def is_blind(self, member: int) -> bool:
        """Whether a member is not told the energy of the stage before: the last ones are not."""
        return member >= self.members - self.blind_members

    def build(self) -> Model:
        """The model with its settings.

        Raises:
            UnknownNameError: if there is no such model.
            pydantic.ValidationError: if it doesn't know one of its settings.
        """
        model = MODELS[self.model]
        return cast("Model", model(model.Settings(**self.model_settings)))
