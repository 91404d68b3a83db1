"""What AiiDA takes for a stage with the engine ``quantumespresso``, and for waiting.

Crystals go through a relaxation by pw.x one after the other, in this process, in a profile of its own. pw.x's own seconds
are taken off, so that what remains is AiiDA. Then three lanes wait for jobs that sleep: the processor time of looking.
"""

# ruff: noqa: PLC0415  (AiiDA reads AIIDA_PATH when it is imported)

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.dft_campaign import FAMILY, SETTINGS, make_family
from benchmarks.vasp_overhead import Kinds, moments, overhead, profile

if TYPE_CHECKING:
    from aiida_mlhull.science.types import Candidates

KINDS: Final = Kinds(lane="EspressoLane", prepare="prepare_espresso", chain="PwBaseWorkChain", read="read_espresso")
STAGE: Final = {"name": "coarse", "engine": "quantumespresso", "settings": SETTINGS["coarse"]}
WAIT: Final = 30
"""Seconds that a job sleeps."""


def processor_seconds() -> float:
    """Of this process and of what it has waited for; pw.x is neither."""
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


def crystals(n: int) -> Candidates:
    """The first of the campaign's candidates."""
    from aiida_mlhull.science.reading.candidates import read_candidates

    path = Path(__file__).parent / "data" / "dft_al_mg_si" / "candidates.parquet"
    every = read_candidates(path).candidates
    return every.select(every.ids[:n].tolist())


def relax(candidates: Candidates, inputs: dict[str, Any], *, lanes: int, prepend: str = "") -> Any:
    """The engine's process node."""
    from aiida import orm
    from aiida.manage import get_manager

    from aiida_mlhull.data import CandidatesData, DecisionsData
    from aiida_mlhull.engines.quantumespresso.engine import EspressoEngine
    from tests.arsenides import choice

    runner = get_manager().create_runner(communicator=None, poll_interval=0.1)
    stage = {**STAGE, "settings": {**SETTINGS["coarse"], "options": {"withmpi": False, "prepend_text": prepend}}}
    return runner.run_get_node(
        EspressoEngine,
        cells=CandidatesData.from_science(candidates),
        chosen=DecisionsData.from_science(choice(candidates, range(len(candidates)))),
        stage=orm.Dict(stage),
        jobs=orm.Dict({"max_in_flight": lanes}),
        **inputs,
    ).node


def seconds_of(job: Any) -> float:
    """Wall time by pw.x's own account."""
    return float(job.outputs.output_parameters["wall_time_seconds"])


def measure(poll_interval: float, *, n: int) -> dict[str, Any]:
    """Seconds per stage: in total, of pw.x, of AiiDA by its steps and of the processor; and of waiting."""
    from aiida_mlhull.engines.quantumespresso.words import load_espresso_inputs
    from aiida_mlhull.launching import codes

    computer, _ = codes.register_localhost()
    computer.set_minimum_job_poll_interval(poll_interval)
    program = Path(shutil.which("pw.x") or sys.exit("no pw.x on the PATH"))
    codes.register_code(computer, program, label="pw", default_calc_job_plugin="quantumespresso.pw")
    make_family()
    inputs = load_espresso_inputs({"code": f"pw@{codes.LOCALHOST}", "pseudo_family": FAMILY})
    relax(crystals(1), inputs, lanes=1)  # imports
    cpu, begun = processor_seconds(), time.monotonic()
    node = relax(crystals(n), inputs, lanes=1)
    cpu, wall = processor_seconds() - cpu, time.monotonic() - begun
    return {
        **overhead(moments(node, KINDS, seconds_of), program="pw", wall=wall, cpu=cpu),
        "poll_interval": poll_interval,
        "processor_share_of_waiting_for_three": waiting(inputs),
    }


def waiting(inputs: dict[str, Any]) -> float:
    """Processor time per second of looking at three jobs."""
    spent = []
    for prepend in ("", f"sleep {WAIT}"):
        spent.append(-processor_seconds())
        relax(crystals(3), inputs, lanes=3, prepend=prepend)
        spent[-1] += processor_seconds()
    return (spent[1] - spent[0]) / WAIT


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="print JSON (there is nothing else to print)")
    parser.add_argument("--poll-interval", type=float, default=0.5, help="seconds between looks at the scheduler")
    parser.add_argument("--stages", type=int, default=5, help="how many crystals")
    asked = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with tempfile.TemporaryDirectory() as name:
        profile(Path(name))
        found = measure(asked.poll_interval, n=asked.stages)
    found["load_average"] = os.getloadavg()[0]
    print(json.dumps({key: round(value, 2) if isinstance(value, float) else value for key, value in found.items()}))


if __name__ == "__main__":
    main()
