"""VASP's input files as they will lie in a calculation's folder, for people to read before anything runs."""

from __future__ import annotations

from typing import Any

from aiida_mlhull.science.vasp.inputs import VaspInputs


def written(made: VaspInputs) -> dict[str, str]:
    """INCAR, KPOINTS, the names of the potentials in the order of POTCAR, and POSCAR, by file.

    Args:
        made: of :func:`~aiida_mlhull.science.vasp.inputs.vasp_inputs`.
    """
    from pymatgen.io.vasp.inputs import Incar, Kpoints, Poscar  # noqa: PLC0415  (slow import)

    tags: dict[str, Any] = {tag.upper(): value for tag, value in made.incar.items()}
    mesh = Kpoints(
        comment="made by aiida-mlhull", style=Kpoints.supported_modes.Gamma, kpts=[made.mesh], kpts_shift=made.shift
    )
    return {
        "INCAR": Incar(tags).get_str(sort_keys=True, pretty=True).rstrip(),
        "KPOINTS": str(mesh).rstrip(),
        "POTCAR": " ".join(made.potentials.values()),
        "POSCAR": Poscar(made.structure).get_str().rstrip(),
    }
