"""Strain crystals with a potential in this process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull.launching.running import Progress, run_here, silent

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.strain.grid import StrainSettings
    from aiida_mlhull.science.types import Candidates, References


def strain_crystals(
    crystals: Candidates,
    settings: StrainSettings,
    *,
    references: References | None = None,
    freedom: str = "positions",
    max_force: float = 0.01,
    processes: int = 1,
    progress: Progress = silent,
) -> orm.ProcessNode:
    """Run ``mlhull.strain`` with the engine ``potential``.

    Args:
        crystals: unstrained cells.
        settings: of the grid.
        references: known phases for a hull; None for none.
        freedom: ``positions``, ``static``, or ``normal`` for films whose third vector is free.
        max_force: eV/Å.
        processes: of the job.
        progress: is called with every report.

    Raises:
        InputError: if the inputs don't fit together.
        CampaignFailedError: if it ends without a response.
        StoppedError: if it is interrupted.
    """
    from aiida import orm

    from aiida_mlhull.data import CandidatesData, ReferencesData
    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.launching.codes import ready_program
    from aiida_mlhull.science.errors import CampaignFailedError, InputError
    from aiida_mlhull.workflows.strain import Strain, check_inputs

    relaxation = {"freedom": freedom, "max_force": max_force, "max_steps": 300, "must_converge": True}
    inputs: dict[str, Any] = {
        "crystals": CandidatesData.from_science(crystals),
        "settings": orm.Dict(settings.model_dump(mode="json")),
        "stage": orm.Dict(
            {"name": "strain", "engine": "potential", "settings": {"volume": "as_given", "relaxation": relaxation}}
        ),
        "jobs": orm.Dict(JobSettings(processes=processes).model_dump()),
        "engines": {"potential": {"code": ready_program()}},
    }
    if references is not None:
        inputs["references"] = ReferencesData.from_science(references)
    refusal = check_inputs(inputs, None)
    if refusal is not None:
        raise InputError(refusal)
    builder = Strain.get_builder()
    for name, value in inputs.items():
        builder[name] = value
    builder["metadata"]["label"] = f"strain of {_shortened(crystals.ids.tolist())}"
    node = run_here(builder, progress=progress)
    if not node.is_finished_ok:
        raise CampaignFailedError(f"{node.exit_message}; see 'verdi process report {node.pk}'")
    return node


def _shortened(names: Sequence[str]) -> str:
    from aiida_mlhull.science.errors import listed

    return listed(names, 3)


def draw(node: orm.ProcessNode, path: Path) -> None:
    """What :func:`strain_crystals` has found as a picture."""
    from aiida_mlhull.science.plots.strain import draw_strain
    from aiida_mlhull.science.strain.grid import StrainSettings
    from aiida_mlhull.science.strain.response import responses

    settings = StrainSettings.model_validate(node.inputs.settings.get_dict())
    references = node.inputs.references.to_science() if "references" in node.inputs else None
    names = node.inputs.crystals.to_science().ids.tolist()
    found = responses(node.outputs.labels.to_science(), settings, names=names, references=references)
    draw_strain(found, settings, title=node.label).savefig(path)
