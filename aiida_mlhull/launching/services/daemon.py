"""The daemon: whether it runs, and whether it has room for a campaign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from aiida_mlhull.science.errors import NotReadyError

START_HINT: Final = "verdi daemon start"
NESTED: Final = 3
"""A campaign, its round, and the round's fit or prediction wait while a job runs."""


@dataclass(frozen=True)
class Daemon:
    """What is known of the profile's daemon.

    Attributes:
        broker: name of the broker; empty if the profile has none.
        running: whether it runs.
        workers: its processes.
        slots_per_worker: processes that one worker keeps going.
    """

    broker: str
    running: bool
    workers: int
    slots_per_worker: int

    @property
    def slots(self) -> int:
        """Processes that it keeps going at once."""
        return self.workers * self.slots_per_worker


def look() -> Daemon:
    """Ask the daemon of the loaded profile."""
    from aiida.engine.daemon.client import DaemonException, get_daemon_client
    from aiida.manage import get_config_option
    from aiida.manage.configuration import get_profile

    loaded = get_profile()
    broker = (loaded.process_control_backend if loaded is not None else None) or ""
    slots = int(get_config_option("daemon.worker_process_slots"))
    if not broker:
        return Daemon(broker="", running=False, workers=0, slots_per_worker=slots)
    client = get_daemon_client()
    if not client.is_daemon_running:
        return Daemon(broker=broker, running=False, workers=0, slots_per_worker=slots)
    try:
        workers = int(client.get_number_of_workers(timeout=5))
    except DaemonException:
        return Daemon(broker=broker, running=False, workers=0, slots_per_worker=slots)
    return Daemon(broker=broker, running=True, workers=workers, slots_per_worker=slots)


def slots_needed(*, shards: int, max_in_flight: int, slots_per_job: int = 1) -> tuple[int, int]:
    """Slots without which a campaign would stand still, and those that keep all its jobs going.

    A waiting parent holds its slot. A stage runs one engine a shard at once, each with up to
    ``max_in_flight`` jobs; a round nests deeper, but runs one thing at a time. Where processes of its own
    wait for every job (``slots_per_job - 1`` of them), all of these may wait at the same time.
    """
    waiting = 1 + shards * (1 + max_in_flight * max(slots_per_job - 1, 0))
    return max(NESTED, waiting) + 1, max(NESTED + max_in_flight, 1 + shards * (1 + max_in_flight * slots_per_job))


def held_by_campaigns() -> dict[int, int]:
    """Slots that the parents of campaigns which haven't ended may hold while they wait, by pk."""
    from aiida_mlhull import names
    from aiida_mlhull.calculations.settings import settings_of
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.job_pool.settings import JobSettings

    held = {}
    for node in campaigns.newest(running=True):
        stages = node.inputs[names.SETTINGS]["stages"]
        least, _ = slots_needed(
            shards=len(node.inputs.candidates),
            max_in_flight=settings_of(node.inputs.jobs, JobSettings).max_in_flight,
            slots_per_job=most_slots_per_job(stage["engine"] for stage in stages),
        )
        held[int(node.pk or 0)] = least - 1
    return held


def most_slots_per_job(engines: Iterable[str]) -> int:
    """Slots that one job takes with all that waits for it alone, of the engine that takes most."""
    from aiida_mlhull.engines import ENGINES

    return max(int(ENGINES[name].slots_per_job) for name in engines)


def require(
    daemon: Daemon,
    *,
    shards: int,
    max_in_flight: int,
    slots_per_job: int = 1,
    held: Mapping[int, int] = MappingProxyType({}),
) -> str:
    """Check that the daemon can take a campaign beside those that run.

    Args:
        daemon: of :func:`look`.
        shards: of candidates.
        max_in_flight: jobs that one step submits at once.
        slots_per_job: that a job takes with all that waits for it alone.
        held: of :func:`held_by_campaigns`.

    Returns:
        A line for people if it will be slower than it could be, else empty.

    Raises:
        NotReadyError: if it doesn't run or would get stuck; the message says what to do.
    """
    if not daemon.broker:
        raise NotReadyError(
            "this profile has no broker, so it has no daemon; run the campaign in this terminal with --foreground, "
            "or give the profile a broker with 'verdi profile configure-broker core.zeromq'"
        )
    if not daemon.running:
        raise NotReadyError(
            f"the daemon isn't running: start it with '{START_HINT}', or run the campaign in this terminal with "
            f"--foreground"
        )
    least, all_going = slots_needed(shards=shards, max_in_flight=max_in_flight, slots_per_job=slots_per_job)
    together = least + sum(held.values())
    if least <= daemon.slots < together:
        enough = all_going + sum(held.values())
        raise NotReadyError(
            f"the daemon has {daemon.slots} slots ({daemon.workers} x {daemon.slots_per_worker}), but this campaign and "
            f"those that run ({', '.join(map(str, held))}) need {together} or they might all wait for each other: "
            f"'verdi config set daemon.worker_process_slots {-(-enough // max(daemon.workers, 1))}' and 'verdi daemon restart', "
            f"or launch it when they have ended ('verdi process kill PK' ends one whose terminal is gone)"
        )
    if daemon.slots < least:
        raise NotReadyError(
            f"the daemon has {daemon.slots} slots ({daemon.workers} x {daemon.slots_per_worker}), but this campaign "
            f"needs {least} or it would wait for itself for ever: "
            f"'verdi config set daemon.worker_process_slots {all_going}' and 'verdi daemon restart'"
        )
    if daemon.slots < all_going:
        return f"the daemon has {daemon.slots} slots; {all_going} would keep all jobs of this campaign going"
    return ""
