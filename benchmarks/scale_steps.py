"""One step of ``benchmarks.scale`` in a process of its own: ``python -m benchmarks.scale_steps FOLDER SIZE STORAGE MODEL STEP``."""

# ruff: noqa: PLC0415  (AiiDA reads AIIDA_PATH when it is imported)

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import combinations
from pathlib import Path
from typing import Any, Final
from zlib import crc32

import numpy as np

from benchmarks.scale import MODELS
from benchmarks.scale_watch import Watch, peak_mib

METALS: Final = (
    "Li Na K Rb Be Mg Ca Sr Ba Al Ga In Sc Y Ti Zr V Cr Mn Fe Co Ni Cu Zn Cd Si Ge Sn".split()  # noqa: SIM905
)
ANIONS: Final = "N P As O S Se F Cl".split()  # noqa: SIM905
SHAPES: Final = ("{}{}{}", "{}{}{}2", "{}{}{}3", "{}2{}{}4", "{}{}2{}4")
SCHEME: Final = "a law of the elements"
GROUP: Final = "scale"
SEED: Final = 7
START: Final = 200
BATCH: Final = 100
ROUNDS: Final = 1
OWN: Final = 0.5
"""eV/atom between the best and the worst label of a formula."""
KNOWN: Final = 0.1
"""Of that, where a formula's known phase lies: one label in ten is better."""


def profile(folder: Path, storage: str, name: str) -> None:
    """Load the size's own profile, made if need be."""
    from aiida.manage.configuration import create_profile, get_config, load_profile

    from tests.services import POSTGRES

    config = get_config(create=True)
    if name not in config.profile_names:
        kind, where = "core.sqlite_dos", {"filepath": str(folder / "storage")}
        if storage == "postgresql":
            import psycopg

            with psycopg.connect(**POSTGRES, dbname="postgres", autocommit=True) as server:
                server.execute(f"create database {name}")
            kind = "core.psql_dos"
            where = {
                f"database_{key}name" if key in {"user", "host"} else f"database_{key}": value
                for key, value in POSTGRES.items()
            }
            where |= {
                "database_engine": "postgresql_psycopg",
                "database_name": name,
                "repository_uri": (folder / "files").as_uri(),
            }
        create_profile(config, name=name, email="benchmark@localhost", storage_backend=kind, storage_config=where)
        config.set_default_profile(name, overwrite=True)
        config.get_profile(name).set_option("runner.poll.interval", 1)
        config.store()
    load_profile(name)


def forget(name: str, storage: str) -> None:
    """Drop the database."""
    if storage == "postgresql":
        import psycopg

        from tests.services import POSTGRES

        with psycopg.connect(**POSTGRES, dbname="postgres", autocommit=True) as server:
            server.execute(f"drop database if exists {name} with (force)")


def disk_mb(folder: Path, storage: str, name: str) -> float:
    """Of database and repository."""
    total = sum(
        path.stat().st_size for part in ("storage", "files") for path in (folder / part).rglob("*") if path.is_file()
    )
    if storage == "postgresql":
        import psycopg

        from tests.services import POSTGRES

        with psycopg.connect(**POSTGRES, dbname="postgres") as server:
            total += server.execute("select pg_database_size(%s)", (name,)).fetchone()[0]
    return round(total / 1e6, 1)


def formulas() -> list[str]:
    """15,120 ternary ones, in a random order."""
    found = [shape.format(*metals, anion) for metals in combinations(METALS, 2) for anion in ANIONS for shape in SHAPES]
    return np.random.default_rng(SEED).permutation(found).tolist()


def stream(total: int) -> Iterator[Any]:
    """So many labels, formula by formula."""
    from aiida_mlhull.science.generators.base import GeneratorInput
    from aiida_mlhull.science.generators.enumeration import Enumeration, EnumerationSettings

    generator, left = Enumeration(EnumerationSettings(max_sites=8, max_positions=4)), total
    wanted = formulas()
    for first in range(0, len(wanted), 20):
        for shard in generator.shards(GeneratorInput(formulas=tuple(wanted[first : first + 20]))):
            rows = shard.candidates.take(range(min(left, len(shard.candidates))))
            yield rows
            left -= len(rows)
            if not left:
                return


def candidates(total: int) -> dict[str, Any]:
    """From the generator to nodes."""
    from aiida_mlhull.data.shards import store_shards

    nodes = store_shards(stream(total), group=GROUP)
    return {"shards": len(nodes), "rows": sum(node.n_rows for node in nodes)}


def shards() -> list[Any]:
    """The stored shards."""
    from aiida import orm

    return sorted(orm.load_group(GROUP).nodes, key=lambda node: node.pk)


def law(formulas: Any, labels: Any) -> Any:
    """eV/atom: what the elements gain by mixing, and something of the label's own."""
    own = np.array([crc32(label.encode()) % 1000 for label in labels.tolist()]) / 1000
    return mixing(formulas) + OWN * own


def mixing(formulas: Any) -> Any:
    """eV/atom: attraction of unlike elements."""
    from aiida_mlhull.science.representations.composition import fraction_matrix

    elements = [*METALS, *ANIONS]
    charge = np.concatenate([np.linspace(0.2, 1.0, len(METALS)), np.linspace(-1.5, -1.0, len(ANIONS))])
    parts = fraction_matrix(formulas.tolist(), elements)
    return np.square(parts @ charge) - parts @ np.square(charge)


def record() -> dict[str, Any]:
    """Results of all candidates, which the campaign looks up; no part of its cost."""
    from aiida_mlhull.data import LabelsData, ReferencesData
    from aiida_mlhull.science.representations.boxes import boxes_of_formulas
    from aiida_mlhull.science.types import Labels, References, concatenate

    whole = concatenate([node.to_science() for node in shards()])
    table = Labels(
        ids=whole.ids,
        formulas=whole.formulas,
        energies=law(whole.formulas, whole.protostructures),
        crystals=boxes_of_formulas(whole.formulas.tolist()),
        failures=np.full(len(whole), "", dtype=np.str_),
        core_minutes=np.full(len(whole), 100.0),
        stage="final",
        engine="recorded",
        scheme=SCHEME,
        cost_basis="nominal",
    )
    LabelsData.from_science(table, label="record").store()
    elements = sorted({*METALS, *ANIONS})
    phases = np.unique(whole.formulas)
    known = References.from_rows(
        ids=[*(f"element {one}" for one in elements), *(f"known {one}" for one in phases.tolist())],
        formulas=[*elements, *phases.tolist()],
        energies=np.concatenate([np.zeros(len(elements)), mixing(phases) + KNOWN * OWN]),
        scheme=SCHEME,
    )
    ReferencesData.from_science(known, label="elements").store()
    return {}


def campaign(model: str) -> dict[str, Any]:
    """Start set, two rounds, end, in this process; jobs are processes of their own."""
    from aiida import orm
    from aiida.engine import run_get_node

    from aiida_mlhull.data import LabelsData, ReferencesData
    from aiida_mlhull.launching.codes import ready_program
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.workflows.screen import Screen

    gate = {"rule": "two_sigma", "rule_settings": {"k": 1.2}, "rounds": ROUNDS, "batch": BATCH}
    settings = campaign_settings(
        {
            "name": GROUP,
            "seed": SEED,
            "start": START,
            "stages": [{"name": "final", "engine": "recorded", "core_minutes": 100, "gate": gate}],
            "ensemble": MODELS[model],
        }
    )

    def only(kind: Any) -> Any:
        return orm.QueryBuilder().append(kind).order_by({kind: {"id": "asc"}}).first(flat=True)

    inputs = {
        "code": ready_program(),
        "candidates": {f"shard_{index:03d}": node for index, node in enumerate(shards())},
        "references": only(ReferencesData),
        "engines": {"recorded": {"record": only(LabelsData)}},
        "settings": orm.Dict(settings.model_dump(mode="json")),
        "jobs": orm.Dict({"members_per_job": settings.ensemble.members, "max_in_flight": 2}),
        "metadata": {"label": GROUP},
    }
    with Watch(Path(os.environ["AIIDA_PATH"]).parent / "calls.jsonl") as watch:
        node = run_get_node(Screen, **inputs)[1]
    if not node.is_finished_ok:
        raise SystemExit(f"{node.exit_status} {node.exit_message}")
    jobs = [one.outputs.results.get_dict() for one in node.called_descendants if isinstance(one, orm.CalcJobNode)]
    return {
        "relaxed": node.outputs.summary["funnel"]["relaxed"],
        "steps": watch.steps(),
        "longest_holds": watch.longest(),
        "jobs": len(jobs),
        "job_seconds": round(sum(one["wall_seconds"] for one in jobs), 1),
        "longest_job_seconds": max(one["wall_seconds"] for one in jobs),
        "job_peak_mib": max(one["peak_memory_mib"] for one in jobs),
    }


def commands() -> dict[str, Any]:
    """Seconds and memory of every question, each in a process of its own."""
    from aiida_mlhull.graph.campaign import Campaign

    asked = Campaign()
    outcomes = asked.node.outputs.outcomes
    last = outcomes[max(outcomes)].to_science()
    relaxed, dropped = str(asked.results().ids[0]), str(last.ids[~last.keep][-1])
    page = Path(os.environ["AIIDA_PATH"]).parent / "page.html"
    questions = {
        "status --all": ["status", "--all"],
        "status PK": ["status", str(asked.pk)],
        "history, relaxed": ["history", relaxed],
        "history, rejected": ["history", dropped],
        "rejected": ["rejected", "--round", "1"],
        "report": ["report"],
        "report --html": ["report", "--html", str(page)],
        **{
            f"verdi data {kind} list": ["verdi", "data", f"mlhull-{kind}", "list"]
            for kind in ("candidates", "predictions", "decisions", "labels")
        },
    }
    found: dict[str, Any] = {}
    for name, words in questions.items():
        ran = subprocess.run(  # noqa: S603
            [sys.executable, "-m", "benchmarks.scale_watch", *words], stdout=subprocess.PIPE, text=True, check=False
        )
        found[name] = json.loads(ran.stdout.splitlines()[-1]) if ran.returncode == 0 else None
    return {"questions": found, "page_mb": round(page.stat().st_size / 1e6, 2) if page.exists() else None}


def main() -> None:
    """Do one step, and print what it has cost as the last line."""
    folder, size, storage, model, step = Path(sys.argv[1]), int(sys.argv[2]), *sys.argv[3:]
    name = f"scale_{size}_{model}"
    if step == "forget":
        forget(name, storage)
        return
    profile(folder, storage, name)
    begun, used = time.perf_counter(), time.process_time()
    todo: dict[str, Callable[[], dict[str, Any]]] = {
        "candidates": lambda: candidates(size),
        "record": record,
        "campaign": lambda: campaign(model),
        "commands": commands,
    }
    found = todo[step]()
    cost = {
        "wall_s": round(time.perf_counter() - begun, 2),
        "cpu_s": round(time.process_time() - used, 2),
        "peak_mib": peak_mib(),
        "disk_mb": disk_mb(folder, storage, name),
    }
    print(json.dumps(cost | found))


if __name__ == "__main__":
    main()
