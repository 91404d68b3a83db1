"""pw.x itself, and a family of real pseudopotentials; tests that need them are skipped, loudly, where it is not there."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from aiida import orm

PSEUDOS = Path(__file__).parent / "pseudos"
FAMILY = "tests/pseudo-dojo-0.4.1"
CUTOFFS = {"Al": 15.0, "H": 30.0, "Mg": 15.0, "Si": 15.0}
"""Ry; low, for tests."""
OPTIONS = {
    "resources": {"num_machines": 1, "num_mpiprocs_per_machine": 1},
    "max_wallclock_seconds": 900,
    "withmpi": False,
}
PW_X = shutil.which("pw.x")
NO_PW = "REAL DFT IS NOT TESTED HERE: no pw.x on the PATH; 'apt-get install quantum-espresso' brings it on Debian"
PW_WITH_U = Path(os.environ.get("PW_WITH_U") or Path(__file__).parents[1] / ".pw-with-u" / "bin" / "pw.x")
"""pw.x 7.1 or later; 'make pw-with-u' brings 7.2."""
needs_pw = pytest.mark.skipif(PW_X is None, reason=NO_PW)

NO_U = "REAL DFT+U IS NOT TESTED HERE: 'make pw-with-u' brings a pw.x that reads U"
needs_u = pytest.mark.skipif(not PW_WITH_U.exists(), reason=NO_U)


def pw_code(aiida_code_installed: Any, program: Path | None = None) -> orm.InstalledCode:
    """pw.x of this machine, or another program, one thread."""
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    code: orm.InstalledCode = aiida_code_installed(
        label="pw" if program is None else "pw-with-u",
        filepath_executable=str(program or PW_X or "/usr/bin/pw.x"),
        default_calc_job_plugin="quantumespresso.pw",
    )
    code.computer.set_minimum_job_poll_interval(0.2)
    return code


def family() -> str:
    """The name of the family of all pseudopotentials beside the tests, with cutoffs; made if it isn't there."""
    from aiida_pseudo.data.pseudo import UpfData
    from aiida_pseudo.groups.family import CutoffsPseudoPotentialFamily

    if not orm.QueryBuilder().append(CutoffsPseudoPotentialFamily, filters={"label": FAMILY}).count():
        made = CutoffsPseudoPotentialFamily(label=FAMILY).store()
        made.add_nodes([UpfData.get_or_create(path).store() for path in sorted(PSEUDOS.glob("*.upf"))])
        pairs = {element: {"cutoff_wfc": wfc, "cutoff_rho": 4 * wfc} for element, wfc in CUTOFFS.items()}
        made.set_cutoffs(pairs, "low", unit="Ry")
    return FAMILY


def pw_inputs(aiida_code_installed: Any, program: Path | None = None, **options: Any) -> dict[str, Any]:
    """The engine's own inputs."""
    from aiida_mlhull.engines.quantumespresso.words import describe_family, load_family

    return {
        "code": pw_code(aiida_code_installed, program),
        "pseudo_family": orm.Dict(describe_family(load_family(family())).model_dump(mode="json")),
        "options": orm.Dict({**OPTIONS, **options}),
    }
