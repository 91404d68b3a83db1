"""What Roost and Wren have in common as models: sets in, equal materials predicted once."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from aiida_mlhull.science.models.batches.weighted_sets import SetBatch, SetTensors
from aiida_mlhull.science.models.families.networks import NetworkModel
from aiida_mlhull.science.models.families.presets import PresetSettings
from aiida_mlhull.science.models.layers.residual_network import ResidualNetwork
from aiida_mlhull.science.models.layers.soft_attention import AttentionPooling, MessageLayer
from aiida_mlhull.science.models.training.loop import TrainingSettings
from aiida_mlhull.science.models.training.optimizers import Schedule
from aiida_mlhull.science.representations.weighted_sets import WeightedSets
from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.types.crystals import Floats


class SetSettings(PresetSettings, TrainingSettings):
    """What networks on weighted sets may be told; ``hidden_width`` is that of the attention's two networks.

    Attributes:
        layers: message layers.
        heads: of every message layer.
        pooling_heads: of the pooling.
        hidden_width: hidden units of the networks m and e of every head.
        output_widths: of the residual output network.
    """

    layers: int = Field(default=3, ge=1)
    heads: int = Field(default=3, ge=1)
    pooling_heads: int = Field(default=3, ge=1)
    hidden_width: int = Field(default=256, ge=1)
    output_widths: tuple[int, ...] = (1024, 512, 256, 128, 64)
    learning_rate: float = Field(default=3e-4, gt=0)
    schedule: Schedule = "constant"


class SetNetwork(nn.Module, ABC):
    """Message layers, pooling, mean over equivalent sets, output network; subclasses make the first features."""

    def __init__(self, settings: SetSettings, *, width: int, outputs: int) -> None:
        super().__init__()
        hidden = settings.hidden_width
        self.messages = nn.ModuleList(
            MessageLayer(width, heads=settings.heads, hidden=hidden) for _ in range(settings.layers)
        )
        self.pooling = AttentionPooling(width, heads=settings.pooling_heads, hidden=hidden)
        self.output = ResidualNetwork(width, settings.output_widths, outputs)

    @abstractmethod
    def embed(self, batch: SetBatch) -> Tensor:
        """(V, C) features of every member."""

    def forward(self, batch: SetBatch) -> Tensor:
        """(B, outputs)."""
        logs = (batch.weights.log(), batch.counts.log())
        nodes = self.embed(batch)
        for message in self.messages:
            nodes = message(nodes, logs, batch)
        materials = batch.mean_over_sets(self.pooling(nodes, logs, batch))
        outputs: Tensor = self.output(materials)
        return outputs.index_select(0, batch.rows)


class SetModel(NetworkModel):
    """A model that reads :class:`WeightedSets`."""

    AT_ONCE: ClassVar[int] = 1024

    def batches(self, inputs: WeightedSets, *, device: torch.device) -> SetTensors:
        """All sets, to be sent to the device batch by batch."""
        return SetTensors(inputs, device)

    def predict(
        self, weights: MemberWeights, inputs: WeightedSets, *, device: str = "cpu"
    ) -> tuple[Floats, Floats | None]:
        """Means and, for the heteroscedastic loss, spreads; rows of one material are predicted once.

        Raises:
            WeightsError: if the weights are of another model or other settings.
            DeviceError: if the device isn't there.
        """
        means, spreads = super().predict(weights, inputs.distinct(), device=device)
        return means[inputs.materials], None if spreads is None else spreads[inputs.materials]
