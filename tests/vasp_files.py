"""INCAR, KPOINTS, POSCAR's head and POTCAR's titles as aiida-vasp writes them into a job's folder.

The regression files are made anew by ``python -m tests.vasp_files``; look at every line that changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from aiida_mlhull.science.vasp import PROTOCOLS

FOLDER: Final = Path(__file__).with_name("engines") / "vasp_files"
TITLE: Final = "TITEL"
HEAD: Final = slice(5, 7)
"""Lines of POSCAR that name the species and count their sites."""


def written(code: Any, family: str, structure: Any, *, protocol: str, step: str) -> str:
    """What a calculation of ``structure`` would find in its folder, one file after the other.

    Args:
        code: any code of VASP's plugin.
        family: label of a family of potentials.
        structure: pymatgen's.
        protocol: name of the protocol.
        step: of the protocol.
    """
    from aiida import orm
    from aiida.common.folders import SandboxFolder
    from aiida.engine.utils import instantiate_process
    from aiida.manage import get_manager
    from aiida.plugins import CalculationFactory
    from aiida_vasp.data.potcar import PotcarData

    from aiida_mlhull.calculations.vasp import prepare_vasp
    from aiida_mlhull.data import CandidatesData
    from tests.science.vasp.crystals import candidate

    stage = orm.Dict({"name": step, "engine": "vasp", "settings": {"protocol": protocol}})
    # The function behind the calcfunction, and a process without provenance: fifty of them needn't be stored.
    made = prepare_vasp.__wrapped__(CandidatesData.from_science(candidate(structure)), stage, orm.Str("one"))
    names = made["potentials"].get_dict()
    process = instantiate_process(
        get_manager().get_runner(),
        CalculationFactory("vasp.vasp"),
        code=code,
        structure=made["structure"],
        parameters=orm.Dict(made["parameters"]["incar"]),
        kpoints=made["kpoints"],
        potential=PotcarData.get_potcars_from_structure(made["structure"], family, names),
        metadata={
            "store_provenance": False,
            "dry_run": True,
            "options": {"resources": {"num_machines": 1, "num_mpiprocs_per_machine": 1}},
        },
    )
    with SandboxFolder() as folder:
        process.prepare_for_submission(folder)
        texts = {name: Path(folder.get_abs_path(name)).read_text() for name in ("INCAR", "KPOINTS", "POSCAR", "POTCAR")}
    titles = [line.split("=")[1].split()[1] for line in texts["POTCAR"].splitlines() if TITLE in line]
    species = "\n".join(" ".join(line.split()) for line in texts["POSCAR"].splitlines()[HEAD])
    return (
        f"=== INCAR\n{texts['INCAR'].strip()}\n=== KPOINTS\n{texts['KPOINTS'].strip()}\n"
        f"=== POSCAR\n{species}\n=== POTCAR\n{' '.join(titles)}\n"
    )


def path_of(protocol: str, step: str, crystal: str) -> Path:
    """Where the regression file is."""
    return FOLDER / protocol / f"{step}_{crystal}.txt"


def steps() -> list[tuple[str, str]]:
    """Every protocol with each of its steps."""
    return [(protocol, step) for protocol in PROTOCOLS.names() for step in PROTOCOLS.load(protocol)["steps"]]


def main() -> None:
    """Write all regression files anew."""
    import tempfile

    from aiida import orm
    from aiida.manage.configuration import load_profile
    from aiida.storage.sqlite_temp import SqliteTempBackend

    from tests.science.vasp.crystals import CRYSTALS
    from tests.vasp_codes import placeholders

    load_profile(SqliteTempBackend.create_profile(debug=False), allow_switch=True)
    computer = orm.Computer(
        label="here", hostname="localhost", transport_type="core.local", scheduler_type="core.direct", workdir="/tmp"
    ).store()
    code = orm.InstalledCode(label="vasp", computer=computer, filepath_executable="/bin/true").store()
    with tempfile.TemporaryDirectory() as folder:
        family = placeholders(Path(folder), *POTENTIALS)
    for protocol, step in steps():
        for name, make in CRYSTALS.items():
            path = path_of(protocol, step, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(written(code, family, make(), protocol=protocol, step=step))


POTENTIALS: Final = ("Al", "Bi", "Cl", "Fe_pv", "La", "Mg_pv", "N", "O", "Pt", "Ti_pv")

if __name__ == "__main__":
    main()
