"""What a campaign would do, in words: the dry run of a campaign that was checked whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from aiida_mlhull import names
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.launching.inputs import CampaignInputs
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.campaign.plan import Existing


def describe(
    settings: CampaignSettings,
    jobs: JobSettings,
    inputs: CampaignInputs,
    nodes: Mapping[str, Any],
    code: orm.AbstractCode,
    *,
    there: Mapping[str, Existing],
) -> str:
    """What would be screened and relaxed, at what cost, and what would be stored; see ``PreparedCampaign``."""
    total = len(inputs.candidates)
    asked = tuple(nodes.get(names.PROPERTIES, ()))
    stages = _stages(settings, jobs, there, total=total, shards=len(nodes["candidates"]), properties=asked)
    return "\n\n".join(["\n".join(inputs.remarks), _material(settings, inputs, code), stages, _nodes(settings, nodes)])


def shown(settings: CampaignSettings, inputs: CampaignInputs, engines: Mapping[str, Any]) -> str:
    """What the calculation of one candidate, the first in order, would be given in every stage."""
    import numpy as np

    from aiida_mlhull.engines import ENGINES

    row = inputs.candidates.take(np.arange(1))
    parts = []
    for index, stage in enumerate(settings.stages):
        cell = (
            "its unrelaxed cell"
            if index == 0
            else f"its unrelaxed cell, instead of what {settings.stages[index - 1].name} makes of it"
        )
        head = f"Stage {stage.name}, engine {stage.engine}: {row.ids[0]}, {row.formulas[0]}, with {cell}"
        parts.append(f"{head}\n\n{ENGINES[stage.engine].shown(stage, engines[stage.engine], row)}")
    return "\n\n".join(parts)


def _material(settings: CampaignSettings, inputs: CampaignInputs, code: orm.AbstractCode) -> str:
    from aiida_mlhull.science.errors import listed
    from aiida_mlhull.science.tables.summary import summarize

    facts, references = summarize(inputs.candidates), inputs.references
    systems = facts["chemical_systems"]
    shown = f": {listed(systems)}" if systems else ""
    models = [
        ("models" if place == 0 else "", f"{f'{name}: ' if name else ''}{one.members} x {one.model}, {one.cells} cells")
        for place, (name, one) in enumerate(settings.by_name.items())
    ]
    asked = any(stage.gate is not None for stage in settings.stages)
    return "\n".join(
        [
            f"Campaign {settings.name}, seed {settings.seed}",
            text.pairs(
                [
                    ("candidates", facts["n_rows"]),
                    ("compositions", facts["n_compositions"]),
                    ("systems", f"{facts['n_chemical_systems']}{shown}"),
                    ("references", f"{len(references):,}, {references.scheme}"),
                    *(models if asked else []),
                    ("program", f"{code.full_label}<{code.pk}>"),
                ]
            ),
        ]
    )


def _stages(
    settings: CampaignSettings,
    jobs: JobSettings,
    there: Mapping[str, Existing],
    *,
    total: int,
    shards: int,
    properties: tuple[str, ...],
) -> str:
    from aiida_mlhull.science.campaign.plan import jobs_at_most, nominal_core_minutes, plan

    stages = plan(settings, total=total, there=there)
    rows = [
        (
            stage.name,
            stage.engine,
            f"{stage.gate}, {text.count(stage.rounds, 'round')}" if stage.gate else "all",
            stage.at_least,
            stage.at_most,
            text.core_minutes(stage.core_minutes) if stage.core_minutes else "measured",
        )
        for stage in stages
    ]
    least, most, without = nominal_core_minutes(stages, total=total)
    most_jobs = jobs_at_most(
        stages,
        settings,
        shards=shards,
        members_per_job=jobs.members_per_job,
        rows_per_job=jobs.rows_per_job,
        properties=properties,
    )
    lines = [
        "Relaxations (models may drop candidates, crystals that become the same are merged)",
        text.table(("stage", "engine", "admits", "at least", "at most", "core-min each"), rows, indent="  "),
    ]
    if most_jobs:
        lines.append(f"  jobs of models and potentials: at most {most_jobs:,}, {jobs.max_in_flight} at a time")
    if without:
        lines.append(
            f"  nominal core-minutes: {text.core_minutes(least)} to {text.core_minutes(most)}; "
            f"{text.core_minutes(without)} without models"
        )
    return "\n".join(lines)


def _nodes(settings: CampaignSettings, nodes: Mapping[str, Any]) -> str:
    tables = {**nodes["candidates"], "references": nodes["references"]}
    if "record" in nodes and any(stage.engine == "recorded" for stage in settings.stages):
        tables["record"] = nodes["record"]
    tables |= {f"record of {stage}": node for stage, node in nodes.get("levels", {}).items()}
    tables |= {f"results of {stage}": node for stage, node in nodes.get("results", {}).items()}
    new: list[tuple[str, str, int | None]] = [
        (node.entry_point.name, name, node.n_rows) for name, node in tables.items() if not node.is_stored
    ]
    new += [("core.dict", "settings", None), ("core.dict", "jobs", None), ("WorkChain", names.SCREEN.entry_point, None)]
    to_store = "Nodes to be stored\n" + text.table(("type", "name", "rows"), new, indent="  ")
    old = [f"{name} {node.pk}" for name, node in tables.items() if node.is_stored]
    return f"{to_store}\n\nStored already: {', '.join(old)}" if old else to_store
