"""Models on MP-20: accuracy, and speed beside aviary-models' network in the same run where it is installed.

    python -m benchmarks.models --model cgcnn --json [--data MP20.parquet] [--epochs 40] [--seeds 1] [--cores 1]

4,000 / 500 / 1,000 crystals to train, validate and test on, drawn by seed; without ``--data`` a shipped
excerpt in the same proportions. MAE is of the test rows, in eV/atom, mean over seeds. Training rates are
member-crystals per second, validation after every epoch included, graphs made beforehand, on both sides.
With one core the seconds are CPU seconds of one thread, so that a busy machine distorts the ratio less.
With more they are wall seconds: we train as many members, each in a process of its own, the peer one
with as many threads.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray

from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.base import Model
from aiida_mlhull.science.models.parts.training import TrainingSettings
from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.types.crystals import Floats
from benchmarks.crystals import Measured, read_crystals

SPLIT = (4000, 500, 1000)
PEERS = {"cgcnn": "aviary"}
T = TypeVar("T")


def timed(work: Callable[[], T], *, cores: int) -> tuple[T, float]:
    """What ``work`` gives, and the seconds that it took: of the processor for one core, else of the clock."""
    clock = time.process_time if cores == 1 else time.perf_counter
    started = clock()
    result = work()
    return result, clock() - started


@dataclass(frozen=True, eq=False)
class Task:
    """What one member is to be fitted to."""

    model: Model
    inputs: Any
    energies: Floats
    parts: list[NDArray[np.int64]]

    def __call__(self, seed: int) -> MemberWeights:
        """The member."""
        train, validation, _ = self.parts
        return self.model.fit(self.inputs, self.energies, train=train, validation=validation, loss="l1", seed=seed)


def ours(
    model: Model, measured: Measured, parts: list[NDArray[np.int64]], *, seed: int, cores: int
) -> dict[str, float]:
    """Train as many members as there are cores, test the first."""
    inputs = model.represent(measured.rows())
    task = Task(model, inputs, measured.energies, parts)
    seeds = [seed + 1000 * member for member in range(cores)]
    if cores == 1:
        members, fitting = timed(lambda: [task(seed)], cores=1)
    else:
        with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
            list(pool.map(_import_model, [type(model).__module__] * cores))
            members, fitting = timed(lambda: list(pool.map(task, seeds)), cores=cores)
    (means, _), asking = timed(lambda: model.predict(members[0], inputs), cores=1)
    epochs = sum(weights.scores["epochs"] for weights in members)
    return {
        "parameters": sum(value.size for name, value in members[0].arrays.items() if "running" not in name),
        "epochs": epochs / cores,
        "train_rate": epochs * len(parts[0]) / fitting,
        "infer_rate": len(measured) / asking,
        "mae": float(np.abs(means - measured.energies)[parts[2]].mean()),
    }


def _import_model(module: str) -> None:
    """Have a new process import what it needs before the clock starts."""
    import_module(module)


def aviary(
    model: Any, measured: Measured, parts: list[NDArray[np.int64]], *, seed: int, cores: int
) -> dict[str, float]:
    """The same with aviary's network and training loop."""
    from benchmarks import aviary_cgcnn as peer  # noqa: PLC0415  (only where it is installed)

    loaders = peer.load(measured, parts, model.settings)
    torch.set_num_threads(cores)
    network, fitting = timed(lambda: peer.train(loaders, model.settings, seed=seed), cores=cores)
    torch.set_num_threads(1)
    means, asking = timed(lambda: peer.predict(network, loaders.test, loaders.normalizer), cores=1)
    return {
        "peer_parameters": sum(parameter.numel() for parameter in network.parameters()),
        "peer_train_rate": model.settings.max_epochs * len(parts[0]) / fitting,
        "peer_infer_rate": len(parts[2]) / asking,
        "peer_mae": float(np.abs(means - measured.energies[parts[2]]).mean()),
    }


def measure(name: str, measured: Measured, *, epochs: int, seeds: int, cores: int) -> dict[str, Any]:
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
        results = [side(model, measured, parts, seed=seed, cores=cores) for side in sides]
        runs.append({key: value for result in results for key, value in result.items()})
    result: dict[str, Any] = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
    for what in ("train", "infer"):
        if f"peer_{what}_rate" in result:
            result[f"{what}_ratio"] = result[f"{what}_rate"] / result[f"peer_{what}_rate"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sizes = [len(part) for part in measured.split(SPLIT, seed=0)]
    head = {"model": name, "data": measured.source, "split": sizes, "seeds": seeds, "cores": cores}
    return {**head, **result, "peak_rss_mib": peak}


def main() -> None:
    """Print the result, as JSON or as lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", choices=list(MODELS), default="cgcnn")
    parser.add_argument("--data", type=Path, help="parquet file with the columns of MP-20; default: a shipped excerpt")
    parser.add_argument("--epochs", type=int, default=40, help="epochs of a network, the same for both sides")
    parser.add_argument("--seeds", type=int, default=1, help="splits and starts to average over")
    parser.add_argument("--cores", type=int, default=1, help="members that we train at once; threads of the peer")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    result = measure(
        arguments.model,
        read_crystals(arguments.data),
        epochs=arguments.epochs,
        seeds=arguments.seeds,
        cores=arguments.cores,
    )
    rounded = {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in result.items()}
    print(json.dumps(rounded) if arguments.json else "\n".join(f"{key}: {value}" for key, value in rounded.items()))


if __name__ == "__main__":
    main()
