"""Models on MP-20: accuracy, and speed beside aviary-models' network in the same run where it is installed.

    python -m benchmarks.models --model cgcnn --json [--data MP20.parquet] [--epochs 40] [--seeds 1]

4,000 / 500 / 1,000 crystals to train, validate and test on, drawn by seed; without ``--data`` a shipped
excerpt in the same proportions. Rates are crystals per CPU second of one thread, validation after every
epoch included, graphs made beforehand, on both sides. MAE is of the test rows, in eV/atom, mean over seeds.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.base import Model
from aiida_mlhull.science.models.parts.training import TrainingSettings
from benchmarks.crystals import Measured, read_crystals

SPLIT = (4000, 500, 1000)
PEERS = {"cgcnn": "aviary"}
T = TypeVar("T")


def timed(work: Callable[[], T]) -> tuple[T, float]:
    """What ``work`` gives, and the CPU seconds that it took."""
    started = time.process_time()
    result = work()
    return result, time.process_time() - started


def ours(model: Model, measured: Measured, parts: list[NDArray[np.int64]], *, seed: int) -> dict[str, float]:
    """Train and test one member."""
    train, validation, test = parts
    inputs = model.represent(measured.rows())
    weights, fitting = timed(
        lambda: model.fit(inputs, measured.energies, train=train, validation=validation, loss="l1", seed=seed)
    )
    (means, _), asking = timed(lambda: model.predict(weights, inputs))
    return {
        "parameters": sum(value.size for name, value in weights.arrays.items() if "running" not in name),
        "epochs": weights.scores["epochs"],
        "train_rate": weights.scores["epochs"] * len(train) / fitting,
        "infer_rate": len(measured) / asking,
        "mae": float(np.abs(means - measured.energies)[test].mean()),
    }


def aviary(model: Any, measured: Measured, parts: list[NDArray[np.int64]], *, seed: int) -> dict[str, float]:
    """The same with aviary's network and training loop."""
    from benchmarks import aviary_cgcnn as peer  # noqa: PLC0415  (only where it is installed)

    loaders = peer.load(measured, parts, model.settings)
    network, fitting = timed(lambda: peer.train(loaders, model.settings, seed=seed))
    means, asking = timed(lambda: peer.predict(network, loaders.test, loaders.normalizer))
    return {
        "peer_parameters": sum(parameter.numel() for parameter in network.parameters()),
        "peer_train_rate": model.settings.max_epochs * len(parts[0]) / fitting,
        "peer_infer_rate": len(parts[2]) / asking,
        "peer_mae": float(np.abs(means - measured.energies[parts[2]]).mean()),
    }


def measure(name: str, measured: Measured, *, epochs: int, seeds: int) -> dict[str, Any]:
    """All numbers for one model."""
    cls = MODELS[name]
    learned_by_epochs = issubclass(cls.Settings, TrainingSettings)
    model = cls(cls.Settings(max_epochs=epochs, patience=epochs) if learned_by_epochs else cls.Settings())
    sides = [ours]
    if name in PEERS and find_spec(PEERS[name]) is not None:
        sides.append(aviary)
    runs = []
    for seed in range(seeds):
        parts = measured.split(SPLIT, seed=seed)
        runs.append({key: value for side in sides for key, value in side(model, measured, parts, seed=seed).items()})
    result: dict[str, Any] = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
    for what in ("train", "infer"):
        if f"peer_{what}_rate" in result:
            result[f"{what}_ratio"] = result[f"{what}_rate"] / result[f"peer_{what}_rate"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sizes = [len(part) for part in measured.split(SPLIT, seed=0)]
    return {"model": name, "data": measured.source, "split": sizes, "seeds": seeds, **result, "peak_rss_mib": peak}


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(MODELS), default="cgcnn")
    parser.add_argument("--data", type=Path, help="parquet file with the columns of MP-20; default: a shipped excerpt")
    parser.add_argument("--epochs", type=int, default=40, help="epochs of a network, the same for both sides")
    parser.add_argument("--seeds", type=int, default=1, help="splits and starts to average over")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    result = measure(arguments.model, read_crystals(arguments.data), epochs=arguments.epochs, seeds=arguments.seeds)
    rounded = {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in result.items()}
    print(json.dumps(rounded) if arguments.json else "\n".join(f"{key}: {value}" for key, value in rounded.items()))


if __name__ == "__main__":
    main()
