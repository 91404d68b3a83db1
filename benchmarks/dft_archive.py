"""An AiiDA archive of the phases that the campaign on real DFT has promoted: on its hull or within 25 meV/atom of it.

    python -m benchmarks.dft_archive FOLDER

The elements are relaxed again by ``references compute``, the phases from the coarse stage's cells by the last stage, both with
the campaign's own settings and pseudopotentials, in a profile below FOLDER. What was calculated, and from what, goes to
``FOLDER/promoted.aiida``; how far the energies lie from the record's is printed.
"""

# ruff: noqa: PLC0415  (AiiDA reads AIIDA_PATH when it is imported)

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
import pandas as pd
import yaml

from benchmarks.dft_campaign import FAMILY, PROFILE, campaign, make_family
from benchmarks.dft_order import NEAR, RESULTS, distances

GROUP: Final = "al-mg-si/promoted"


def promoted(rows: pd.DataFrame, elements: dict[str, float]) -> list[str]:
    """Ids of rows on or near the hull of the last stage."""
    final = rows.query("stage == 'final' and failure == ''")
    above = distances(final["formula"].astype(str).tolist(), final["energy_per_atom_ev"].to_numpy(), elements)
    return [str(name) for name in final["id"][above <= NEAR]]


def cells(rows: pd.DataFrame, names: list[str]) -> Any:
    """The cells that the coarse stage has left of some candidates."""
    from pymatgen.core import Lattice, Structure

    from aiida_mlhull.science.types import Candidates, Crystals

    before = rows.query("stage == 'coarse'").set_index("id").loc[names]
    structures = [
        Structure(Lattice(np.reshape(row.lattice, (3, 3))), list(row.numbers), np.reshape(row.frac_coords, (-1, 3)))
        for row in before.itertuples()
    ]
    return Candidates.from_rows(
        ids=names,
        formulas=before["formula"].astype(str).tolist(),
        crystals=Crystals.from_structures(structures),
        protostructures=[""] * len(names),
        origins=["coarse stage of the record"] * len(names),
    )


def calculate(folder: Path) -> dict[str, Any]:
    """Relax elements and phases, put them into a group, and compare them with the record."""
    from aiida import orm

    from aiida_mlhull.engines import ENGINES
    from aiida_mlhull.launching.codes import register_code, register_localhost
    from aiida_mlhull.launching.materials import elements as elemental

    computer, _ = register_localhost()
    program = shutil.which("pw.x")
    if program is None:
        sys.exit("no pw.x on the PATH")
    register_code(computer, Path(program), label="pw", default_calc_job_plugin="quantumespresso.pw")
    make_family()
    file = folder / "campaign.yaml"
    file.write_text(yaml.safe_dump(campaign("0"), sort_keys=False))
    stage, words = elemental.campaign_stage(file)
    record = json.loads((RESULTS / "summary.json").read_text())["references_ev_per_atom"]
    rows = pd.read_parquet(RESULTS / "stages.parquet")
    references = elemental.compute(list(record), stage, words)
    names = promoted(rows, record)
    labels = elemental.relaxed(cells(rows, names), stage, ENGINES[stage.engine].load_inputs(words))
    group, _ = orm.Group.collection.get_or_create(GROUP)
    group.add_nodes([references, labels])
    known, found = references.to_science(), labels.to_science()
    final = rows.query("stage == 'final'").set_index("id")["energy_per_atom_ev"]
    told = dict(zip(known.ids.tolist(), known.energies.tolist(), strict=True))
    return {
        "elements_off_mev": {name: round(1000 * (told[name] - record[name]), 6) for name in record},
        "phases_off_mev": {
            name: round(1000 * float(energy - final[name]), 6)
            for name, energy in zip(found.ids.tolist(), found.energies.tolist(), strict=True)
        },
        "family": FAMILY,
    }


def main() -> None:
    """Calculate, export, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["AIIDA_PATH"] = str(folder)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    tools = Path(sys.executable).parent
    if not (folder / ".aiida" / "config.json").exists():
        subprocess.run([tools / "verdi", "presto", "-p", PROFILE, "--use-zeromq", "-n"], check=True)  # noqa: S603
    from aiida import load_profile

    load_profile(PROFILE)
    print(json.dumps(calculate(folder), indent=1))
    target = str(folder / "promoted.aiida")
    subprocess.run([tools / "verdi", "archive", "create", "-f", "-G", GROUP, "--", target], check=True)  # noqa: S603


if __name__ == "__main__":
    main()
