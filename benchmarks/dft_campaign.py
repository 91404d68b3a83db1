"""A whole campaign on real DFT, whose labels no one knew before: all candidates through CHGNet and two stages of pw.x.

    python -m benchmarks.dft_campaign FOLDER start       # profile, pseudopotentials, references, candidates, campaign
    python -m benchmarks.dft_campaign FOLDER collect     # every stage's rows so far, as parquet, and a summary
    python -m benchmarks.dft_campaign RESULTS draw       # the phase diagram of what was collected

The first two can be called again at any time: what is there is kept, and a campaign whose daemon was stopped goes on with
``AIIDA_PATH=FOLDER verdi daemon start``. No gate: this is the exhaustive answer, which keep-rules are replayed on. The
settings are cheap ones (15-18 Ry, wide smearing, few k-points); SETTINGS is the record of them.
"""

# ruff: noqa: PLC0415  (AiiDA reads AIIDA_PATH when it is imported)

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PSEUDOS = Path(__file__).parents[1] / "tests" / "pseudos"
FAMILY = "pseudo-dojo-0.4.1-sr-no-core-correction"
CUTOFFS = {"H": 30.0, "Al": 18.0, "Mg": 18.0, "Si": 18.0}
"""Ry."""
NAME = "all through real DFT"
SEED = "1"
"""Of ten draws from Mg and Si, three are Mg2Si, antifluorite among them."""
PROFILE = "mlhull"
_PARAMETERS: dict[str, Any] = {
    "SYSTEM": {"degauss": 0.05},
    "ELECTRONS": {"mixing_beta": 0.7},
    "IONS": {"upscale": 10.0},
}
SETTINGS: dict[str, dict[str, Any]] = {
    "coarse": {
        "protocol": "fast",
        "ecutwfc": 15,
        "kpoints_distance": 0.6,
        "max_steps": 8,
        "restarts": 1,
        "parameters": _PARAMETERS,
        "options": {"max_wallclock_seconds": 1200, "withmpi": False},
    },
    "final": {
        "protocol": "fast",
        "kpoints_distance": 0.35,
        "conv_thr_per_atom": 1e-7,
        "etot_conv_thr_per_atom": 2e-4,
        "max_steps": 25,
        "restarts": 2,
        "parameters": {
            **_PARAMETERS,
            "CONTROL": {"forc_conv_thr": 2e-3},
            "CELL": {"press_conv_thr": 1.0},
        },
        "options": {"max_wallclock_seconds": 1800, "withmpi": False},
    },
}


def campaign(references: str) -> dict[str, Any]:
    """The campaign file."""
    stages = [
        {
            "name": "potential",
            "engine": "potential",
            "settings": {"relaxation": {"freedom": "full", "max_force": 0.03, "max_steps": 150}},
        },
        *({"name": name, "engine": "quantumespresso", "settings": own} for name, own in SETTINGS.items()),
    ]
    return {
        "name": NAME,
        "protocol": "potential",
        "seed": 1,
        "candidates": "candidates.parquet",
        "references": {"node": references},
        "engines": {"quantumespresso": {"code": "pw@localhost", "pseudo_family": FAMILY}},
        "jobs": {"max_in_flight": 3},
        "overrides": {"start": 1.0, "stages": stages},
    }


def start(folder: Path, elements: list[str], *, largest_cell: int, limit: int | None, foreground: bool) -> None:
    """Make whatever is missing, and submit the campaign unless it was submitted; or run it in this terminal."""
    import yaml

    program, tools = shutil.which("pw.x"), Path(sys.executable).parent
    if program is None:
        sys.exit("no pw.x on the PATH: 'apt-get install quantum-espresso' brings it on Debian and Ubuntu")
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".aiida" / "config.json").exists():
        subprocess.run([tools / "verdi", "presto", "-p", PROFILE, "--use-zeromq", "-n"], check=True)  # noqa: S603
        subprocess.run([tools / "aiida-mlhull", "setup"], check=True)  # noqa: S603
    from aiida import load_profile

    load_profile(PROFILE)
    from aiida_mlhull.launching.codes import register_code, register_localhost

    computer, _ = register_localhost()
    register_code(computer, Path(program), label="pw", default_calc_job_plugin="quantumespresso.pw")
    make_family()
    candidates, file = folder / "candidates.parquet", folder / "campaign.yaml"
    if not candidates.exists():
        size = ["--max-sites", str(largest_cell), "--seed", SEED, "--output", str(candidates)]
        size += [] if limit is None else ["--limit", str(limit)]
        subprocess.run([tools / "aiida-mlhull", "prototypes", *elements, *size], check=True)  # noqa: S603
    if not file.exists():
        print(f"\nReferences: {', '.join(elements)} by pw.x ...", flush=True)
        file.write_text(yaml.safe_dump(campaign(str(_references(file, elements))), sort_keys=False))
    if campaigns():
        return
    if foreground:
        print("\nCampaign: CHGNet, then two stages of pw.x for every candidate ...", flush=True)
        subprocess.run([tools / "aiida-mlhull", "launch", str(file), "--foreground"], check=True, cwd=folder)  # noqa: S603
        print(f"\nAsk further with 'AIIDA_PATH={folder} {tools / 'aiida-mlhull'} report', or 'phases', 'history ID'")
        return
    subprocess.run([tools / "verdi", "daemon", "start"], check=True)  # noqa: S603
    subprocess.run([tools / "aiida-mlhull", "launch", str(file)], check=True, cwd=folder)  # noqa: S603


def _references(file: Path, elements: list[str]) -> int:
    """Node of the elements' energies, by the settings of the campaign's last stage, which needs no references yet."""
    import yaml

    from aiida_mlhull.launching.materials import elements as elemental

    file.write_text(yaml.safe_dump(campaign("0"), sort_keys=False))
    try:
        stage, words = elemental.campaign_stage(file)
        return int(elemental.compute(elements, stage, words).pk)
    finally:
        file.unlink()


def make_family() -> None:
    """The pseudopotentials beside the tests, with the campaign's cutoffs, unless the profile has them."""
    from aiida import orm
    from aiida_pseudo.data.pseudo import UpfData
    from aiida_pseudo.groups.family import CutoffsPseudoPotentialFamily

    if orm.QueryBuilder().append(CutoffsPseudoPotentialFamily, filters={"label": FAMILY}).count():
        return
    family = CutoffsPseudoPotentialFamily(label=FAMILY).store()
    family.add_nodes([UpfData.get_or_create(path).store() for path in sorted(PSEUDOS.glob("*.upf"))])
    pairs = {element: {"cutoff_wfc": wfc, "cutoff_rho": 4 * wfc} for element, wfc in CUTOFFS.items()}
    family.set_cutoffs(pairs, "low", unit="Ry")


def campaigns() -> list[Any]:
    """All campaigns in the profile, oldest first."""
    from aiida import orm

    from aiida_mlhull import names

    query = orm.QueryBuilder().append(orm.WorkChainNode, filters=names.any_of(names.SCREEN))
    return list(query.order_by({orm.WorkChainNode: {"id": "asc"}}).all(flat=True))


def collect(output: Path) -> dict[str, Any]:
    """Rows of all stages that have come out so far, with cells and cost, as ``stages.parquet``; and a summary."""
    import pandas as pd
    from aiida import load_profile

    load_profile(PROFILE)
    node = campaigns()[-1]
    rows = [row for table, seconds in _tables(node) for row in _rows(table, seconds)]
    frame = pd.DataFrame(rows).drop_duplicates(["stage", "id"]).sort_values(["stage", "id"])
    output.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(output / "stages.parquet", index=False)
    references = node.inputs.references.to_science()
    state = str(node.process_state.value)
    summary = {
        "campaign": node.label,
        "complete": state == "finished" and node.is_finished_ok,
        "state": state,
        "candidates": sum(len(shard.to_science()) for shard in node.inputs.candidates.values()),
        "scheme": references.scheme,
        "references_ev_per_atom": dict(zip(references.ids.tolist(), references.energies.tolist(), strict=True)),
        "stages": {
            stage: {
                "rows": len(part),
                "failed": int((part["failure"] != "").sum()),
                "wall_core_seconds": round(float(part["core_minutes"].sum() * 60), 1),
                "cpu_seconds": round(float(part["cpu_seconds"].sum()), 1),
            }
            for stage, part in frame.groupby("stage")
        },
        "settings": node.inputs.settings.get_dict(),
    }
    (output / "summary.json").write_text(json.dumps(summary, indent=1) + "\n")
    return summary


def draw(results: Path) -> Path:
    """The phase diagram of the last stage's energies, from what :func:`collect` has written there."""
    import pandas as pd

    from aiida_mlhull.science.plots import MarkedPhases, draw_phase_diagram, make_diagram
    from aiida_mlhull.science.types import References

    rows = pd.read_parquet(results / "stages.parquet").query("stage == 'final' and failure == ''")
    elements = json.loads((results / "summary.json").read_text())["references_ev_per_atom"]
    known = References.from_rows(ids=[*elements], formulas=[*elements], energies=[*elements.values()])
    columns = [rows[name].to_numpy() for name in ("id", "formula", "energy_per_atom_ev")]
    kept = MarkedPhases(columns[0].astype(str), columns[1].astype(str), columns[2])
    path = results / "hull.png"
    draw_phase_diagram(make_diagram(known, kept=kept), title=f"{'-'.join(elements)} by pw.x").savefig(path)
    return path


def _tables(node: Any) -> list[tuple[Any, float | None]]:
    """Tables of single candidates that lanes have read, and whole tables of the potential's jobs."""
    from aiida_mlhull import names

    found = []
    for called in node.called_descendants:
        if names.READ_ESPRESSO.matches(called.process_type) and "labels" in called.outputs:
            found.append((called.outputs.labels.to_science(), _cpu_seconds(called)))
        elif names.RELAX.matches(called.process_type) and "labels" in called.outputs:
            found.append((called.outputs.labels.to_science(), None))
    return found


def _cpu_seconds(reading: Any) -> float:
    """Processor time by pw.x's own account: on a busy machine wall time tells of the neighbors."""
    for link in reading.base.links.get_incoming().all():
        if link.link_label == "output_parameters":
            job = link.node.creator
            text = job.outputs.retrieved.get_object_content(job.get_option("output_filename"))
            spent = re.findall(r"PWSCF\s+:\s+(?:(\d+)m\s*)?([\d.]+)s CPU", text)
            return sum(60 * float(minutes or 0) + float(seconds) for minutes, seconds in spent[-1:])
    return 0.0


def _rows(table: Any, seconds: float | None) -> list[dict[str, Any]]:
    return [
        {
            "id": str(table.ids[index]),
            "formula": str(table.formulas[index]),
            "stage": table.stage,
            "energy_per_atom_ev": float(table.energies[index]),
            "failure": str(table.failures[index]),
            "core_minutes": float(table.core_minutes[index]),
            "cpu_seconds": 60 * float(table.core_minutes[index]) if seconds is None else seconds,
            "lattice": table.crystals.arrays(index)[0].ravel().tolist(),
            "numbers": table.crystals.arrays(index)[1].tolist(),
            "frac_coords": table.crystals.arrays(index)[2].ravel().tolist(),
            "scheme": table.scheme,
        }
        for index in range(len(table))
    ]


def main() -> None:
    """Start or collect."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("action", choices=["start", "collect", "draw"])
    parser.add_argument("--elements", nargs="+", default=["Al", "Mg", "Si"])
    parser.add_argument("--largest-cell", type=int, default=3)
    parser.add_argument("--limit", type=int, help="so many candidates, drawn at random")
    parser.add_argument("--foreground", action="store_true", help="run here instead of giving it to the daemon")
    parser.add_argument("--output", type=Path)
    asked = parser.parse_args()
    os.environ["AIIDA_PATH"] = str(asked.folder.resolve())
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    if asked.action == "start":
        size = {"largest_cell": asked.largest_cell, "limit": asked.limit}
        start(asked.folder.resolve(), asked.elements, foreground=asked.foreground, **size)
    elif asked.action == "draw":
        print(draw(asked.folder))
    else:
        print(json.dumps(collect(asked.output or asked.folder / "results"), indent=1))


if __name__ == "__main__":
    main()
