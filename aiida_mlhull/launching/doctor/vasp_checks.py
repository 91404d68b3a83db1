"""Whether VASP can be used: its codes, their computers, the potentials.

What a single campaign needs of them is checked by ``aiida-mlhull launch CAMPAIGN.YAML --dry-run``.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from aiida_mlhull.launching.codes import LOCAL_TRANSPORT
from aiida_mlhull.launching.doctor import standin
from aiida_mlhull.launching.doctor.findings import GOOD, NOTE, PLUGIN_IS, Finding
from aiida_mlhull.launching.doctor.job_headers import last_version
from aiida_mlhull.science.errors import listed
from aiida_mlhull.science.not_vasp import NOT_VASP
from aiida_mlhull.standin.folder import FAULTS

LISTED: Final = 5
SECONDS_TO_START: Final = 60
OUTPUTS: Final = ("vasprun.xml", "OUTCAR")
_TOLD: Final = re.compile(r'(?:name="version"[^>]*>|^\s*vasp\.)(?P<version>[^<\n]+)')
DRY_RUN: Final = "'aiida-mlhull launch CAMPAIGN.YAML --dry-run' says whether a campaign's are there"


def check() -> Iterator[Finding]:
    """Codes and families of potentials; without a code for VASP no potentials are needed."""
    known = codes()
    if not known:
        advice = "verdi code create core.code.installed, or to rehearse: aiida-mlhull setup --stand-in"
        yield Finding(NOTE, "vasp", "no code for VASP: no stage by the engine vasp", advice)
    for code in known:
        yield _standin(code) if standin.is_standin(code) else _vasp(code)
    if known:
        yield from _potentials()
    if asked := os.environ.get(FAULTS):
        yield Finding(NOTE, "vasp", f"the stand-in is asked to fail: {asked}", f"unset {FAULTS}")


def codes() -> list[Any]:
    """Codes for VASP, the stand-in among them."""
    from aiida import orm

    query = orm.QueryBuilder().append(
        orm.InstalledCode,
        filters={"or": [{"attributes.input_plugin": standin.PLUGIN}, {"label": standin.LABEL}]},
    )
    return [code for code in query.all(flat=True) if not code.is_hidden]


def _vasp(code: Any) -> Finding:
    """Whether jobs could be sent to VASP; the program itself is not started."""
    name, computer = f"{code.full_label}<{code.pk}>", code.computer
    if not computer.is_configured:
        advice = f"verdi computer configure {computer.transport_type} {computer.label}"
        return Finding(NOTE, "vasp", f"{name}: computer {computer.label} is not configured", advice)
    if computer.transport_type == LOCAL_TRANSPORT and not Path(code.filepath_executable).exists():
        return Finding(NOTE, "vasp", f"{name}: {code.filepath_executable} is not there", "verdi code create")
    says = f"{name}, {code.filepath_executable}, {PLUGIN_IS} {code.default_calc_job_plugin}, {_version(code)}"
    return Finding(GOOD, "vasp", f"{says}; 'verdi computer test {computer.label}' tries it")


def _standins_version(code: Any) -> str:
    """The stand-in can be asked where it is on this machine."""
    if code.computer.transport_type != LOCAL_TRANSPORT:
        return _version(code)
    try:
        asked = subprocess.run(  # noqa: S603  (the code that campaigns run)
            [str(code.filepath_executable), "--version"],
            capture_output=True,
            timeout=SECONDS_TO_START,
            check=False,
            text=True,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"which doesn't start: {error}"
    return f"version {asked.stdout.strip()}" if asked.returncode == 0 else "which doesn't tell its version"


def _version(code: Any) -> str:
    """VASP has no option for it and refuses to start without input: jobs' outputs tell."""
    return last_version(code, OUTPUTS, _TOLD)


def _standin(code: Any) -> Finding:
    """Its results must not be mistaken for VASP's."""
    name = f"{code.full_label}<{code.pk}> is a stand-in"
    if find_spec("chgnet") is None and code.computer.transport_type == LOCAL_TRANSPORT:
        return Finding(NOTE, "vasp", f"{name} and lacks its potential", "pip install 'aiida-mlhull[potential]'")
    advice = "name the code of VASP itself in campaigns whose results count"
    says = f"{name}, {PLUGIN_IS} {code.default_calc_job_plugin}, {_standins_version(code)}; {standin.WARNING}"
    return Finding(NOTE, "vasp", says, advice)


def _potentials() -> Iterator[Finding]:
    """Every family, and what the Materials Project's PBE calculations name that it lacks."""
    from aiida_mlhull.standin.potcars import FAMILY

    families = _families()
    if not families:
        advice = "aiida-vasp potcar uploadfamily, or to rehearse: aiida-mlhull setup --stand-in"
        yield Finding(NOTE, "potentials", "no family of potentials: no stage by the engine vasp", advice)
    wanted = _materials_project()
    for family, names in sorted(families.items()):
        says = f"{family}: {len(names)}"
        if family == FAMILY:
            says += f" placeholders without potentials, {NOT_VASP}"
        lacking = sorted(wanted - names)
        if lacking:
            few = f"{len(lacking)} of the {len(wanted)} that the Materials Project names: {listed(lacking, LISTED)}"
            yield Finding(NOTE, "potentials", f"{says}; lacks {few}", DRY_RUN)
        else:
            yield Finding(NOTE if family == FAMILY else GOOD, "potentials", says)


def _families() -> dict[str, set[str]]:
    """Labels of the families, with their potentials' names."""
    from aiida import orm
    from aiida_vasp.data.potcar import PotcarData, PotcarGroup

    families: dict[str, set[str]] = {
        label: set() for label in orm.QueryBuilder().append(PotcarGroup, project="label").all(flat=True)
    }
    query = orm.QueryBuilder().append(PotcarGroup, project="label", tag="family")
    query.append(PotcarData, with_group="family", project="attributes.full_name")
    for label, name in query.iterall():
        families[label].add(name)
    return families


def _materials_project() -> set[str]:
    """Names of the potentials that pymatgen's MPRelaxSet takes."""
    from pymatgen.io.vasp.sets import MPRelaxSet

    return set(MPRelaxSet.CONFIG["POTCAR"].values())
