"""Elemental references with the settings of a campaign's last stage: what no published table can give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import yaml

from aiida_mlhull.launching.running import Progress, run_here, silent
from aiida_mlhull.science.errors import EngineFailedError, SettingsError, listed

if TYPE_CHECKING:
    from aiida_mlhull.data import LabelsData, ReferencesData
    from aiida_mlhull.science.campaign.settings import StageSettings
    from aiida_mlhull.science.generators.ground_states import ElementalCell
    from aiida_mlhull.science.types import Candidates, Decisions

RULE: Final = "elements"


def campaign_stage(path: Path, *, engine: str | None = None) -> tuple[StageSettings, dict[str, Any]]:
    """The last stage of a campaign file, and what stands there about its engine; its references need not exist yet.

    Args:
        path: the campaign file.
        engine: take the last stage by this engine; None takes the last one.

    Raises:
        SettingsError: if the file can't be read or has no such stage.
    """
    from aiida_mlhull.science.campaign.settings import campaign_settings

    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise SettingsError(f"{path}: {error}") from error
    if not isinstance(content, Mapping):
        raise SettingsError(f"{path} is not a campaign file: a mapping of keys is expected")
    stages = campaign_settings(content.get("overrides") or {}, protocol=content.get("protocol")).stages
    fitting = [stage for stage in stages if engine is None or stage.engine == engine]
    if not fitting:
        raise SettingsError(
            f"{path} has no stage by the engine {engine}; its stages: {listed(s.engine for s in stages)}"
        )
    return fitting[-1], dict((content.get("engines") or {}).get(fitting[-1].engine) or {})


def compute(
    elements: Sequence[str], stage: StageSettings, words: Mapping[str, Any], *, progress: Progress = silent
) -> ReferencesData:
    """Relax the elements' ground states in this process, and store them as a snapshot of references.

    Crystals relax as the stage has it; molecules in their box at a fixed cell.

    Args:
        elements: symbols.
        stage: whose settings are taken; its engine has to calculate.
        words: what stands in a campaign file about the engine.
        progress: is called with every report.

    Raises:
        InputError: if an element, the engine or a setting doesn't allow it.
        EngineFailedError: if a relaxation gave no energy; the message names elements and reasons.
    """
    from aiida import orm

    from aiida_mlhull.calculations.snapshot import gather_references
    from aiida_mlhull.engines import ENGINES
    from aiida_mlhull.science.generators.ground_states import elemental_cells

    engine = ENGINES[stage.engine]
    if not engine.measures_cost:
        raise SettingsError(f"the engine {stage.engine} looks results up and can't compute any")
    cells = elemental_cells(elements)
    inputs = engine.load_inputs(words)
    parts = {"crystals": (stage, [cell for cell in cells if not cell.is_molecule])}
    fixed = stage.model_copy(update={"settings": {**stage.settings, "freedom": "positions"}})
    parts["molecules"] = (fixed, [cell for cell in cells if cell.is_molecule])
    _check_spin(stage, cells)
    labels = {
        key: relaxed(_candidates(some), part, inputs, progress=progress) for key, (part, some) in parts.items() if some
    }
    node: ReferencesData = gather_references(orm.Str(f"{', '.join(elements)} by {stage.engine}"), **labels)
    return node


def _check_spin(stage: StageSettings, cells: Sequence[ElementalCell]) -> None:
    """Refuse elements with a moment where the stage calculates without spin, as far as its settings show."""
    magnetic = [cell.element for cell in cells if cell.has_moment]
    if magnetic and stage.settings.get("spin", "none") == "none" and stage.engine == "quantumespresso":
        raise SettingsError(
            f"the ground state of {listed(magnetic)} has a magnetic moment: say 'spin: collinear' in stage {stage.name}"
        )


def relaxed(
    candidates: Candidates, stage: StageSettings, inputs: Mapping[str, Any], *, progress: Progress = silent
) -> LabelsData:
    """Relax crystals in this process by the engine of a stage.

    Args:
        candidates: the crystals; all of them are relaxed.
        stage: what its engine is told.
        inputs: the engine's own, of its ``load_inputs``.
        progress: is called with every report.

    Raises:
        EngineFailedError: if a relaxation gave no energy; the message names ids and reasons.
    """
    from aiida import orm

    from aiida_mlhull.data import CandidatesData, DecisionsData
    from aiida_mlhull.engines import ENGINES

    engine = ENGINES[stage.engine]
    engine.check(inputs, [candidates], [stage])
    builder = engine.get_builder()
    builder["cells"] = CandidatesData.from_science(candidates)
    builder["chosen"] = DecisionsData.from_science(_all_of(candidates, stage.name))
    builder["stage"] = orm.Dict(stage.model_dump(mode="json"))
    builder["metadata"] = {"label": f"references {' '.join(candidates.ids.tolist())}"}
    for key, value in inputs.items():
        builder[key] = value
    node = run_here(builder, progress=progress)
    if not node.is_finished_ok:
        raise EngineFailedError(f"engine {stage.engine}<{node.pk}> failed: {node.exit_message}")
    labels = node.outputs.labels.to_science()
    failed = [f"{name}: {why}" for name, why in zip(labels.ids, labels.failures, strict=True) if why]
    if failed:
        raise EngineFailedError(f"no energy of {'; '.join(failed)}; 'verdi process report {node.pk}' tells more")
    table: LabelsData = node.outputs.labels
    return table


def _candidates(cells: Sequence[ElementalCell]) -> Candidates:
    from aiida_mlhull.science.types import Candidates, Crystals

    names = [cell.element for cell in cells]
    return Candidates.from_rows(
        ids=names,
        formulas=names,
        crystals=Crystals.from_structures([cell.structure for cell in cells]),
        protostructures=[""] * len(names),
        origins=["ground state"] * len(names),
    )


def _all_of(candidates: Candidates, stage: str) -> Decisions:
    from aiida_mlhull.science.types import Decisions
    from aiida_mlhull.science.types.reasons import Reason

    zeros = np.zeros(len(candidates))
    return Decisions(
        ids=candidates.ids,
        formulas=candidates.formulas,
        keep=np.ones(len(candidates), dtype=bool),
        reasons=np.full(len(candidates), Reason.OPEN.value),
        values=zeros,
        thresholds=zeros,
        margins=zeros,
        scores=zeros,
        rule=RULE,
        stage=stage,
    )
