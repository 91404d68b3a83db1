"""Crystal graph convolutional network: gated or simple convolutions, full or linear pooling, on quotient graphs.

Source: Xie and Grossman, Phys. Rev. Lett. 120 (2018) 145301. An atom's features (64) start as a linear projection
of 92 one-hot columns; its bonds to the 12 nearest neighbors are 41 Gaussians of the distance from 0 to 8 Å.
Three convolutions follow, gated (Eq. 5) or simple (Eq. 4), see
:mod:`~aiida_mlhull.science.models.layers.graph_convolutions`.

*Full* pooling: the mean over atoms (Eq. 6), softplus, a hidden layer of 128, softplus, the output. *Linear*
pooling, as in the paper's Fig. 3: every atom's features give a number of their own, v_i w + b, and their mean over
the atoms is the prediction, so that a formation energy is a sum over sites (:meth:`CGCNN.site_contributions`).

Network defaults are the paper's; how it is trained is not. The preset ``paper`` has the training of the authors'
code as well: SGD of rate 0.01 and momentum 0.9, batches of 256, 30 epochs (their loss is ``l2``); ``checkpoint`` is
how their published formation energies were made, by what stands in the file; ``thesis`` has Goodall's training.

Equal rearrangements, proved in the tests against the plain form on real crystals: atoms that no such network can
tell apart are one node with a multiplicity, which weights sums, means and the statistics of the batch normalization
(:mod:`~aiida_mlhull.science.representations.crystal_graph`), and those of the convolutions.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any, ClassVar, Final, Literal, cast

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.functional import softplus

from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.models.base import ModelSettings
from aiida_mlhull.science.models.batches.graphs import GraphBatch, GraphTensors
from aiida_mlhull.science.models.families.networks import NetworkModel
from aiida_mlhull.science.models.families.presets import THESIS, PresetSettings
from aiida_mlhull.science.models.layers.graph_convolutions import CONVOLUTIONS, Convolution
from aiida_mlhull.science.models.layers.precision import mixed
from aiida_mlhull.science.models.training.devices import reproducible, torch_device
from aiida_mlhull.science.models.training.loop import TrainingSettings
from aiida_mlhull.science.representations import Reads
from aiida_mlhull.science.representations.crystal_graph import (
    NEIGHBORS,
    RADIUS,
    CrystalGraphs,
    crystal_graphs,
    plain_graphs,
)
from aiida_mlhull.science.representations.elements import ATOM_FEATURES, atom_features, check_atom_features
from aiida_mlhull.science.types import Crystals, MemberWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import slices

_AT_ONCE: Final = 128


class CGCNNSettings(PresetSettings, TrainingSettings):
    """Settings of :class:`CGCNN`.

    Attributes:
        atom_width: features of an atom.
        layers: convolutions.
        hidden_width: width of the hidden layers after pooling.
        hidden_layers: their number.
        gaussians: functions that expand the distance.
        radius: Å; center of the last one.
        neighbors: of every atom.
        convolution: ``gated`` (Eq. 5) or ``simple`` (Eq. 4).
        pooling: ``full``, or ``linear``: no hidden layers, a sum over sites.
    """

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {
        "paper": {
            "optimizer": "sgd",
            "learning_rate": 0.01,
            "momentum": 0.9,
            "schedule": "constant",
            "weight_decay": 0.0,
            "batch_size": 256,
            "max_epochs": 30,
        },
        "thesis": {**THESIS, "max_epochs": 400},
        "checkpoint": {
            "layers": 4,
            "hidden_width": 32,
            "optimizer": "sgd",
            "learning_rate": 0.02,
            "momentum": 0.9,
            "schedule": "steps",
            "step_epochs": (800,),
            "weight_decay": 0.0,
            "batch_size": 256,
            "max_epochs": 1000,
            "patience": 1000,
        },
    }

    atom_width: int = Field(default=64, ge=1)
    layers: int = Field(default=3, ge=1)
    hidden_width: int = Field(default=128, ge=1)
    hidden_layers: int = Field(default=1, ge=1)
    gaussians: int = Field(default=41, ge=2)
    radius: float = Field(default=RADIUS, gt=0)
    neighbors: int = Field(default=NEIGHBORS, ge=1)
    convolution: Convolution = "gated"
    pooling: Literal["full", "linear"] = "full"


class CrystalGraphNetwork(nn.Module):
    """The whole network; ``outputs`` columns come out, for standardized targets."""

    features: Tensor
    midpoints: Tensor

    def __init__(self, settings: CGCNNSettings, *, outputs: int) -> None:
        super().__init__()
        self.register_buffer("features", torch.as_tensor(atom_features()), persistent=False)
        self.register_buffer("midpoints", torch.linspace(0, settings.radius, settings.gaussians), persistent=False)
        self.step = settings.radius / (settings.gaussians - 1)
        width, hidden = settings.atom_width, settings.hidden_width
        self.embedding = nn.Linear(ATOM_FEATURES, width)
        convolution = CONVOLUTIONS[settings.convolution]
        self.convolutions = nn.ModuleList(convolution(width, settings.gaussians) for _ in range(settings.layers))
        self.linear_pooling = settings.pooling == "linear"
        widths = [width] + [hidden] * (0 if self.linear_pooling else settings.hidden_layers)
        self.hidden = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(widths))
        self.output = nn.Linear(widths[-1], outputs)

    def atoms(self, batch: GraphBatch) -> Tensor:
        """(V, C) features of the nodes after all convolutions."""
        bonds = (batch.distances[:, None] - self.midpoints).div_(self.step).square_().neg_().exp_()
        nodes: Tensor = self.embedding(self.features).index_select(0, batch.numbers)
        pairs = batch.pairs
        for convolution in self.convolutions:
            nodes = convolution(nodes, bonds, batch, pairs)
        return nodes

    def contributions(self, batch: GraphBatch) -> Tensor:
        """(V, outputs) what the nodes' atoms contribute; only with linear pooling."""
        contributions: Tensor = self.output(self.atoms(batch))
        return contributions

    def forward(self, batch: GraphBatch) -> Tensor:
        """(B, outputs)."""
        if self.linear_pooling:
            return batch.mean_over_atoms(self.contributions(batch))
        crystals = softplus(batch.mean_over_atoms(self.atoms(batch)))
        for layer in self.hidden:
            crystals = softplus(layer(crystals))
        outputs: Tensor = self.output(crystals)
        return outputs


class CGCNN(NetworkModel):
    """See the module's text."""

    Settings: ClassVar[type[ModelSettings]] = CGCNNSettings
    HEAD: ClassVar[tuple[str, ...]] = ("hidden", "output")
    reads: ClassVar[Reads] = "graph"
    settings: CGCNNSettings

    def represent(self, rows: ModelRows) -> CrystalGraphs:
        """Quotient graphs.

        Raises:
            CrystalError: on elements beyond fermium, which have no atom features.
        """
        check_atom_features(rows.crystals.numbers)
        return crystal_graphs(rows.crystals, neighbors=self.settings.neighbors)

    def network(self, *, outputs: int) -> CrystalGraphNetwork:
        """A network drawn as torch does by default: all weights from U(-1, 1) / sqrt(inputs)."""
        return CrystalGraphNetwork(self.settings, outputs=outputs)

    def batches(self, inputs: CrystalGraphs, *, device: torch.device) -> GraphTensors:
        """All graphs on the device."""
        return GraphTensors(inputs, device)

    def site_contributions(self, weights: MemberWeights, crystals: Crystals, *, device: str = "cpu") -> Floats:
        """What every site contributes to its crystal's prediction, for networks with linear pooling.

        Args:
            weights: of one member.
            crystals: n cells with N sites together.
            device: ``"cpu"`` or a torch device.

        Returns:
            (N,) in the target's unit, in the order of the sites. Their mean over a crystal's sites is the
            prediction; with a target in eV/atom, their sum is the energy of the cell in eV.

        Raises:
            SettingsError: if the pooling isn't linear.
            WeightsError: if the weights are of another model or other settings.
            DeviceError: if the device isn't there.
        """
        if self.settings.pooling != "linear":
            raise SettingsError("only linear pooling makes a prediction a sum over sites; set pooling to 'linear'")
        check_atom_features(crystals.numbers)
        place = torch_device(device)
        parts = []
        with reproducible(place), torch.inference_mode(), mixed(self.settings.precision, place):
            network = cast("CrystalGraphNetwork", self._loaded(weights)).to(place).eval()
            graphs = GraphTensors(plain_graphs(crystals, neighbors=self.settings.neighbors), place)
            for part in slices(len(crystals), size=_AT_ONCE):
                batch = graphs.batch(np.arange(part.start, part.stop))
                parts.append(network.contributions(batch)[:, 0].double().cpu().numpy())
        return np.asarray(weights.meta["center"] + weights.meta["scale"] * np.concatenate(parts))
