"""From a table of any property to an ensemble in the graph."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.launching.running import Progress, silent

if TYPE_CHECKING:
    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.ensembles import EnsembleSettings
    from aiida_mlhull.science.reading.properties import Properties
    from aiida_mlhull.science.reading.sieve import BadRows
    from aiida_mlhull.science.types import References

MODEL: Final = "magpie_forest"
"""The model where neither the settings nor the caller names one: it needs compositions only, and seconds."""

CLASS_MODEL: Final = "roost"
"""The same for classes, which networks distinguish: it needs compositions only."""


def read_training_set(
    table: Path,
    *,
    target: str,
    as_classes: bool = False,
    settings_file: Path | None = None,
    leave_out: bool = False,
    transfer: str | None = None,
    references: References | None = None,
    **changes: Any,
) -> tuple[Properties, EnsembleSettings]:
    """The rows of a table, and the settings of the ensemble that is to learn them.

    Args:
        table: parquet or csv file.
        target: column.
        as_classes: whether its values are names of classes.
        settings_file: YAML with settings of the ensemble.
        leave_out: whether rows that can't be used are left out; else they are an error.
        transfer: mode of the transfer, which counts more than the file's; what else the file states of it stays. With
            ``scratch`` nothing of it does.
        references: known phases: the column holds total energies, eV/atom, and formation energies are learned.
        changes: settings of the ensemble that count more than the file; None leaves them to the file.

    Raises:
        WireError: if a file can't be read.
        SettingsError: if the settings are wrong.
        CrystalError: if the model reads cells and the table has none.
        MissingEndMembersError: if the references lack an element.
    """
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.ensembles import EnsembleSettings
    from aiida_mlhull.science.ensembles.settings import ENERGY_TARGET
    from aiida_mlhull.science.errors import SettingsError
    from aiida_mlhull.science.reading.properties import read_properties
    from aiida_mlhull.science.types.strict import validated
    from aiida_mlhull.science.units import ENERGY_UNIT

    bad_rows: BadRows = "leave_out" if leave_out else "refuse"
    properties = read_properties(table, target=target, as_classes=as_classes, bad_rows=bad_rows)
    # Cells of a table are what they are; there is no relaxed volume to scale them to.
    model = CLASS_MODEL if as_classes else MODEL
    values: dict[str, Any] = {"model": model, "target": target, "unit": "", "volume_scaling": False}
    values["classes"] = properties.classes
    values |= dict(read_mapping(settings_file)) if settings_file is not None else {}
    values |= {name: value for name, value in changes.items() if value is not None}
    if transfer is not None:
        values["transfer"] = _transfer(values.get("transfer"), transfer)
    if references is not None:
        properties = _of_formation(properties, references, as_classes=as_classes)
        values |= {"target": ENERGY_TARGET, "unit": ENERGY_UNIT}
    settings = validated(EnsembleSettings, values, what=settings_file.name if settings_file else "ensemble")
    if settings.ionic_steps:
        raise SettingsError(
            "ionic_steps: a table of properties has none; they are a campaign's, of stages that keep them"
        )
    require_cells(properties, settings.model)
    return properties, settings


def in_mode(settings: EnsembleSettings, mode: str) -> EnsembleSettings:
    """The same settings with another mode of the transfer, see :func:`read_training_set`."""
    from aiida_mlhull.science.ensembles import EnsembleSettings

    content = settings.model_dump(mode="json")
    return EnsembleSettings.model_validate(content | {"transfer": _transfer(content["transfer"], mode)})


def _transfer(said: Any, mode: str) -> Any:
    """What a settings file states of the transfer, in another mode; anything but a mapping is left to the check."""
    if mode == "scratch":
        return {}
    return {**said, "mode": mode} if isinstance(said, Mapping) else {"mode": mode} if said is None else said


def _of_formation(properties: Properties, references: References, *, as_classes: bool) -> Properties:
    """The same rows with total energies measured from the mixtures of the elements.

    Raises:
        SettingsError: if they are classes.
        MissingEndMembersError: if the references lack an element.
    """
    from dataclasses import replace

    from aiida_mlhull.science.ensembles.rows import elemental_mixtures
    from aiida_mlhull.science.errors import SettingsError

    if as_classes:
        raise SettingsError("--references turns total energies into formation energies; classes have none")
    mixtures = elemental_mixtures(properties.rows.formulas, references)
    return replace(properties, rows=replace(properties.rows, baselines=mixtures))


def read_known_phases(references: Path | None, elements: Path | None = None) -> References | None:
    """The phases that formation energies are measured from; None if none are named.

    Raises:
        SettingsError: if elements are named without references.
        WireError: if a file can't be read.
    """
    from aiida_mlhull.science.errors import SettingsError
    from aiida_mlhull.science.reading import read_references

    if references is None:
        if elements is not None:
            raise SettingsError("--elements belongs to --references")
        return None
    return read_references(references, elements=elements, bad_rows="leave_out").references


def check_transfer(settings: EnsembleSettings, parent: str | None) -> None:
    """Refuse a parent that members don't begin with, and a transfer without a parent.

    Raises:
        SettingsError: if the two don't fit together.
    """
    from aiida_mlhull.science.errors import SettingsError

    mode = settings.transfer.mode
    if (parent is None) != (mode == "scratch"):
        raise SettingsError(
            "--parent and --transfer belong together (the latter may stand in the settings): who to begin with, and what "
            "learns on"
        )


def require_cells(properties: Properties, model: str) -> None:
    """Refuse compositions without cells for a model that reads cells.

    Raises:
        CrystalError: naming models that do without.
    """
    from aiida_mlhull.science.ensembles.familiar import BLIND
    from aiida_mlhull.science.errors import CrystalError
    from aiida_mlhull.science.models import MODELS

    if not properties.has_cells and MODELS[model].reads not in BLIND:
        fitting = ", ".join(name for name in MODELS if MODELS[name].reads in BLIND)
        raise CrystalError(f"{properties.source} has no cells, which {model} reads; compositions do for {fitting}")


def fit_ensemble(
    properties: Properties,
    settings: EnsembleSettings,
    *,
    seed: int = 0,
    parent: EnsembleData | None = None,
    references: References | None = None,
    progress: Progress = silent,
) -> EnsembleData:
    """Fit an ensemble to a table in this process; its rows, settings and parent stay in the graph with it.

    Args:
        properties: of :func:`read_training_set`.
        settings: of the ensemble.
        seed: of everything that is drawn.
        parent: ensemble whose members these begin with.
        references: known phases that the energies are measured from; they stay in the graph, too.
        progress: is called with every report.

    Raises:
        CampaignFailedError: if the fit fails.
        StoppedError: if it is interrupted.
    """
    from aiida import orm

    from aiida_mlhull.data import ReferencesData
    from aiida_mlhull.launching.codes import ready_program
    from aiida_mlhull.launching.running import run_here
    from aiida_mlhull.science.errors import CampaignFailedError
    from aiida_mlhull.workflows.fit import FitEnsemble

    builder = FitEnsemble.get_builder()
    builder.code = ready_program()
    builder.settings = orm.Dict(settings.model_dump(mode="json"))
    builder.baseline = orm.Str("none" if references is None else "references")
    builder.seed = orm.Int(seed)
    if parent is not None:
        builder.parent = parent
    if references is not None:
        builder.references = ReferencesData.from_science(references)
    scheme = "" if references is None else references.scheme
    builder.cells, builder.results = shards(properties, unit=settings.unit, scheme=scheme)
    builder["metadata"]["label"] = f"{settings.model} for {properties.target}"
    node = run_here(builder, progress=progress)
    if not node.is_finished_ok:
        raise CampaignFailedError(f"the fit failed: {node.exit_message}; see 'verdi process report {node.pk}'")
    ensemble: EnsembleData = node.outputs.ensemble
    return ensemble


def shards(properties: Properties, *, unit: str, scheme: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """Cells and values as unstored nodes by shard."""
    from aiida_mlhull.data import CandidatesData, LabelsData
    from aiida_mlhull.launching.inputs import shard_rows

    cells, labels = properties.tables(unit=unit, scheme=scheme)
    shards = {f"shard_{number:03d}": rows for number, rows in enumerate(shard_rows(len(cells)))}
    return (
        {key: CandidatesData.from_science(cells.take(rows)) for key, rows in shards.items()},
        {key: LabelsData.from_science(labels.take(rows)) for key, rows in shards.items()},
    )
