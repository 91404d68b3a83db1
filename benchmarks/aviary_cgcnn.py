"""The CGCNN of aviary-models (Goodall), trained by its own code, for comparison.

Needs ``pip install aviary-models``; only :mod:`benchmarks.models` imports this, where that is installed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from aviary.cgcnn.data import CrystalGraphData, collate_batch
from aviary.cgcnn.model import CrystalGraphConvNet
from aviary.data import Normalizer
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from aiida_mlhull.science.models.cgcnn import CGCNNSettings
from aiida_mlhull.science.types.crystals import Floats
from benchmarks.crystals import Measured


@dataclass(frozen=True, eq=False)
class Loaders:
    """Crystals in memory."""

    train: DataLoader[Any]
    validation: DataLoader[Any]
    test: DataLoader[Any]
    normalizer: Normalizer


def load(measured: Measured, parts: list[NDArray[np.int64]], settings: CGCNNSettings) -> Loaders:
    """Graphs of the three parts of the split, made beforehand on both sides."""

    def loader(rows: NDArray[np.int64], *, shuffle: bool) -> DataLoader[Any]:
        frame = pd.DataFrame(
            {"structure": [measured.crystals.structure(row) for row in rows], "energy": measured.energies[rows]}
        )
        data = CrystalGraphData(frame, {"energy": "regression"}, radius_cutoff=settings.radius)
        for index in range(len(data)):
            data[index]  # its own cache
        return DataLoader(data, batch_size=settings.batch_size, shuffle=shuffle, collate_fn=collate_batch)

    train, validation, test = parts
    normalizer = Normalizer()
    normalizer.fit(torch.as_tensor(measured.energies[train], dtype=torch.float32))
    return Loaders(
        loader(train, shuffle=True), loader(validation, shuffle=False), loader(test, shuffle=False), normalizer
    )


def train(loaders: Loaders, settings: CGCNNSettings, *, seed: int) -> CrystalGraphConvNet:
    """The same optimizer, rates, batches and number of epochs as ours; the network as aviary builds it."""
    torch.manual_seed(seed)
    network = CrystalGraphConvNet(
        robust=False,
        n_targets=[1],
        task_dict={"energy": "regression"},
        radius_cutoff=settings.radius,
        elem_fea_len=settings.atom_width,
        n_graph=settings.layers,
        h_fea_len=settings.hidden_width,
        device="cpu",
    )
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda epoch: 0.5 * (1 + math.cos(math.pi * epoch / settings.max_epochs))
    )
    network.fit(
        loaders.train,
        loaders.validation,
        optimizer,
        schedule,
        settings.max_epochs,
        loss_dict={"energy": ("regression", torch.nn.L1Loss())},
        normalizer_dict={"energy": loaders.normalizer},
        model_name="cgcnn",
        run_id=seed,
        checkpoint=False,
        verbose=False,
    )
    return network


def predict(network: CrystalGraphConvNet, loader: DataLoader[Any], normalizer: Normalizer) -> Floats:
    """(n,) eV/atom."""
    network.eval()
    with torch.inference_mode():
        parts = [normalizer.denorm(network(*inputs)[0].squeeze(1)) for inputs, *_ in loader]
    return torch.cat(parts).double().numpy()
