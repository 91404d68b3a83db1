"""CGCNN, Roost and Wren of aviary-models (Goodall), trained by their own code, for comparison.

Needs ``pip install aviary-models``; only :mod:`benchmarks.models` imports this, where that is installed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import torch
from aviary.cgcnn.data import CrystalGraphData
from aviary.cgcnn.data import collate_batch as collate_graphs
from aviary.cgcnn.model import CrystalGraphConvNet
from aviary.core import BaseModelClass
from aviary.data import Normalizer
from aviary.roost.data import CompositionData
from aviary.roost.data import collate_batch as collate_compositions
from aviary.roost.model import Roost
from aviary.wren.data import WyckoffData
from aviary.wren.data import collate_batch as collate_positions
from aviary.wren.model import Wren
from numpy.typing import NDArray
from torch.utils.data import DataLoader

from aiida_mlhull.science.models.training.optimizers import learning_rate
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types.crystals import Floats
from benchmarks.crystals import Measured

TASK = {"energy": "regression"}
COLLATE = {"cgcnn": collate_graphs, "roost": collate_compositions, "wren": collate_positions}


@dataclass(frozen=True, eq=False)
class Loaders:
    """Crystals in memory."""

    train: DataLoader[Any]
    validation: DataLoader[Any]
    test: DataLoader[Any]
    normalizer: Normalizer


def load(name: str, measured: Measured, parts: list[NDArray[np.int64]], settings: Any) -> Loaders:
    """What the network reads of the three parts of the split, made beforehand on both sides."""

    def loader(rows: NDArray[np.int64], *, shuffle: bool) -> DataLoader[Any]:
        data = dataset(name, measured, rows, settings)
        for index in range(len(data)):
            data[index]  # its own cache
        return DataLoader(data, batch_size=settings.batch_size, shuffle=shuffle, collate_fn=COLLATE[name])

    train, validation, test = parts
    normalizer = Normalizer()
    normalizer.fit(torch.as_tensor(measured.energies[train], dtype=torch.float32))
    return Loaders(
        loader(train, shuffle=True), loader(validation, shuffle=False), loader(test, shuffle=False), normalizer
    )


def dataset(name: str, measured: Measured, rows: NDArray[np.int64], settings: Any) -> Any:
    """Aviary's data set for these rows."""
    crystals = measured.crystals.take(rows)
    frame = pd.DataFrame({"material_id": rows, "composition": crystals.reduced_formulas()})
    frame["energy"] = measured.energies[rows]
    if name == "roost":
        return CompositionData(frame, TASK)
    if name == "wren":
        frame["protostructure"] = protostructures(crystals)
        return WyckoffData(frame, TASK)
    frame["structure"] = [crystals.structure(index) for index in range(len(crystals))]
    return CrystalGraphData(frame, TASK, radius_cutoff=settings.radius)


def build(name: str, settings: Any) -> BaseModelClass:
    """The network as aviary builds it; the sizes of Roost and Wren are its defaults, which are the papers'."""
    common = {"robust": False, "n_targets": [1], "task_dict": TASK, "device": "cpu"}
    if name == "roost":
        return Roost(**common)
    if name == "wren":
        return Wren(**common)
    return CrystalGraphConvNet(
        **common,
        radius_cutoff=settings.radius,
        elem_fea_len=settings.atom_width,
        n_graph=settings.layers,
        h_fea_len=settings.hidden_width,
    )


def train(name: str, loaders: Loaders, settings: Any, *, seed: int) -> BaseModelClass:
    """The same optimizer, rates, batches and number of epochs as ours."""
    torch.manual_seed(seed)
    network = build(name, settings)
    optimizer = torch.optim.AdamW(network.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay)
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda epoch: learning_rate(settings, epoch=epoch, share=0.0) / settings.learning_rate
    )
    network.fit(
        loaders.train,
        loaders.validation,
        optimizer,
        schedule,
        settings.max_epochs,
        loss_dict={"energy": ("regression", torch.nn.L1Loss())},
        normalizer_dict={"energy": loaders.normalizer},
        model_name=name,
        run_id=seed,
        checkpoint=False,
        verbose=False,
    )
    return network


def predict(network: BaseModelClass, loaders: Loaders) -> Floats:
    """(n,) eV/atom of the test rows."""
    network.eval()
    with torch.inference_mode():
        parts = [loaders.normalizer.denorm(network(*inputs)[0].squeeze(1)) for inputs, *_ in loaders.test]
    return torch.cat(parts).double().numpy()
