"""What a calculation by pw.x has left in the graph."""

from __future__ import annotations

from aiida import orm

from aiida_mlhull.job_pool.ended import retrieved_text
from aiida_mlhull.science.espresso.progress import seconds_spent


class EspressoJobs:
    """Reads calculations of aiida-quantumespresso."""

    def screen(self, job: orm.CalcJobNode) -> str:
        """What pw.x wrote to its output, and its last words if it crashed."""
        return retrieved_text(job, job.get_option("output_filename")) + retrieved_text(job, "CRASH")

    def seconds(self, job: orm.CalcJobNode, screen: str) -> float | None:
        """Wall time by pw.x's own account; the processor's if it did not come to its end."""
        parsed = job.outputs.output_parameters.get_dict() if "output_parameters" in job.outputs else {}
        spent = parsed.get("wall_time_seconds")
        return float(spent) if spent is not None else seconds_spent(screen)

    def titles(self, job: orm.CalcJobNode) -> dict[str, str]:
        """Element to file and checksum of its pseudopotential."""
        pseudos = job.inputs.pseudos
        return {pseudos[kind].element: f"{pseudos[kind].filename} {pseudos[kind].md5}" for kind in pseudos}

    def program(self, job: orm.CalcJobNode, screen: str) -> str:  # noqa: ARG002  (others look there)
        """Name and version, by the file with the results."""
        parsed = job.outputs.output_parameters.get_dict() if "output_parameters" in job.outputs else {}
        version = parsed.get("creator_version")
        return f"Quantum ESPRESSO {version}" if version else ""
