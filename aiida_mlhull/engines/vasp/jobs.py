"""What a calculation by VASP has left in the graph."""

from __future__ import annotations

from typing import Final

from aiida import orm

from aiida_mlhull.job_pool.ended import retrieved_text
from aiida_mlhull.science.not_vasp import FUNCTIONAL, NOT_VASP, PROGRAM, other_functional

SCREEN_FILE: Final = "vasp_output"


class VaspJobs:
    """Reads calculations of aiida-vasp."""

    def screen(self, job: orm.CalcJobNode) -> str:
        """What VASP wrote to the screen."""
        return retrieved_text(job, SCREEN_FILE)

    def seconds(self, job: orm.CalcJobNode, screen: str) -> float | None:  # noqa: ARG002  (others look there)
        """Wall time by VASP's own account."""
        stats = (job.outputs.misc.get_dict().get("run_stats") or {}) if "misc" in job.outputs else {}
        elapsed = stats.get("elapsed_time")
        return None if elapsed is None else float(elapsed)

    def titles(self, job: orm.CalcJobNode) -> dict[str, str]:
        """Element to title, in the order of POTCAR."""
        kinds = [site.kind_name for site in job.inputs.structure.sites]
        potentials = {kind: job.inputs.potential[kind] for kind in dict.fromkeys(kinds)}
        return {potential.element: potential.title for potential in potentials.values()}

    def program(self, job: orm.CalcJobNode, screen: str) -> str:
        """Name and version; the stand-in says of itself that it is no VASP."""
        if NOT_VASP in screen or is_standin(job.inputs.code):
            incar = job.inputs.parameters.get_dict()
            other = other_functional(gga=str(incar.get("gga") or ""), metagga=str(incar.get("metagga") or ""))
            return f"{PROGRAM}, {NOT_VASP}" + (f": {FUNCTIONAL} instead of {other}" if other else "")
        version = job.outputs.misc.get_dict().get("version") if "misc" in job.outputs else None
        return f"vasp {version}" if version else ""


def is_standin(code: orm.AbstractCode) -> bool:
    """Whether a code is the stand-in, by the name of its program."""
    return PROGRAM in str(getattr(code, "filepath_executable", ""))
