"""A campaign under a daemon, watched for its whole length; and the same in three parts, with a worker killed on the way.

    python -m benchmarks.steering --json [--candidates N] [--every S]

Published results of hypothetical pnictides stand for relaxations, so that what is measured is the loop and the watching.
Both campaigns have the same budget in the end, so the second one's story has to come to the same results and hull; what
watching costs is the processor time of the looks as a share of the campaign's time. Runs in an AiiDA profile of its own
that is deleted at the end.
"""

# ruff: noqa: PLC0415  (AiiDA reads AIIDA_PATH when it is imported)

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.places import find
from benchmarks.pnictides import EXCERPT, PUBLISHED

if TYPE_CHECKING:
    from aiida_mlhull import Campaign

PARTS: Final = (0.3, 0.4, 0.5)
"""Budgets of the campaign and of its two extensions, shares of the candidates."""

GATE: Final = {"rule": "two_sigma", "rounds": 8, "batch": 0.1}
START: Final = 0.1


def profile(folder: Path) -> None:
    """A profile with SQLite and the ZeroMQ broker, and the program registered in it."""
    os.environ["AIIDA_PATH"] = str(folder)
    from aiida.manage.configuration import create_profile, get_config, load_profile

    create_profile(
        get_config(create=True),
        name="steering",
        email="benchmark@localhost",
        storage_backend="core.sqlite_dos",
        storage_config={"filepath": str(folder / "storage")},
        broker_backend="core.zeromq",
        broker_config={},
    )
    load_profile("steering").set_option("runner.poll.interval", 1)
    get_config().store()
    from aiida_mlhull.launching.codes import installed_program, register_code, register_localhost

    computer, _ = register_localhost()
    register_code(computer, installed_program())


def campaign(folder: Path, n: int) -> dict[str, Any]:
    """A campaign file's content: ``n`` candidates with their published results, spread over the whole table."""
    from importlib import resources

    import pyarrow.parquet as pq

    paths = [find(name) for name in PUBLISHED]
    if not all(paths):
        demo = Path(str(resources.files("aiida_mlhull") / "demo_data"))
        paths = [demo / name for name in EXCERPT]
    table = pq.read_table(paths[0])
    clean = np.flatnonzero(np.asarray(table["clean_pair"].to_pylist()))
    rows = clean[np.unique(np.linspace(0, len(clean) - 1, min(n, len(clean))).astype(int))]
    pq.write_table(table.take(rows), folder / "candidates.parquet")
    return {
        "name": "pnictides",
        "protocol": "laptop-plain",
        "seed": 1,
        "candidates": str(folder / "candidates.parquet"),
        "references": {"file": str(paths[1]), "elements": str(paths[2])},
        "overrides": {
            "start": START,
            "budget": PARTS[-1],
            "stages": [{"name": "final", "engine": "recorded", "core_minutes": 605, "gate": GATE}],
            "ensemble": {"model": "trees_gp", "members": 4},
        },
        "jobs": {"members_per_job": 4},
    }


def watch(asked: Campaign, *, every: float, moment: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Look at a campaign until it ends.

    Args:
        asked: the campaign.
        every: seconds between two looks.
        moment: is called after every look.
    """
    walls, cpus, sent, alarms = [], [], [], []
    begun = time.monotonic()
    while True:
        ended = asked.node.is_terminated
        wall, cpu = time.perf_counter(), time.process_time()
        seen = asked.progress()
        walls.append(time.perf_counter() - wall)
        cpus.append(time.process_time() - cpu)
        (stage,) = seen.stages
        sent.append(stage.sent)
        counted = stage.taken_over + stage.done + stage.failed + stage.running + stage.queued + stage.waiting
        if counted != stage.sent or sent != sorted(sent):
            raise RuntimeError(f"the counts don't add up, or have fallen: {stage}")
        alarms += [seen.alarm] if seen.alarm else []
        print(f"{seen.seconds:6.0f} s  {stage.ended} of {stage.sent} sent, {seen.activity}", file=sys.stderr)
        moment()
        if ended:
            break
        time.sleep(every)
    seconds = time.monotonic() - begun
    return {
        "seconds": round(seconds, 1),
        "looks": len(walls),
        "look_ms": round(1000 * float(np.mean(walls[1:] or walls)), 1),
        "look_cpu_ms": round(1000 * float(np.mean(cpus[1:] or cpus)), 1),
        "first_look_ms": round(1000 * walls[0], 1),
        "cpu_share": round(sum(cpus) / seconds, 4),
        "wall_share": round(sum(walls) / seconds, 4),
        "alarms": alarms,
    }


def looked_up(asked: Campaign) -> list[str]:
    """Ids that a campaign's own engines have worked on."""
    engines = [one for one in asked.node.called if one.process_label == "RecordedEngine"]
    return [name for one in engines for name in one.outputs.labels.to_science().ids.tolist()]


def compare(whole: Campaign, parts: Campaign) -> dict[str, Any]:
    """Whether the story of several campaigns comes to what one uninterrupted campaign comes to."""
    ours, theirs = parts.results(), whole.results()
    ids = [name for one in parts.story() for name in looked_up(one)]
    name = str(ours.ids[0])
    return {
        "relaxed": [len(theirs), len(ours)],
        "results_equal": ours.ids.tolist() == theirs.ids.tolist()
        and bool(np.array_equal(ours.energies, theirs.energies)),
        "on_hull": [len(whole.phases()), len(parts.phases())],
        "hull_equal": parts.phases().ids.tolist() == whole.phases().ids.tolist(),
        "outcomes_equal": parts.outcomes().reasons.tolist() == whole.outcomes().reasons.tolist(),
        "relaxed_twice": len(ids) - len(set(ids)),
        "campaigns_in_the_story": len(parts.story()),
        "campaigns_in_the_history_of_a_candidate": len(set(parts.history(name).campaign)),
        "rounds": [len(whole.rounds()), len(parts.rounds())],
    }


def measure(folder: Path, *, n: int, every: float) -> dict[str, Any]:
    """Run both, under a daemon of their own."""
    from aiida.engine.daemon.client import get_daemon_client

    from aiida_mlhull import extend, launch
    from tests.campaigns.daemons import everything, kill, worker

    client = get_daemon_client("steering")
    client.start_daemon(timeout=300)
    killed: list[int] = []

    def kill_once() -> None:
        """The worker, as soon as models are fitted in the second part."""
        if not killed and second.progress().models.running:
            process = worker(client)
            killed.append(process.pid)
            kill([process])

    try:
        content = campaign(folder, n)
        whole = launch(content)
        watched = watch(whole, every=every)
        first = launch({**content, "overrides": {**content["overrides"], "budget": PARTS[0]}})
        told = [watch(first, every=every)]
        second = extend(first, {"budget": PARTS[1]})
        told.append(watch(second, every=min(every, 1.0), moment=kill_once))
        third = extend(second, {"budget": PARTS[2]})
        told.append(watch(third, every=every))
        return {
            "candidates": len(whole.outcomes()),
            "every_seconds": every,
            "watched": watched,
            "parts": [part["seconds"] for part in told],
            "workers_killed": len(killed),
            **compare(whole, third),
        }
    finally:
        kill(everything(client))


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--json", action="store_true", help="print JSON (there is nothing else to print)")
    parser.add_argument("--candidates", type=int, default=200, metavar="N", help="how many")
    parser.add_argument("--every", type=float, default=10.0, metavar="S", help="seconds between two looks")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as name:
        profile(Path(name))
        found = measure(Path(name), n=asked.candidates, every=asked.every)
    print(json.dumps({"benchmark": "steering", **found}))


if __name__ == "__main__":
    main()
