"""Every keep-rule on the record on real DFT, seed by seed: what it saves, what it finds, whether its σ can be believed.

    python -m benchmarks.dft_replays FOLDER [--rules published discovery ...] [--seeds 0 1 2 3 4]

Each run is the product's own ``replay --levels`` followed by ``diagnose --json``, in a profile below FOLDER. Whatever has
been run is kept there; a run that is there is not repeated. ``FOLDER/replays.json`` holds all of them.
"""

# ruff: noqa: S603  (our own commands)

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks.dft_order import RESULTS

STAGES: Final = ("potential", "coarse", "final")
PRICES: Final = (0.0005, 0.1, 0.44)
"""Core-minutes a candidate: the record's own means."""
NETWORKS: Final = ("ekstrom-2022", {"start": 20})
TREES: Final = ("laptop", {"start": 8, "budget": 0.4})
"""Whose start is raised to what its models need."""
CALIBRATED: Final = {"ensemble": {"calibration": "variance"}}
_ROUNDS: Final = {"baseline": "hull", "rounds": 60, "batch": 4}

RULES: Final[dict[str, tuple[tuple[str, dict[str, Any]], dict[str, Any] | None, dict[str, Any]]]] = {
    "published": (NETWORKS, {"rule": "two_sigma"}, {"rule": "two_sigma"}),
    "sigma_adjusted": (NETWORKS, {"rule": "sigma_adjusted"}, {"rule": "sigma_adjusted"}),
    "probability": (NETWORKS, {"rule": "probability"}, {"rule": "probability"}),
    "recall_target": (
        (NETWORKS[0], {**NETWORKS[1], **CALIBRATED}),
        {"rule": "recall_target"},
        {"rule": "recall_target"},
    ),
    "trees: two_sigma": (TREES, None, {"rule": "two_sigma"}),
    "trees: probability": (TREES, None, {"rule": "probability"}),
    "trees: recall_target": ((TREES[0], {**TREES[1], **CALIBRATED}), None, {"rule": "recall_target"}),
    "trees: discovery": (TREES, None, {"rule": "discovery", **_ROUNDS}),
    "trees: competing": (TREES, None, {"rule": "competing", **_ROUNDS}),
    "random": (TREES, None, {"rule": "random", "rule_settings": {"fraction": 0.3}}),
}
"""Name to protocol with what differs, and the gates before the second and the last stage."""


def overrides(changes: dict[str, Any], *gates: dict[str, Any] | None) -> dict[str, Any]:
    """What differs from the protocol: three stages of the record, gates before two of them."""
    stages = [
        {"name": name, "engine": "recorded", **({} if gate is None else {"gate": gate})}
        for name, gate in zip(STAGES, (None, *gates), strict=True)
    ]
    return {**changes, "stages": stages}


def run(folder: Path, name: str, seed: int) -> dict[str, Any]:
    """One replay and its diagnosis, unless they are there."""
    stem = f"{name.replace(': ', '-')}-{seed}"
    kept = folder / f"{stem}.run.json"
    if kept.exists():
        return dict(json.loads(kept.read_text()))
    (protocol, changes), *gates = RULES[name]
    changed, elements, scores = (folder / f"{stem}.yaml", folder / "elements.json", folder / f"{stem}.json")
    changed.write_text(yaml.safe_dump(overrides(changes, *gates), sort_keys=False))
    elements.write_text(json.dumps(json.loads((RESULTS / "summary.json").read_text())["references_ev_per_atom"]))
    command = [
        *("replay", "--levels", str(RESULTS / "stages.parquet"), "--stages", ",".join(STAGES)),
        *("--prices", ",".join(map(str, PRICES)), "--candidates", str(RESULTS / "candidates.parquet")),
        *("--references", str(elements), "--protocol", protocol, "--overrides", str(changed)),
        *("--seed", str(seed), "--jobs", "1", "--json", str(scores)),
    ]
    ours = str(Path(sys.executable).parent / "aiida-mlhull")
    subprocess.run([ours, *command], check=True)
    found = json.loads(scores.read_text())
    asked = [ours, "diagnose", str(found["details"]["campaign"]), "--json"]
    told = subprocess.run(asked, check=False, capture_output=True, text=True)
    diagnosis = json.loads(told.stdout) if told.returncode == 0 else {"error": told.stderr.strip()}
    whole = {"rule": name, "seed": seed, "scores": found, "diagnosis": diagnosis}
    kept.write_text(json.dumps(whole, indent=1) + "\n")
    return whole


def main() -> None:
    """Run what is missing; print where all of it is."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rules", nargs="+", default=list(RULES), choices=list(RULES))
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    asked = parser.parse_args()
    folder = asked.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["AIIDA_PATH"] = str(folder)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if not (folder / ".aiida" / "config.json").exists():
        tools = Path(sys.executable).parent
        subprocess.run([tools / "verdi", "presto", "-p", "replays", "--use-zeromq", "-n"], check=True)
        subprocess.run([tools / "aiida-mlhull", "setup"], check=True)
    runs = [run(folder, name, seed) for seed in asked.seeds for name in asked.rules]
    (folder / "replays.json").write_text(json.dumps(runs) + "\n")
    print(folder / "replays.json")


if __name__ == "__main__":
    main()
