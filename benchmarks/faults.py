"""Small real campaigns whose parts are killed at random moments, until so many kills are done: what is lost?

    python -m benchmarks.faults FOLDER --kills 100 --json [--services [--own-postgres]] [--seed 0]

FOLDER gets an AiiDA profile of its own: SQLite and ZeroMQ, or, with ``--services``, PostgreSQL and RabbitMQ of this machine
(a database that is dropped at the end). With ``--own-postgres`` the PostgreSQL is one that the benchmark has started, so that
a process of the server may be killed, too: the server then ends every connection and recovers. A potential relaxes arsenides, models choose in rounds, their published results
answer. One campaign runs in peace. In the others something is killed every few seconds: the daemon's worker, its broker or
the connections to it, the whole daemon, a job's program, connections to the database or a process of it. After each kill a person does what
``docs/how-to/when-something-breaks.md`` says: the daemon is started where it is gone; where nothing moves for a minute it
is stopped, processes are repaired, and it is started again. Every ended campaign is compared with the one in peace, down to the content of its tables. What has been done is in
``FOLDER/faults.jsonl``; the same command goes on from there.
"""

# ruff: noqa: PLC0415  (AiiDA reads AIIDA_PATH when it is imported)

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.postgres import own_server, wait_for_postgres

if TYPE_CHECKING:
    from aiida.orm import ProcessNode
    from psutil import Process

PROFILE: Final = "faults"
N: Final = 36
"""Candidates: those with the smallest cells."""
MOST: Final = 8
"""Kills of one campaign at most: after each a daemon starts, and a busy machine would do nothing else."""
BETWEEN: Final = (2.0, 12.0)
"""Seconds between two kills, at least; and something has to move between them."""
PATIENCE: Final = 3600.0
"""Seconds for one campaign."""
JOBS: Final = "mlhull-job"


def profile(folder: Path, stack: ExitStack, *, on_services: bool) -> None:
    """A profile of its own, loaded, with the program registered in it."""
    from aiida.manage import get_manager
    from aiida.manage.configuration import create_profile, get_config, load_profile

    from aiida_mlhull.launching.codes import installed_program, register_code, register_localhost
    from tests.services import services

    config = get_config(create=True)
    name = f"{PROFILE}-{len(config.profile_names)}"
    backends: dict[str, Any] = {
        "storage_backend": "core.sqlite_dos",
        "storage_config": {"filepath": str(folder / name)},
        "broker_backend": "core.zeromq",
        "broker_config": {},
    }
    if on_services:
        backends = stack.enter_context(services(folder / name))
    create_profile(config, name=name, email="benchmark@localhost", **backends)
    config.set_default_profile(name, overwrite=True)
    load_profile(name).set_option("runner.poll.interval", 1)
    stack.callback(get_manager().reset_profile)  # before its database goes
    config.store()
    computer, _ = register_localhost()
    register_code(computer, installed_program())


def inputs() -> dict[str, Any]:
    """Of the campaign, which is the same each time."""
    from aiida import orm

    from tests.arsenides import simplest
    from tests.campaign_inputs import potential_then_record

    given = potential_then_record(orm.load_code(JOBS), simplest(N), rounds=3, batch=4, seed=11)
    given["jobs"] = orm.Dict({**given["jobs"].get_dict(), "max_attempts": 10})
    return given


def content(node: ProcessNode) -> dict[str, Any]:
    """What a campaign came to: content of its tables, phases, ids that have more or less than one row."""
    from tests.campaigns.test_resilience import outcome

    said = outcome(node)
    for stage in said["summary"]["stages"].values():
        for key in ("core_minutes", "core_minutes_per_row"):
            stage.pop(key)  # of the potential they are measured
    return {
        "tables": {key: value for key, value in said.items() if key not in {"summary", "phases"}},
        "phases": said["phases"],
        "funnel": said["summary"]["funnel"],
    }


def rows(node: ProcessNode) -> tuple[int, int]:
    """Candidates without an outcome, and with several."""
    from aiida_mlhull.science.types import concatenate

    ids = Counter(name for table in node.outputs.outcomes.values() for name in table.to_science().ids.tolist())
    asked = concatenate([table.to_science() for table in node.inputs.candidates.values()]).ids.tolist()
    return sum(name not in ids for name in asked), sum(n > 1 for n in ids.values())


def programs(_: Any) -> list[Process]:
    """Jobs' programs of this profile, which have the daemon's folder of work as their own."""
    import psutil
    from aiida import orm

    work = str(orm.load_computer("localhost").get_workdir())
    return [
        process
        for process in psutil.process_iter(["cmdline", "cwd"])
        if (process.info["cwd"] or "").startswith(work) and any(JOBS in word for word in process.info["cmdline"] or ())
    ]


def ports(client: Any) -> list[int]:
    """From which the daemon's processes speak to servers; this benchmark's own connections are not among them."""
    from tests.campaigns.daemons import everything

    return [conn.laddr.port for one in everything(client) for conn in one.net_connections() if conn.laddr]


def connections(client: Any) -> list[int]:
    """The daemon's connections to PostgreSQL, ended by the server."""
    import psycopg

    from tests.services import POSTGRES

    with psycopg.connect(**POSTGRES, dbname="postgres") as server:
        query = "select pid from pg_stat_activity where client_port = any(%s)"
        found = [pid for (pid,) in server.execute(query, (ports(client),)).fetchall()]
        for pid in found:
            server.execute("select pg_terminate_backend(%s)", (pid,))
    return found


def backends(client: Any) -> list[int]:
    """One process of PostgreSQL that serves the daemon, by SIGKILL; returns when the server has recovered."""
    import psycopg

    from tests.services import POSTGRES

    query = "select pid from pg_stat_activity where client_port = any(%s) limit 1"
    server = psycopg.connect(**POSTGRES, dbname="postgres", autocommit=True)
    found = [pid for (pid,) in server.execute(query, (ports(client),)).fetchall()]
    for pid in found:
        os.kill(pid, signal.SIGKILL)
        with suppress(psycopg.OperationalError):
            while True:  # until this connection has ended with all others
                server.execute("select 1")
        wait_for_postgres(POSTGRES)
        give_up_connections()
    server.close()
    return found


def give_up_connections() -> None:
    """Those of this process to the profile's database, which PostgreSQL has ended or is to end."""
    from aiida.manage import get_manager
    from sqlalchemy.exc import OperationalError

    session: Any = get_manager().get_profile_storage().get_session()  # type: ignore[attr-defined]
    with suppress(OperationalError):  # what can't be rolled back any more is forgotten
        session.rollback()
    session.rollback()
    session.get_bind().dispose()


def brokers(client: Any) -> list[Process]:
    """The daemon's own broker."""
    from tests.campaigns.daemons import everything

    return [one for one in everything(client) if "broker" in " ".join(one.cmdline())]


def lost_channels(client: Any) -> list[str]:
    """Connections of this profile's daemon to RabbitMQ, cut by the server."""
    own = set(map(str, ports(client)))
    listing = ["rabbitmqctl", "-q", "list_connections", "pid", "peer_port"]
    listed = subprocess.run(listing, capture_output=True, text=True, check=False).stdout  # noqa: S603
    cut = [line.split()[0] for line in listed.splitlines() if line.split()[-1:] and line.split()[-1] in own]
    for pid in cut:
        subprocess.run([*listing[:2], "close_connection", pid, "benchmark"], check=False)  # noqa: S603
    return cut


def killing(*, on_services: bool, own_postgres: bool) -> dict[str, Callable[[Any], list[Any]]]:
    """What can be killed, by name; what a function returns is dead, or is to be killed."""
    from tests.campaigns.daemons import everything, worker

    def one_worker(client: Any) -> list[Process]:
        return [worker(client)]

    found = {"worker": one_worker, "daemon": everything, "job": programs}
    if own_postgres:
        found["backend"] = backends
    return found | ({"database": connections, "broker": lost_channels} if on_services else {"broker": brokers})


def kill_one(name: str, find: Callable[[Any], list[Any]], client: Any) -> bool:
    """Kill what there is of a kind, by SIGKILL where it is a process of ours; False if there was nothing."""
    import psutil
    from aiida.engine.daemon.client import DaemonException

    try:
        victims = find(client)
    except (psutil.Error, AssertionError, DaemonException):  # there is none at the moment
        return False
    if name == "job":
        victims = victims[:1]
    for victim in victims:
        if isinstance(victim, psutil.Process):
            try:
                os.kill(victim.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
    return bool(victims)


class Person:
    """Does what the documentation says: starts a daemon that is gone, restarts one under which nothing moves."""

    def __init__(self, client: Any) -> None:
        from tests.campaigns.daemons import changes

        self.client, self.seen, self.since, self.restarts = client, changes(), time.monotonic(), 0

    def look(self) -> None:
        """Once in a while."""
        from tests.campaigns.daemons import STILL, changes, everything, kill

        now = changes()
        if now != self.seen:
            self.seen, self.since = now, time.monotonic()
        if not self.client.is_daemon_running:
            self._start()
        elif time.monotonic() - self.since > STILL:
            kill(everything(self.client))  # verdi can't stop a daemon that doesn't answer
            self._repair()
            self._start()
            self.restarts += 1

    def _repair(self) -> None:
        """Hand on processes again whose task was lost; on PostgreSQL that ends all connections, so that ours is given up first."""
        give_up_connections()
        verdi = str(Path(sys.executable).with_name("verdi"))
        for words in (["daemon", "stop"], ["process", "repair", "--force"]):
            name = str(self.client.profile.name)
            subprocess.run([verdi, "-p", name, *words], check=False, capture_output=True)  # noqa: S603

    def _start(self) -> None:
        from tests.campaigns.daemons import start_after_a_kill

        try:
            start_after_a_kill(self.client)
        except Exception as error:  # noqa: BLE001  (whatever it is: a person tries again)
            print(f"the daemon doesn't start: {error}", file=sys.stderr)
            time.sleep(5)
        self.since = time.monotonic()


def run_one(
    client: Any, *, chance: random.Random, kills: int, kinds: dict[str, Callable[[Any], list[Any]]]
) -> dict[str, Any]:
    """One campaign with at most ``kills`` kills of what is named in ``kinds``, see :func:`killing`."""
    from aiida.engine import submit

    from aiida_mlhull.workflows.screen import Screen
    from tests.campaigns.daemons import changes

    node, person, began = submit(Screen, inputs()), Person(client), time.monotonic()
    done: list[str] = []
    following = time.monotonic() + chance.uniform(*BETWEEN)
    before = changes()
    while not node.is_terminated and time.monotonic() - began < PATIENCE:
        time.sleep(0.5)
        person.look()
        # Whatever was killed comes to life first, or a campaign would never end.
        if len(done) < kills and time.monotonic() > following and person.seen != before:
            name, find = chance.choice(sorted(kinds.items()))
            if kill_one(name, find, client):
                done.append(name)
                before = changes()
            following = time.monotonic() + chance.uniform(*BETWEEN)
    said: dict[str, Any] = {
        "pk": node.pk,
        "kills": dict(Counter(done)),
        "seconds": round(time.monotonic() - began, 1),
        "restarts": person.restarts,
        "ended": "well" if node.is_finished_ok else str(node.exit_message or node.process_state),
    }
    if node.is_finished_ok:
        jobs = [one for one in node.called_descendants if one.node_type.startswith("process.calculation.calcjob")]
        lost, doubled = rows(node)
        said |= {"content": content(node), "lost": lost, "doubled": doubled, "jobs": len(jobs)}
    return said


def measure(
    folder: Path, *, kills: int, on_services: bool, own_postgres: bool, seed: int, only: list[str]
) -> dict[str, Any]:
    """Peace first, then kills until there are enough of them."""
    from aiida.engine.daemon.client import get_daemon_client

    from tests.campaigns.daemons import everything, kill

    log = folder / "faults.jsonl"
    runs = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
    with ExitStack() as stack:
        if own_postgres:
            stack.enter_context(own_server())
        profile(folder, stack, on_services=on_services)
        client, kinds = get_daemon_client(), killing(on_services=on_services, own_postgres=own_postgres)
        kinds = {name: find for name, find in kinds.items() if name in (only or kinds)}
        client.start_daemon(timeout=120)
        try:
            while (left := kills - sum(sum(run["kills"].values()) for run in runs)) > 0 or not runs:
                chance = random.Random(seed + len(runs))
                run = run_one(client, chance=chance, kills=min(left, MOST) if runs else 0, kinds=kinds)
                runs.append(run)
                with log.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(run) + "\n")
                if runs[0]["ended"] != "well":
                    raise SystemExit(f"the campaign in peace ended otherwise than well: {runs[0]['ended']}")
        finally:
            kill(everything(client))
    return summary(runs)


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Figures of all campaigns against the first one, which ran in peace."""
    peace, *killed = runs
    ended = [run for run in killed if run["ended"] == "well"]
    return {
        "campaigns": len(killed),
        "kills": dict(sum((Counter(run["kills"]) for run in killed), Counter())),
        "ended_well": len(ended),
        "same_hull": sum(run["content"]["phases"] == peace["content"]["phases"] for run in ended),
        "same_tables": sum(run["content"] == peace["content"] for run in ended),
        "rows_lost": sum(run["lost"] for run in ended),
        "rows_doubled": sum(run["doubled"] for run in ended),
        "jobs_beyond": sum(run["jobs"] - peace["jobs"] for run in ended),
        "jobs": peace["jobs"],
        "restarts": sum(run["restarts"] for run in killed),
        "seconds_in_peace": peace["seconds"],
        "seconds_lost_per_kill": round(
            sum(run["seconds"] - peace["seconds"] for run in ended)
            / max(sum(sum(run["kills"].values()) for run in ended), 1),
            1,
        ),
        "not_well": [run["ended"] for run in killed if run["ended"] != "well"],
    }


def main() -> None:
    """Print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--json", action="store_true", help="print JSON (there is nothing else to print)")
    parser.add_argument("--kills", type=int, default=100, help="so many in all")
    parser.add_argument("--services", action="store_true", help="on PostgreSQL and RabbitMQ")
    parser.add_argument("--own-postgres", action="store_true", help="with --services: a PostgreSQL started for it")
    parser.add_argument("--only", nargs="*", default=[], help="kill nothing else: worker, daemon, job, backend ...")
    parser.add_argument("--seed", type=int, default=0, help="of what is killed, and when")
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    os.environ["AIIDA_PATH"] = str(asked.folder.resolve())
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    found = measure(
        asked.folder.resolve(),
        kills=asked.kills,
        on_services=asked.services,
        own_postgres=asked.services and asked.own_postgres,
        seed=asked.seed,
        only=asked.only,
    )
    print(json.dumps({"benchmark": "faults", "storage": "PostgreSQL" if asked.services else "SQLite", **found}))


if __name__ == "__main__":
    main()
