"""VASP for tests: the stand-in as it is, and its recorded runs, replayed without torch.

A recorded run is found by aiida-vasp's ``mock-vasp`` by what its INCAR, POSCAR and KPOINTS say. To record
what a new or changed test needs, run it once with the stand-in (extra ``potential``)::

    MLHULL_RECORD_VASP=1 pytest tests/engines -k the_test

and commit the new folders under ``tests/recorded_vasp``; delete those that no test asks for any more. Each
case has a folder of its own, because failures on request are no part of the inputs.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from aiida_mlhull.standin.potcars import write_placeholders

RECORDED: Final = Path(__file__).with_name("recorded_vasp")
RECORD: Final = "MLHULL_RECORD_VASP"
BIN: Final = Path(sys.executable).parent

FAMILY: Final = "a-few-placeholders"

Install = Callable[..., Any]
"""AiiDA's fixture ``aiida_code_installed``."""


def replayed(install: Install, folder: Path, case: str, *, faults: str = "") -> Any:
    """``mock-vasp`` with the recorded runs of one case.

    Args:
        install: AiiDA's fixture.
        folder: where scripts may be left.
        case: name of the folder under ``tests/recorded_vasp``.
        faults: failures that the runs were recorded with.
    """
    registry = RECORDED / case
    lines = [f"export PATH={BIN}:$PATH", f"export MOCK_VASP_REG_BASE={registry}"]
    if os.environ.get(RECORD):
        registry.mkdir(parents=True, exist_ok=True)
        recorder = _script(
            folder / "record.sh",
            [f"export MLHULL_STANDIN_FAULTS='{faults}'", "{ mlhull-vasp-standin || true; } 2> /dev/null"],
        )
        lines.append(f"export MOCK_VASP_VASP_CMD={recorder}")
    hint = f"this run is not recorded in {case}: see tests/vasp_codes.py"
    lines += ["mock-vasp || echo " + repr(hint), 'rm -f "$MOCK_VASP_REG_BASE"/*/out/_*']
    return install(
        label=f"replayed-{case}",
        filepath_executable=str(_script(folder / "replay.sh", lines)),
        default_calc_job_plugin="vasp.vasp",
    )


def standin(install: Install, folder: Path, *, faults: str = "") -> Any:
    """The stand-in, with a server that listens in ``folder`` and ends after some idle minutes.

    Args:
        install: AiiDA's fixture.
        folder: where the server may leave its files.
        faults: failures on request.
    """
    return install(
        label="vasp-standin",
        filepath_executable=str(BIN / "mlhull-vasp-standin"),
        default_calc_job_plugin="vasp.vasp",
        prepend_text=f"export MLHULL_STANDIN_SERVER=start MLHULL_STANDIN_HOME={folder} MLHULL_STANDIN_FAULTS='{faults}'",
    )


def placeholders(folder: Path, *names: str, family: str = FAMILY) -> str:
    """Label of a family with placeholders for potentials of these names; families only grow.

    Args:
        folder: where their files may be left.
        names: for instance ``Ti_pv``.
        family: its label.
    """
    from aiida_vasp.data.potcar import PotcarData

    write_placeholders(folder, names)
    PotcarData.upload_potcar_family(folder, family, "NOT VASP", stop_if_existing=False)
    return family


def _script(path: Path, lines: list[str]) -> Path:
    path.write_text("#!/bin/bash\n" + "\n".join(lines) + "\n")
    path.chmod(0o755)
    return path
