"""What a campaign costs by its number of candidates, and how long questions about it take.

    python -m benchmarks.scale FOLDER --sizes 1000 10000 100000 [1000000] [--storage sqlite postgresql] [--json]

Candidates are labels without cells, by the package's own enumeration of Wyckoff representations over ternary formulas, in
shards of 10,000. A campaign on the production path draws a start set, fits an ensemble, predicts every candidate, decides by
the σ rule, relaxes a batch,, and concludes. Results come from a record that a law of the elements and the label has written,
which costs nothing: what is left is the package's own effort. One process per step and size, so that memory is that of the size;
the campaign's process does what a daemon's worker does, and its jobs are processes of their own. Each step goes as a line to
FOLDER/steps.jsonl; the same command goes on after the last one. Seconds of jobs are wall seconds that the program has measured.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

STEPS: Final = ("candidates", "record", "campaign", "commands")
STORAGES: Final = ("sqlite", "postgresql")
MODELS: Final[dict[str, dict[str, Any]]] = {
    "element_correction": {"model": "element_correction", "members": 5},
    "wren": {"model": "wren", "members": 5, "model_settings": {"max_epochs": 5}},
}


def place(folder: Path, size: int, storage: str, model: str) -> Path:
    """Where a size's profile lies."""
    return folder / f"{size}-{storage}-{model}"


def read(path: Path) -> list[dict[str, Any]]:
    """The steps that have been done."""
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def done(path: Path, **which: Any) -> dict[str, Any] | None:
    """The step of this size, storage and model, if it has been done."""
    return next((one for one in read(path) if all(one[key] == value for key, value in which.items())), None)


def one_step(own: Path, which: dict[str, Any], *, keep: bool) -> dict[str, Any] | None:
    """A step in a process of its own; None if it has failed."""
    own.mkdir(parents=True, exist_ok=True)
    words = ["-m", "benchmarks.scale_steps", str(own), *map(str, which.values())]
    home = {"AIIDA_PATH": str(own / ".aiida"), "OMP_NUM_THREADS": "1"}
    ran = subprocess.run(  # noqa: S603
        [sys.executable, *words], env=os.environ | home, stdout=subprocess.PIPE, text=True, check=False
    )
    if ran.returncode:
        print(f"{which} has ended with status {ran.returncode}", file=sys.stderr)
        return None
    if which["step"] == STEPS[-1] and not keep:
        subprocess.run([sys.executable, *words[:-1], "forget"], env=os.environ | home, check=False)  # noqa: S603
        shutil.rmtree(own)
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Do what is missing, and print all."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="for profiles and results")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10_000, 100_000], help="candidates")
    parser.add_argument("--storage", nargs="+", choices=STORAGES, default=["sqlite"])
    parser.add_argument("--model", choices=tuple(MODELS), default="element_correction")
    parser.add_argument("--keep", action="store_true", help="don't delete a size's profile at its end")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()
    path = arguments.folder.resolve() / "steps.jsonl"
    for size in sorted(arguments.sizes):
        for storage in arguments.storage:
            for step in STEPS:
                which = {"size": size, "storage": storage, "model": arguments.model, "step": step}
                if done(path, **which) is not None:
                    continue
                found = one_step(place(path.parent, size, storage, arguments.model), which, keep=arguments.keep)
                if found is None:
                    break
                with path.open("a") as lines:
                    lines.write(json.dumps(which | found) + "\n")
    steps = read(path)
    print(json.dumps({"steps": steps}) if arguments.json else "\n".join(json.dumps(one) for one in steps))


if __name__ == "__main__":
    main()
