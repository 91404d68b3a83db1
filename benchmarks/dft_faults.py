"""Real DFT under a daemon, with pw.x, a worker and the whole daemon killed in mid-stage: the hull has to be the same.

    python -m benchmarks.dft_faults FOLDER --json [--limit N]

FOLDER gets an AiiDA profile of its own. A small campaign of ``benchmarks.dft_campaign`` runs twice: in peace, and with
one pw.x killed in its coarse stage, the worker after that, and all of the daemon in the final stage. Then the daemon is
started as ``docs/how-to/when-something-breaks.md`` says, and restarted if nothing moves within a minute.
"""

# ruff: noqa: PLC0415  (AiiDA reads AIIDA_PATH when it is imported)

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.dft_campaign import PROFILE, SETTINGS, campaigns, start

if TYPE_CHECKING:
    from aiida.orm import WorkChainNode

ELEMENTS: Final = ["Mg", "Si"]
LARGEST_CELL: Final = 3
PATIENCE: Final = 7200.0
"""Seconds for one campaign."""
STILL: Final = 60.0
"""Seconds without any new node after which the daemon is restarted."""


def verdi(*words: str) -> None:
    """As a user types it."""
    subprocess.run([Path(sys.executable).with_name("verdi"), *words], check=True, stdout=subprocess.DEVNULL)  # noqa: S603


def running(stage: str) -> list[Any]:
    """Processes pw.x of that stage, which this profile has started."""
    import psutil
    from aiida import orm

    jobs = orm.QueryBuilder().append(orm.WorkChainNode, filters={"label": {"like": f"{stage} %"}}, tag="lane")
    jobs.append(orm.WorkChainNode, with_incoming="lane", tag="chain")
    jobs.append(orm.CalcJobNode, with_incoming="chain", filters={"attributes.process_state": "waiting"})
    found = []
    for job in jobs.all(flat=True):
        if job.get_job_id() is not None and psutil.pid_exists(int(job.get_job_id())):
            family = psutil.Process(int(job.get_job_id())).children(recursive=True)
            found += [process for process in family if process.name() == "pw.x"]
    return found


def wait(node: WorkChainNode, *, until: Any = None) -> None:
    """Wait for a moment of a campaign, or its end.

    Raises:
        TimeoutError: if it doesn't come.
    """
    end = time.monotonic() + PATIENCE
    while not node.is_terminated and not (until is not None and until()):
        if time.monotonic() > end:
            raise TimeoutError(f"campaign {node.pk} stands still")
        time.sleep(0.5)


def nodes() -> int:
    """How many there are: whether anything moves."""
    from aiida import orm

    return int(orm.QueryBuilder().append(orm.Node).count())


def kill_all_three(node: WorkChainNode, client: Any, *, stages: Sequence[str]) -> dict[str, Any]:
    """Kill pw.x and the worker in the first stage, the daemon in the last one; start it again.

    Args:
        node: the campaign.
        client: of the daemon.
        stages: by pw.x.

    Returns:
        What was killed, and whether the daemon had to be restarted.
    """
    from tests.campaigns.daemons import everything, kill, worker

    wait(node, until=lambda: running(stages[0]))
    kill(running(stages[0])[:1])
    began = nodes()
    wait(node, until=lambda: nodes() > began and running(stages[0]))
    kill([worker(client)])
    wait(node, until=lambda: running(stages[-1]))
    processes = everything(client)
    kill(processes)
    verdi("daemon", "start")
    before, end = nodes(), time.monotonic() + STILL
    while nodes() == before and time.monotonic() < end:
        time.sleep(1)
    stood_still = nodes() == before
    if stood_still:
        # A daemon that doesn't answer can't be stopped by verdi, either.
        kill(everything(client))
        verdi("daemon", "start")
    return {"killed": ["pw.x", "worker", f"daemon of {len(processes)} processes"], "restarted": stood_still}


def compare(whole: WorkChainNode, disturbed: WorkChainNode) -> dict[str, Any]:
    """Whether both campaigns have come to the same."""
    from aiida_mlhull import Campaign

    ours, theirs = Campaign(disturbed), Campaign(whole)
    mine, other = ours.results(), theirs.results()
    same = mine.ids.tolist() == other.ids.tolist()
    jobs = [one for one in disturbed.called_descendants if one.process_label == "PwCalculation"]
    return {
        "candidates": len(theirs.outcomes()),
        "on_hull": theirs.phases().formulas.tolist(),
        "hull_equal": ours.phases().ids.tolist() == theirs.phases().ids.tolist(),
        "outcomes_equal": ours.outcomes().reasons.tolist() == theirs.outcomes().reasons.tolist(),
        "results_equal": same and bool(np.array_equal(mine.energies, other.energies, equal_nan=True)),
        "largest_difference_ev": float(np.nanmax(np.abs(mine.energies - other.energies))) if same else None,
        "jobs": [sum(one.process_label == "PwCalculation" for one in whole.called_descendants), len(jobs)],
        "jobs_lost": sum(not one.is_finished for one in jobs) + sum(one.exit_status in {302, 303, 305} for one in jobs),
    }


def measure(folder: Path, *, limit: int) -> dict[str, Any]:
    """Both campaigns, one after the other, under one daemon."""
    start(folder, ELEMENTS, largest_cell=LARGEST_CELL, limit=limit, foreground=False)
    from aiida.engine.daemon.client import get_daemon_client

    from aiida_mlhull import launch
    from tests.campaigns.daemons import everything, kill

    client = get_daemon_client(PROFILE)
    try:
        seconds = [-time.monotonic()]
        whole = campaigns()[0]
        wait(whole)
        seconds[0] += time.monotonic()
        seconds.append(-time.monotonic())
        disturbed = launch(folder / "campaign.yaml").node
        told = kill_all_three(disturbed, client, stages=list(SETTINGS))
        wait(disturbed)
        seconds[1] += time.monotonic()
    finally:
        kill(everything(client))
    return {"seconds": [round(one) for one in seconds], **told, **compare(whole, disturbed)}


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print JSON (there is nothing else to print)")
    parser.add_argument("--limit", type=int, default=6, help="so many draws of candidates")
    asked = parser.parse_args()
    os.environ["AIIDA_PATH"] = str(asked.folder.resolve())
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    print(json.dumps({"benchmark": "dft_faults", **measure(asked.folder.resolve(), limit=asked.limit)}))


if __name__ == "__main__":
    main()
