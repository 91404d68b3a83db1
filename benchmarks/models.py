"""Models on MP-20: accuracy, and speed beside a peer's network in the same run.

    python -m benchmarks.models --model cgcnn --json [--data MP20.parquet] [--epochs 40] [--seeds 1] [--cores 1]
        [--rows N] [--preset paper] [--precision bf16] [--alone]

CGCNN, Roost and Wren are measured beside those of aviary-models, where it is installed; CGAT beside its published
form, written down plainly in :mod:`benchmarks.published_cgat`.

4,000 / 500 / 1,000 crystals to train, validate and test on, drawn by seed; where MP-20 is not found (see
``benchmarks/places.py``), of a shipped excerpt in the same proportions. MAE is of the test rows, in eV/atom,
mean over seeds. Training rates are member-crystals per second, validation after every epoch included, graphs
made beforehand, on both sides; predictions are timed when asked for a second time. With one core the seconds are
CPU seconds of one thread, so that a busy machine distorts the ratio less. With more they are wall seconds: we train
as many members, each in a process of its own, the peer one with as many threads.
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
from typing import Any, TypeVar, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.base import Model
from aiida_mlhull.science.models.layers.precision import Precision
from aiida_mlhull.science.models.training.loop import TrainingSettings
from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.types.crystals import Floats
from benchmarks.crystals import Measured, read_crystals

SPLIT = (4000, 500, 1000)
PEERS = {"cgat": "published_peer", "cgcnn": "aviary_peers", "roost": "aviary_peers", "wren": "aviary_peers"}
NEEDS = {"aviary_peers": "aviary"}
WARM_ROWS = 200
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
        _warmed_up(task)
        members, fitting = timed(lambda: [task(seed)], cores=1)
    else:
        with ProcessPoolExecutor(cores, mp_context=get_context("spawn")) as pool:
            list(pool.map(_warmed_up, [task] * cores))
            members, fitting = timed(lambda: list(pool.map(task, seeds)), cores=cores)
    model.predict(members[0], inputs)
    (means, _), asking = timed(lambda: model.predict(members[0], inputs), cores=1)
    epochs = sum(weights.scores["epochs"] for weights in members)
    return {
        "parameters": sum(value.size for name, value in members[0].arrays.items() if "running" not in name),
        "epochs": epochs / cores,
        "train_rate": epochs * len(parts[0]) / fitting,
        "infer_rate": len(measured) / asking,
        "mae": float(np.abs(means - measured.energies)[parts[2]].mean()),
    }


def _warmed_up(task: Task) -> None:
    """Import, load machine code and fill caches before the clock starts: a fit of one epoch on a few rows."""
    settings = task.model.settings
    if "max_epochs" in type(settings).model_fields:
        short = type(task.model)(settings.model_copy(update={"max_epochs": 1}))
        few = [part[:WARM_ROWS] for part in task.parts]
        Task(short, task.inputs, task.energies, few)(seed=0)


def theirs(
    name: str, model: Any, measured: Measured, parts: list[NDArray[np.int64]], *, seed: int, cores: int
) -> dict[str, float]:
    """The same with the peer's network and training loop; nothing where it is not installed."""
    if name not in PEERS or find_spec(NEEDS.get(PEERS[name], "benchmarks")) is None:
        return {}
    peer = import_module(f"benchmarks.{PEERS[name]}")
    loaders = peer.load(name, measured, parts, model.settings)
    few = [part[:WARM_ROWS] for part in parts]
    peer.train(
        name,
        peer.load(name, measured, few, model.settings),
        model.settings.model_copy(update={"max_epochs": 1}),
        seed=0,
    )
    torch.set_num_threads(cores)
    network, fitting = timed(lambda: peer.train(name, loaders, model.settings, seed=seed), cores=cores)
    torch.set_num_threads(1)
    peer.predict(network, loaders)
    means, asking = timed(lambda: peer.predict(network, loaders), cores=1)
    return {
        "peer_parameters": sum(parameter.numel() for parameter in network.parameters()),
        "peer_train_rate": model.settings.max_epochs * len(parts[0]) / fitting,
        "peer_infer_rate": len(parts[2]) / asking,
        "peer_mae": float(np.abs(means - measured.energies[parts[2]]).mean()),
    }


def measure(
    name: str, measured: Measured, *, given: dict[str, Any], epochs: int, seeds: int, cores: int, alone: bool
) -> dict[str, Any]:
    """All numbers for one model, with the settings ``given``; ``alone``: without those of its peer."""
    cls = MODELS[name]
    if issubclass(cls.Settings, TrainingSettings):
        given = {**given, "max_epochs": epochs, "patience": epochs}
        given |= {"schedule": "constant"} if cls.Settings(**{**given, "patience": 1000}).schedule == "cyclic" else {}
    model = cls(cls.Settings(**given))
    runs = []
    for seed in range(seeds):
        parts = measured.split(SPLIT, seed=seed)
        run = ours(model, measured, parts, seed=seed, cores=cores)
        runs.append(run if alone else run | theirs(name, model, measured, parts, seed=seed, cores=cores))
    result: dict[str, Any] = {key: float(np.mean([run[key] for run in runs])) for key in runs[0]}
    result |= {f"{key}_by_seed": [round(run[key], 4) for run in runs] for key in ("mae", "peer_mae") if key in runs[0]}
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
    parser.add_argument(
        "--data",
        type=Path,
        help="parquet file with the columns of MP-20; default: MP-20 if it is found (see benchmarks.places), else an excerpt",
    )
    parser.add_argument("--epochs", type=int, default=40, help="epochs of a network, the same for both sides")
    parser.add_argument("--seeds", type=int, default=1, help="splits and starts to average over")
    parser.add_argument("--cores", type=int, default=1, help="members that we train at once; threads of the peer")
    parser.add_argument("--rows", type=int, help="use the first rows of the file only; default: all")
    parser.add_argument("--preset", help="a preset of the model's settings")
    parser.add_argument("--precision", choices=get_args(Precision), help="of a network; the peer's is always float32")
    parser.add_argument("--alone", action="store_true", help="don't measure the peer")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    chosen = {"preset": arguments.preset, "precision": arguments.precision}
    torch.set_num_threads(1)
    result = measure(
        arguments.model,
        read_crystals(arguments.data).first(arguments.rows),
        given={key: value for key, value in chosen.items() if value is not None},
        epochs=arguments.epochs,
        seeds=arguments.seeds,
        cores=arguments.cores,
        alone=arguments.alone,
    )
    rounded = {key: float(f"{value:.4g}") if isinstance(value, float) else value for key, value in result.items()}
    print(json.dumps(rounded) if arguments.json else "\n".join(f"{key}: {value}" for key, value in rounded.items()))


if __name__ == "__main__":
    main()
