"""What an ensemble is made of, as written in a campaign file."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, cast

from pydantic import Field, NonNegativeInt, ValidationError, model_validator

from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.base import GradualModel, Loss, Model
from aiida_mlhull.science.types.strict import Strict
from aiida_mlhull.science.units import ENERGY_UNIT

ENERGY_TARGET: Final = "energy_minus_baseline"
"""What campaigns learn."""

CellChoice = Literal["unrelaxed", "relaxed", "both"]
"""Which cells are learned from, always with the relaxed energy as label. ``both`` is the D-variant of
Goodall's thesis; validation is then on the unrelaxed cells only, as that is what will be asked."""


Calibrated = Literal["none", "variance", "conformal"]
"""How spreads are brought to the size of the errors, see :mod:`~aiida_mlhull.science.ensembles.calibrate`."""


class TransferSettings(Strict):
    """How members begin with what a parent ensemble's members have learned.

    Attributes:
        mode: ``scratch``: random weights; ``full``: all weights go on; ``head``: only the output network does.
        learning_rate_factor: what the model's learning rate is multiplied by.
        groups: layers to a further factor each (``{"convolutions.0": 0.1, "embedding": 0}``); the longest
            name that fits counts, 0 freezes the layer.
    """

    mode: Literal["scratch", "full", "head"] = "scratch"
    learning_rate_factor: float = Field(default=1.0, gt=0)
    groups: dict[str, Annotated[float, Field(ge=0)]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _check_scratch(self) -> TransferSettings:
        if self.mode == "scratch" and (self.groups or self.learning_rate_factor != 1.0):
            raise ValueError("learning_rate_factor and groups belong to the modes 'full' and 'head'")
        return self


class View(Strict):
    """What a member sees of a stage before.

    Attributes:
        energies: which of the stage's energies, counted from 0: the one that it relaxed to, then those of further
            potentials; None for all of them, none of them for a blind member.
        cells: the cells of the stage and those before any stage, or the stage's alone.
    """

    energies: tuple[NonNegativeInt, ...] | None = None
    cells: Literal["both", "relaxed"] = "both"

    @property
    def is_blind(self) -> bool:
        """Whether it is as if there had been no stage."""
        return self.energies == ()


class EnsembleSettings(Strict):
    """An ensemble of one kind of model.

    Attributes:
        model: name in the model registry.
        model_settings: settings of that model; what is left out is at its default.
        members: number of members, each with its own start and its own split.
        blind_members: so many of them are not told the energy of the stage before; they insure against
            rows that it led astray (a symmetry kept that the next stage breaks, say).
        views: what the other members see of the stage before, in turns; empty: each of them all of it. Members
            that look at different potentials and cells err differently.
        loss: see :data:`~aiida_mlhull.science.models.base.Loss`.
        validation_fraction: share of the labels that a member doesn't learn from. 0 has networks learn from all of them,
            with the weights of the last epoch (``model_settings: {keep: last}``) and a loss that gives σ by itself.
        cells: see :data:`CellChoice`.
        ionic_steps: at most so many of every candidate's ionic steps are learned from as well, in all stages
            that keep them, each cell with the relaxed energy as label; those of a candidate that a member is
            validated on are not. Kernel models get slow: their effort grows with the cube of the rows.
        volume_scaling: scale unrelaxed cells to fitted volumes first; ``auto`` does so where the fit is
            nearer to the relaxed volumes than the unrelaxed cells are.
        calibration: ``none`` leaves σ as the members state it; ``variance`` multiplies it so that errors on
            rows that a member didn't learn from have the size of σ; ``conformal`` so that 95 % of them lie
            within 1.96 σ. Networks with a heteroskedastic loss are too sure of themselves otherwise.
        target: what is learned, in words; a parent of the same target, unit and baseline hands its scale on.
        unit: of target and predictions.
        classes: names of the classes to tell apart, where the target is a class instead of a number: labels are then
            0, 1, ... in this order, and the loss is the cross-entropy whatever ``loss`` says. Networks alone can.
        transfer: whether members begin with a parent's weights.
        own_weight: so many times as much as a label of an earlier campaign counts one of its own, where such labels are
            learned from.
    """

    model: str = "trees_gp"
    model_settings: dict[str, Any] = Field(default_factory=dict)
    members: int = Field(default=5, ge=1)
    blind_members: int = Field(default=0, ge=0)
    views: tuple[View, ...] = ()
    loss: Loss = "robust_l1"
    validation_fraction: float = Field(default=0.15, ge=0, lt=1)
    cells: CellChoice = "unrelaxed"
    ionic_steps: int = Field(default=0, ge=0)
    volume_scaling: bool | Literal["auto"] = "auto"
    calibration: Calibrated = "none"
    target: str = Field(default=ENERGY_TARGET, min_length=1)
    unit: str = ENERGY_UNIT
    classes: tuple[str, ...] = ()
    transfer: TransferSettings = Field(default_factory=TransferSettings)
    own_weight: int = Field(default=1, ge=1)

    @model_validator(mode="after")
    def _check_model(self) -> EnsembleSettings:
        try:
            model = self.build()
        except ValidationError as error:
            raise ValueError(self._refused(error)) from error
        if self.blind_members > self.members:
            raise ValueError(f"{self.blind_members} of {self.members} members can't be blind")
        if self.transfer.mode != "scratch" and not isinstance(model, GradualModel):
            raise ValueError(f"{self.model} learns in a single step and can't begin with a parent's weights")
        if self.classes:
            self._check_classes(model)
        if self.validation_fraction == 0:
            self._check_unvalidated(model)
        return self

    def _check_unvalidated(self, model: Model) -> None:
        if getattr(model.settings, "keep", "best") != "last":
            raise ValueError(
                "validation_fraction 0 leaves nothing to choose an epoch by: set model_settings keep to 'last'"
            )
        if not self.loss.startswith("robust") or self.classes:
            raise ValueError("validation_fraction 0 needs a loss that gives σ by itself: robust_l1 or robust_l2")
        if self.calibration != "none":
            raise ValueError("validation_fraction 0 leaves no rows to calibrate σ by: leave calibration at 'none'")

    def _check_classes(self, model: Model) -> None:
        if not isinstance(model, GradualModel):
            raise ValueError(f"{self.model} can't learn classes; networks can, such as roost and cgcnn")  # noqa: TRY004
        if len(set(self.classes)) < max(len(self.classes), 2):
            raise ValueError(f"classes must be two or more different names, not {', '.join(self.classes)}")
        if self.calibration != "none":
            raise ValueError("calibration is of spreads, which classes don't have: leave it at 'none'")

    def _refused(self, error: ValidationError) -> str:
        """What is wrong with the model's settings, and what it would know."""
        known = ", ".join(MODELS[self.model].Settings.model_fields)
        problems = [
            f"{'.'.join(map(str, one['loc']))}: unknown key (known: {known})"
            if one["type"] == "extra_forbidden"
            else ": ".join([*map(str, one["loc"]), one["msg"].removeprefix("Value error, ")])
            for one in error.errors()
        ]
        return f"model_settings of {self.model}: {'; '.join(problems)}"

    def is_blind(self, member: int) -> bool:
        """Whether a member is blind to the energy of the stage before: the last ones are."""
        return member >= self.members - self.blind_members

    def view(self, member: int) -> View:
        """What a member sees of the stage before."""
        if self.is_blind(member):
            return View(energies=())
        return self.views[member % len(self.views)] if self.views else View()

    def build(self) -> Model:
        """The model with its settings.

        Raises:
            UnknownNameError: if there is no such model.
            pydantic.ValidationError: if it doesn't know one of its settings.
        """
        model = MODELS[self.model]
        return cast("Model", model(model.Settings(**self.model_settings)))
