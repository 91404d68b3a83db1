"""What all models that are trained by gradients have in common: fit, predict, and weights as arrays."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Final

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.models.base import Checkpoints, Inheritance, Loss, ModelSettings, ReportLine, silent
from aiida_mlhull.science.models.training.devices import reproducible, torch_device
from aiida_mlhull.science.models.training.loop import AT_ONCE, NO_SHARES, Batches, predict_network, train_network
from aiida_mlhull.science.models.training.losses import OUTPUTS, spreads_of
from aiida_mlhull.science.models.training.transfer import begin
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.types import MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats, Integers

_DRAWING: Final = frozenset({Tensor.uniform_, Tensor.normal_, nn.init.kaiming_uniform_, nn.init.kaiming_normal_})


class _Undrawn(TorchFunctionMode):
    """Within, new weights are not drawn: they are about to be loaded, and millions of chances take time."""

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        if func in _DRAWING:
            return args[0] if args else given["tensor"]
        return func(*args, **given)


class NetworkModel(ABC):
    """A model that defines its network and how inputs become batches; the rest is here.

    Attributes:
        Settings: the pydantic class of its settings, a
            :class:`~aiida_mlhull.science.models.training.loop.TrainingSettings`.
        reads: see :class:`~aiida_mlhull.science.models.base.Model`.
        settings: the settings it was made with.
        HEAD: first parts of the names of its output network's parameters; a transfer to another target may
            learn these alone.
        AT_ONCE: rows that are predicted together.
    """

    Settings: ClassVar[type[ModelSettings]]
    reads: ClassVar[Reads]
    HEAD: ClassVar[tuple[str, ...]] = ("output",)
    AT_ONCE: ClassVar[int] = AT_ONCE

    def __init__(self, settings: Any) -> None:
        self.settings = settings

    @abstractmethod
    def represent(self, rows: ModelRows) -> Any:
        """Turn n rows into inputs; they have a length."""

    @abstractmethod
    def network(self, *, outputs: int) -> nn.Module:
        """A network with weights drawn from torch's own chance, giving (B, outputs) for standardized targets."""

    @abstractmethod
    def batches(self, inputs: Any, *, device: torch.device) -> Batches:
        """Inputs on a device, ready to be cut into what the network takes."""

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
        """Fit one member from scratch.

        Raises:
            FitError: if training diverges.
            DeviceError: if the device isn't there.
        """
        return self.fit_from(
            None,
            inputs,
            targets,
            train=train,
            validation=validation,
            loss=loss,
            seed=seed,
            device=device,
            report=report,
        )

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
        """Fit one member, from another one's weights or from scratch, going on from a checkpoint if there is one.

        Raises:
            FitError: if training diverges.
            WeightsError: if start or checkpoint are of another architecture.
            SettingsError: if a group of the start names no layer.
            DeviceError: if the device isn't there.
        """
        place = torch_device(device)
        center, scale = float(targets[train].mean()), float(targets[train].std()) or 1.0
        if start is not None and start.keep_scale:
            center, scale = start.weights.meta["center"], start.weights.meta["scale"]
        with reproducible(place):
            torch.default_generator.manual_seed(seed)
            network = self.network(outputs=OUTPUTS[loss])
            shares = NO_SHARES if start is None else begin(network, start, head=self.HEAD)
            network = network.to(place)
            trained = train_network(
                network,
                self.batches(inputs, device=place),
                (targets - center) / scale,
                train=train,
                validation=validation,
                loss=loss,
                settings=self.settings,
                seed=seed,
                report=report,
                shares=shares,
                checkpoints=checkpoints,
            )
        errors = {"mae": trained.validation_mae * scale, "mse": trained.validation_mse * scale**2}
        scores: dict[str, Any] = {
            **{f"{'validation' if len(validation) else 'training'}_{name}": value for name, value in errors.items()},
            "epochs": len(trained.history),
            "seconds": trained.seconds,
            "history": [mae * scale for mae in trained.history],
        }
        arrays = {name: value.cpu().numpy() for name, value in network.state_dict().items()}
        return MemberWeights(arrays, {"center": center, "scale": scale, "loss": loss}, scores, seed)

    def predict(self, weights: MemberWeights, inputs: Any, *, device: str = "cpu") -> tuple[Floats, Floats | None]:
        """Means and, for the heteroscedastic loss, spreads.

        Raises:
            WeightsError: if the weights are of another model or other settings.
            DeviceError: if the device isn't there.
        """
        place = torch_device(device)
        with reproducible(place):
            network = self._loaded(weights).to(place)
            rows = np.arange(len(inputs))
            batches, precision = self.batches(inputs, device=place), self.settings.precision
            outputs = torch.as_tensor(
                predict_network(network, batches, rows, precision=precision, at_once=self.AT_ONCE)
            )
        scale, spreads = weights.meta["scale"], spreads_of(outputs)
        means = weights.meta["center"] + scale * outputs[:, 0].numpy()
        return means, None if spreads is None else scale * spreads.numpy()

    def _loaded(self, weights: MemberWeights) -> nn.Module:
        known = {"center", "scale", "loss"} <= weights.meta.keys() and weights.meta["loss"] in OUTPUTS
        if not known:
            raise WeightsError(f"these weights were not fitted by {type(self).__name__}")
        return self.filled(weights, outputs=OUTPUTS[weights.meta["loss"]])

    def filled(self, weights: MemberWeights, *, outputs: int) -> nn.Module:
        """A network with so many columns that has these weights.

        Raises:
            WeightsError: if they are of another architecture.
        """
        with _Undrawn():
            network = self.network(outputs=outputs)
        expected = {name: tuple(value.shape) for name, value in network.state_dict().items()}
        if {name: value.shape for name, value in weights.arrays.items()} != expected:
            raise WeightsError(
                f"these weights were not fitted by {type(self).__name__} with these settings: names or shapes differ"
            )
        network.load_state_dict({name: torch.as_tensor(value) for name, value in weights.arrays.items()})
        return network
