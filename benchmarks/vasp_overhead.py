"""What AiiDA takes for a stage with the engine ``vasp``, and where it goes.

Rock salts go through a volume relaxation one after the other, in this process, in a profile of its own, by
the stand-in in server mode (it is NOT VASP). Its own seconds are taken off, so that what remains is AiiDA:
files, database, polling, parsing, WorkChains.
"""

# ruff: noqa: PLC0415  (AiiDA reads AIIDA_PATH when it is imported)

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

SALTS = {"MgO": 4.3, "CaO": 4.9, "SrO": 5.3, "BaO": 5.7, "MgS": 5.3, "CaS": 5.8, "SrS": 6.2, "BaS": 6.6}
PROGRAM = Path(sys.executable).with_name("mlhull-vasp-standin")
STEPS = (
    ("prepare inputs", "prepared", "chain"),
    ("WorkChain before the job", "chain", "job"),
    ("write and upload", "job", "uploaded"),
    ("submit, run, notice the end, retrieve", "uploaded", "retrieved"),
    ("parse", "retrieved", "job_end"),
    ("WorkChain after the job", "job_end", "chain_end"),
    ("read the row, next lane step", "chain_end", "read_end"),
)


@dataclass(frozen=True)
class Kinds:
    """What an engine's processes are called.

    Attributes:
        lane: what works off the candidates.
        prepare: makes inputs.
        chain: the plug-in's WorkChain.
        read: makes a row.
    """

    lane: str
    prepare: str
    chain: str
    read: str


KINDS: Final = Kinds(lane="VaspLane", prepare="prepare_vasp", chain="VaspWorkChain", read="read_vasp")


def profile(folder: Path) -> None:
    """A profile with SQLite on disk, as ``verdi presto`` makes it."""
    os.environ["AIIDA_PATH"] = str(folder)
    from aiida.manage.configuration import create_profile, get_config, load_profile

    create_profile(
        get_config(create=True),
        name="overhead",
        email="benchmark@localhost",
        storage_backend="core.sqlite_dos",
        storage_config={"filepath": str(folder / "storage")},
    )
    load_profile("overhead")


def relax(candidates: Any, code: Any, family: str) -> Any:
    """The engine's process node, all candidates in one lane."""
    from aiida import orm
    from aiida.manage import get_manager

    from aiida_mlhull.data import CandidatesData, DecisionsData
    from aiida_mlhull.engines.vasp.engine import VaspEngine
    from tests.arsenides import choice

    runner = get_manager().create_runner(communicator=None, poll_interval=0.1)
    return runner.run_get_node(
        VaspEngine,
        code=code,
        potential_family=orm.Str(family),
        cells=CandidatesData.from_science(candidates),
        chosen=DecisionsData.from_science(choice(candidates, range(len(candidates)))),
        stage=orm.Dict({"name": "preprerelax", "engine": "vasp", "settings": {"protocol": "ekstrom-2022"}}),
        jobs=orm.Dict({"max_in_flight": 1}),
    ).node


def moments(node: Any, kinds: Kinds, seconds_of: Callable[[Any], float]) -> list[dict[str, float]]:
    """When what happened to every candidate, and the seconds that its calculation says it took.

    Args:
        node: the engine's, with one lane.
        kinds: of its processes.
        seconds_of: from the calculation's job to the program's own seconds.
    """
    (lane,) = [one for one in node.called if one.process_label == kinds.lane]
    by_kind: dict[str, list[Any]] = {}
    for one in sorted(lane.called, key=lambda process: process.pk):
        by_kind.setdefault(one.process_label, []).append(one)
    rows = []
    for prepared, chain, read in zip(by_kind[kinds.prepare], by_kind[kinds.chain], by_kind[kinds.read], strict=True):
        (job,) = chain.called
        rows.append(
            {
                "prepared": prepared.ctime.timestamp(),
                "chain": chain.ctime.timestamp(),
                "job": job.ctime.timestamp(),
                "uploaded": job.outputs.remote_folder.ctime.timestamp(),
                "retrieved": job.outputs.retrieved.ctime.timestamp(),
                "job_end": job.mtime.timestamp(),
                "chain_end": chain.mtime.timestamp(),
                "read_end": read.mtime.timestamp(),
                "program": seconds_of(job),
            }
        )
    return rows


def overhead(rows: list[dict[str, float]], *, program: str, wall: float, cpu: float) -> dict[str, Any]:
    """Seconds per stage: in total, of the program, of AiiDA by its steps, and of the processor.

    Args:
        rows: of :func:`moments`.
        program: what is not AiiDA.
        wall: seconds of all of it.
        cpu: processor seconds without the program's.
    """
    steps = {name: np.mean([row[last] - row[first] for row in rows]) for name, first, last in STEPS}
    own = float(np.mean([row["program"] for row in rows]))
    steps["submit, run, notice the end, retrieve"] -= own
    return {
        "stages": len(rows),
        "seconds_per_stage": wall / len(rows),
        f"{program}_seconds_per_stage": own,
        "aiida_seconds_per_stage": wall / len(rows) - own,
        "aiida_processor_seconds_per_stage": cpu / len(rows),
        "aiida_seconds_by_step": {name: round(float(seconds), 2) for name, seconds in steps.items()},
    }


def seconds_of(job: Any) -> float:
    """By the stand-in's own account."""
    return float(job.outputs.misc["run_stats"]["elapsed_time"])


def measure(poll_interval: float) -> dict[str, Any]:
    """Seconds per stage: in total, of the stand-in, of AiiDA by its steps, and of this process' processor time."""
    from aiida_mlhull.launching import codes
    from aiida_mlhull.launching.doctor import standin
    from tests.engines.test_vasp import rock_salts

    computer, _ = codes.register_localhost()
    computer.set_minimum_job_poll_interval(poll_interval)
    code, _ = standin.register_standin(computer)
    family, _ = standin.upload_placeholders()
    relax(rock_salts(MgO=4.2), code, family)  # imports, and the server's start
    salts = rock_salts(**SALTS)
    cpu, begun = time.process_time(), time.monotonic()
    node = relax(salts, code, family)
    cpu, wall = time.process_time() - cpu, time.monotonic() - begun
    return overhead(moments(node, KINDS, seconds_of), program="standin", wall=wall, cpu=cpu)


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="print JSON (there is nothing else to print)")
    parser.add_argument("--poll-interval", type=float, default=0.5, help="seconds between looks at the scheduler")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.environ["MLHULL_STANDIN_HOME"] = name
        profile(Path(name))
        try:
            found = measure(asked.poll_interval)
        finally:
            subprocess.run([PROGRAM, "stop"], check=False, capture_output=True)  # noqa: S603  (our own program)
    found["load_average"] = os.getloadavg()[0]
    print(json.dumps({key: round(value, 2) if isinstance(value, float) else value for key, value in found.items()}))


if __name__ == "__main__":
    main()
