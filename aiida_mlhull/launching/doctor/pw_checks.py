"""Whether Quantum ESPRESSO can be used: pw.x, its computers, the families of pseudopotentials.

What a single campaign needs of them is checked by ``aiida-mlhull launch CAMPAIGN.YAML --dry-run``.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

from aiida_mlhull.launching.codes import LOCAL_TRANSPORT
from aiida_mlhull.launching.doctor.findings import GOOD, NOTE, PLUGIN_IS, Finding
from aiida_mlhull.launching.doctor.job_headers import last_version
from aiida_mlhull.science.errors import listed

PLUGIN: Final = "quantumespresso.pw"
SECONDS_TO_START: Final = 60
OUTPUTS: Final = ("aiida.out",)
LISTED: Final = 8
LAST_STABLE: Final = 83
"""Bismuth: families of pseudopotentials are expected to reach so far, at best."""
_VERSION: Final = re.compile(r"Program PWSCF v\.?(?P<version>\S+) starts")
_CARD_OF_U: Final = (7, 1)
"""The first version that reads U as aiida-quantumespresso writes it."""
_FERMI_LEVEL_IN_GAPS: Final = (7, 2)
"""The first version that finds it with cold smearing, see science/espresso/fermi_level.py."""


def check() -> Iterator[Finding]:
    """Codes and families; without a code for pw.x no one asks for pseudopotentials."""
    if find_spec("aiida_quantumespresso") is None:
        says = "aiida-quantumespresso is missing: no stage by the engine quantumespresso"
        yield Finding(NOTE, "pw.x", says, "pip install 'aiida-mlhull[qe]'")
        return
    known = codes()
    if not known:
        advice = f"install Quantum ESPRESSO, then: verdi code create core.code.installed (default plug-in {PLUGIN})"
        yield Finding(NOTE, "pw.x", "no code for pw.x: no stage by the engine quantumespresso", advice)
        return
    for code in known:
        yield _code(code)
    yield from _families()


def codes() -> list[Any]:
    """Codes for pw.x."""
    from aiida import orm

    query = orm.QueryBuilder().append(orm.InstalledCode, filters={"attributes.input_plugin": PLUGIN})
    return [code for code in query.all(flat=True) if not code.is_hidden]


def _code(code: Any) -> Finding:
    name, computer = f"{code.full_label}<{code.pk}>", code.computer
    if not computer.is_configured:
        advice = f"verdi computer configure {computer.transport_type} {computer.label}"
        return Finding(NOTE, "pw.x", f"{name}: computer {computer.label} is not configured", advice)
    if computer.transport_type != LOCAL_TRANSPORT:
        told = f"{PLUGIN_IS} {PLUGIN}, {last_version(code, OUTPUTS, _VERSION)}"
        says = f"{name}, {code.filepath_executable}, {told}; 'verdi computer test {computer.label}' tries it"
        return Finding(GOOD, "pw.x", says)
    return _local_program(name, Path(code.filepath_executable))


def _local_program(name: str, executable: Path) -> Finding:
    """Start the program without input, in a folder of its own: it says its version and leaves a file CRASH."""
    try:
        with tempfile.TemporaryDirectory() as folder:
            ran = subprocess.run(  # noqa: S603  (the code that campaigns run)
                [str(executable), "-in", "/dev/null"],
                cwd=folder,
                capture_output=True,
                timeout=SECONDS_TO_START,
                check=False,
                text=True,
            )
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding(NOTE, "pw.x", f"{name}: {executable} doesn't start: {error}", "verdi code create")
    found = _VERSION.search(ran.stdout)
    if found is None:
        return Finding(NOTE, "pw.x", f"{name}: {executable} doesn't state a version of PWSCF", "verdi code create")
    version = found["version"]
    numbers = tuple(int(number) for number in re.findall(r"\d+", version)[:2])
    lacks = []
    if numbers < _CARD_OF_U:
        lacks.append("calculates without U, which takes 7.1 or later")
    if numbers < _FERMI_LEVEL_IN_GAPS:
        lacks.append("insulators need 'smearing: gauss' before 7.2")
    words = f": {'; '.join(lacks)}" if lacks else ""
    return Finding(GOOD, "pw.x", f"{name}, {executable}, {PLUGIN_IS} {PLUGIN}, version {version}{words}")


def _families() -> Iterator[Finding]:
    """Every family, with its functional, its recommended cutoffs, and the elements that it lacks."""
    from pymatgen.core import Element

    from aiida_mlhull.engines.quantumespresso.words import describe_family, stored_families

    families = stored_families()
    if not families:
        advice = "aiida-pseudo install sssp, or your own files: aiida-pseudo install family FOLDER NAME -P pseudo.upf"
        yield Finding(NOTE, "pseudos", "no family of pseudopotentials", advice)
    wanted = [Element.from_Z(number).symbol for number in range(1, LAST_STABLE + 1)]
    for family in families:
        described = describe_family(family)
        says = f"{family.label}: {len(described.pseudos)} for {described.functional}"
        lacking = sorted(set(wanted) - described.pseudos.keys(), key=wanted.index)
        if lacking:
            says += f"; lacks {listed(lacking, LISTED)} of the elements up to bismuth"
        if described.stringency is None:
            advice = "aiida-pseudo family cutoffs set, or say ecutwfc in every stage"
            yield Finding(NOTE, "pseudos", f"{says}; recommends no cutoffs", advice)
        else:
            yield Finding(NOTE if lacking else GOOD, "pseudos", f"{says}; cutoffs: {described.stringency}")
