"""Training and asking :mod:`benchmarks.published_cgat`, for comparison."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from aiida_mlhull.science.models.cgat import CGATSettings
from aiida_mlhull.science.models.training.optimizers import learning_rate
from aiida_mlhull.science.types.crystals import Floats
from benchmarks.crystals import Measured
from benchmarks.plain_batches import PlainBatch, plain_batch
from benchmarks.published_cgat import PublishedCGAT


@dataclass(frozen=True, eq=False)
class Loaders:
    """Batches in memory, each with its targets (B,) standardized."""

    train: list[tuple[PlainBatch, Tensor]]
    validation: list[tuple[PlainBatch, Tensor]]
    test: list[tuple[PlainBatch, Tensor]]
    center: float
    scale: float


def load(name: str, measured: Measured, parts: list[NDArray[np.int64]], settings: CGATSettings) -> Loaders:  # noqa: ARG001
    """Batches of the three parts of the split, made beforehand."""
    center, scale = float(measured.energies[parts[0]].mean()), float(measured.energies[parts[0]].std())

    def batches(rows: NDArray[np.int64]) -> list[tuple[PlainBatch, Tensor]]:
        cut = np.array_split(rows, math.ceil(len(rows) / settings.batch_size))
        targets = [torch.tensor((measured.energies[some] - center) / scale, dtype=torch.float32) for some in cut]
        return [
            (plain_batch(measured.crystals.take(some), settings), goal) for some, goal in zip(cut, targets, strict=True)
        ]

    return Loaders(*(batches(part) for part in parts), center, scale)


def train(name: str, loaders: Loaders, settings: CGATSettings, *, seed: int) -> PublishedCGAT:  # noqa: ARG001
    """The same optimizer, rates, sizes of batches and number of epochs as ours."""
    torch.manual_seed(seed)
    network = PublishedCGAT(settings, outputs=1)
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    for epoch in range(settings.max_epochs):
        network.train()
        for position in rng.permutation(len(loaders.train)).tolist():
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(settings, epoch=epoch, share=position / len(loaders.train))
            batch, goal = loaders.train[position]
            optimizer.zero_grad()
            (network(batch)[:, 0] - goal).abs().mean().backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        _asked(network, loaders.validation)
    return network


def predict(network: PublishedCGAT, loaders: Loaders) -> Floats:
    """(n,) eV/atom of the test rows."""
    return np.asarray(loaders.center + loaders.scale * _asked(network, loaders.test))


def _asked(network: PublishedCGAT, batches: list[tuple[PlainBatch, Tensor]]) -> Floats:
    network.eval()
    with torch.inference_mode():
        return torch.cat([network(batch)[:, 0] for batch, _ in batches]).double().numpy()
