"""Any ensemble asked about any rows: of a table, a folder, a node, or a campaign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull.launching.running import Progress, silent
from aiida_mlhull.science.errors import CampaignFailedError, InputError, SettingsError

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import EnsembleData, PredictionsData, ReferencesData
    from aiida_mlhull.science.reading.sieve import BadRows
    from aiida_mlhull.science.types import EnsembleWeights, Labels, Predictions


@dataclass(frozen=True, eq=False)
class AskedRows:
    """What an ensemble is asked about.

    Attributes:
        source: in words.
        cells: nodes with candidates, or with results of a stage, by shard.
        unrelaxed: the candidates that a stage's cells were before, by the same shards.
        truth: what is known of the rows; None if nothing is.
        remarks: what was read.
    """

    source: str
    cells: Mapping[str, Any]
    unrelaxed: Mapping[str, Any] = field(default_factory=dict)
    truth: Labels | None = None
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Answer:
    """What it said.

    Attributes:
        ensemble: that was asked.
        nodes: its predictions by shard, stored.
        predictions: all of them.
        truth: see :class:`AskedRows`.
        unit: of the predictions.
        warnings: rows that are none of those that it has learned from.
    """

    ensemble: EnsembleWeights
    nodes: Mapping[str, PredictionsData]
    predictions: Predictions
    truth: Labels | None
    unit: str
    warnings: tuple[str, ...]


def rows_of(
    source: str,
    ensemble: EnsembleWeights,
    *,
    target: str | None = None,
    truth: str | None = None,
    leave_out: bool = False,
) -> AskedRows:
    """The rows that people name.

    Args:
        source: a file or folder; else pk, UUID or label of a stored table, or of a campaign: its candidates, or what
            came out of the stage whose cells the ensemble reads, with its record or results as truth.
        ensemble: that is to be asked.
        target: column of a table with the truth.
        truth: pk, UUID or label of stored results with the truth.
        leave_out: whether rows of a file that can't be used are left out; else they are an error.

    Raises:
        MlhullError: if anything can't be read, doesn't exist or doesn't fit together.
    """
    from dataclasses import replace

    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.launching import stored

    asked = _from_file(Path(source), ensemble, target=target, leave_out=leave_out) if Path(source).exists() else None
    if asked is None:
        if target is not None:
            raise SettingsError(
                f"{source} is a node without columns, so that {target} means nothing: name stored results with --truth"
            )
        asked = _from_graph(source, ensemble)
    if truth is None:
        return asked
    return replace(asked, truth=stored.node(truth, LabelsData, what="mlhull.labels").to_science())


def _from_file(path: Path, ensemble: EnsembleWeights, *, target: str | None, leave_out: bool) -> AskedRows:
    from aiida_mlhull.data import CandidatesData
    from aiida_mlhull.launching.inputs import shard_rows
    from aiida_mlhull.launching.questions.training import require_cells, shards
    from aiida_mlhull.science.reading.candidates import read_crystals
    from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES
    from aiida_mlhull.science.reading.properties import read_properties

    bad_rows: BadRows = "leave_out" if leave_out else "refuse"
    if path.suffix.lower() not in TABLE_SUFFIXES:
        if target is not None:
            raise SettingsError(f"{path.name} holds structures: --target names a column of a table")
        read = read_crystals(path, bad_rows=bad_rows)
        parts = {
            f"shard_{n:03d}": read.candidates.take(rows) for n, rows in enumerate(shard_rows(len(read.candidates)))
        }
        cells = {key: CandidatesData.from_science(part) for key, part in parts.items()}
        return AskedRows(path.name, cells, truth=read.record, remarks=(read.summary(),))
    found = read_properties(path, target=target, as_classes=bool(ensemble.classes and target), bad_rows=bad_rows)
    require_cells(found, ensemble.model)
    if target is not None and found.classes != ensemble.classes:
        raise InputError(
            f"{path.name} has the classes {', '.join(found.classes)}, the ensemble tells {', '.join(ensemble.classes)} apart"
        )
    truth = None if target is None else found.tables(unit=ensemble.unit)[1]
    return AskedRows(
        path.name, shards(found, unit=ensemble.unit, scheme="")[0], truth=truth, remarks=(found.summary(),)
    )


def _from_graph(name: str, ensemble: EnsembleWeights) -> AskedRows:
    from aiida import orm

    from aiida_mlhull.data import CandidatesData, LabelsData
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.launching import stored

    try:
        node: orm.Node = stored.node(name, orm.Data, what="table")
    except InputError:
        return _of_campaign(campaigns.find(name), ensemble)
    if not isinstance(node, CandidatesData | LabelsData):
        raise InputError(
            f"node {node.pk} is a {type(node).__name__}: name candidates, results of a stage or a campaign"
        )
    return AskedRows(f"{type(node).__name__} {node.pk}", {"shard_000": node})


def _of_campaign(campaign: orm.ProcessNode, ensemble: EnsembleWeights) -> AskedRows:
    from aiida_mlhull import names
    from aiida_mlhull.graph.models import cells_after, record_of
    from aiida_mlhull.graph.results import results
    from aiida_mlhull.science.ensembles.familiar import UNRELAXED

    stage = ensemble.calibration.get("stage", UNRELAXED)
    cells, before = (
        (dict(campaign.inputs[names.CANDIDATES]), {}) if stage == UNRELAXED else cells_after(campaign, stage)
    )
    truth, what = record_of(campaign), "its record"
    if truth is None:
        truth, what = results(campaign), "what it has relaxed"
    words = "candidates" if stage == UNRELAXED else f"cells after {stage}"
    return AskedRows(
        f"campaign {campaign.pk}", cells, before, truth, (f"campaign {campaign.pk}: {words}; truth: {what}",)
    )


def ask(
    ensemble: EnsembleData,
    rows: AskedRows,
    *,
    references: ReferencesData | None = None,
    formation: bool = False,
    progress: Progress = silent,
) -> Answer:
    """Have an ensemble predict rows in this process; the predictions stay in the graph.

    Args:
        ensemble: that is asked.
        rows: that it is asked about.
        references: that its energies are measured from, where it needs some; those that it was fitted with if None.
        formation: take predictions as what the members learned, without adding back what it was measured from.
        progress: is called with every report.

    Raises:
        InputError: if there are no references, or cells that it can't read.
        CampaignFailedError: if the prediction fails.
        StoppedError: if it is interrupted.
    """
    from aiida import orm

    from aiida_mlhull.calculations.base import check_baseline
    from aiida_mlhull.launching.codes import ready_program
    from aiida_mlhull.launching.running import run_here
    from aiida_mlhull.science.ensembles.familiar import unfamiliar
    from aiida_mlhull.science.types import concatenate
    from aiida_mlhull.workflows.predict import PredictShards

    noun = ensemble.to_science()
    baseline, known = _measured_from(ensemble, noun, references, formation=formation)
    check_baseline(baseline, rows.cells.values(), known)
    builder = PredictShards.get_builder()
    builder.code = ready_program()
    builder.ensemble = ensemble
    builder.cells = dict(rows.cells)
    builder.unrelaxed = dict(rows.unrelaxed)
    builder.waiting = _that_succeeded(rows.cells)
    builder.baseline = orm.Str(baseline)
    if known is not None:
        builder.references = known
    builder["metadata"]["label"] = f"ensemble {ensemble.pk} asked about {rows.source}"
    node = run_here(builder, progress=progress)
    if not node.is_finished_ok:
        raise CampaignFailedError(f"no predictions: {node.exit_message}; see 'verdi process report {node.pk}'")
    nodes = dict(node.outputs.predictions)
    asked = concatenate([one.to_science() for one in rows.cells.values()])
    scheme = "" if rows.truth is None or baseline == "none" else rows.truth.scheme
    return Answer(
        ensemble=noun,
        nodes=nodes,
        predictions=concatenate([one.to_science() for one in nodes.values()]),
        truth=rows.truth,
        unit="" if noun.classes else noun.unit,
        warnings=tuple(unfamiliar(noun, asked, scheme=scheme)),
    )


def known_phases(name: str, elements: Path | None = None) -> ReferencesData:
    """References that people name: a file as campaigns take it, or a stored snapshot."""
    from aiida_mlhull.data import ReferencesData
    from aiida_mlhull.launching import stored
    from aiida_mlhull.science.reading import read_references

    if not Path(name).is_file():
        return stored.references(name)
    return ReferencesData.from_science(read_references(Path(name), elements=elements, bad_rows="leave_out").references)


def _measured_from(
    ensemble: EnsembleData, noun: EnsembleWeights, references: ReferencesData | None, *, formation: bool
) -> tuple[str, ReferencesData | None]:
    """The baseline that an ensemble was fitted with, and the references for it."""
    from aiida_mlhull.graph.models import fit_of
    from aiida_mlhull.science.ensembles.rows import NEED_REFERENCES

    if formation:
        return "none", None
    fit = fit_of(ensemble)
    baseline = noun.baseline or ("none" if fit is None else fit.inputs.baseline.value)
    if baseline not in NEED_REFERENCES:
        return baseline, None
    if references is None and fit is not None and "references" in fit.inputs:
        references = fit.inputs.references
    return baseline, references


def _that_succeeded(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Which results of a stage have cells that can be asked about; nothing for candidates, which all have."""
    from aiida import orm

    from aiida_mlhull.calculations.functions import enter_next_stage
    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.science.campaign.settings import StageSettings

    stage = orm.Dict(StageSettings(name="asked", engine="recorded").model_dump(mode="json"))
    return {key: enter_next_stage(node, stage) for key, node in cells.items() if isinstance(node, LabelsData)}


def answered(
    *,
    ensemble: str,
    rows: str,
    references: str | None = None,
    elements: Path | None = None,
    formation: bool = False,
    progress: Progress = silent,
    **which: Any,
) -> tuple[str, Answer]:
    """What :func:`ask` gives for what people name, and it in words.

    Args:
        ensemble: pk, UUID or label.
        rows: see :func:`rows_of`.
        references: a file, or pk, UUID or label of a snapshot.
        elements: elemental references that stand apart from a file of references.
        formation: see :func:`ask`.
        progress: is called with every report.
        which: more of :func:`rows_of`.

    Raises:
        MlhullError: see these two.
    """
    from aiida_mlhull.launching import stored

    node = stored.ensemble(ensemble)
    asked = rows_of(rows, node.to_science(), **which)
    known = None if references is None else known_phases(references, elements)
    answer = ask(node, asked, references=known, formation=formation, progress=progress)
    return "\n".join([*asked.remarks, in_words(answer)]), answer


def in_words(answer: Answer) -> str:
    """Nodes, the span of what was said, warnings."""
    from aiida_mlhull.science.metrics.words import span_in_words

    nodes = ", ".join(str(node.pk) for node in answer.nodes.values())
    lines = [f"Predictions {nodes}: {span_in_words(answer.predictions, unit=answer.unit)}"]
    return "\n".join([*lines, *(f"Warning: {line}" for line in answer.warnings)])


def judged(answer: Answer, folder: Path | None = None) -> tuple[str, dict[str, Any]]:
    """Predictions compared with the truth, in words and as plain numbers, with pictures in ``folder``.

    Raises:
        InputError: if nothing is known of the rows.
    """
    from dataclasses import asdict

    from aiida_mlhull.science.metrics import diagnose
    from aiida_mlhull.science.metrics.stated import parity, recognized, stated
    from aiida_mlhull.science.metrics.words import classes_in_words, spreads_in_words
    from aiida_mlhull.science.plots.classes import class_figures
    from aiida_mlhull.science.plots.saving import save
    from aiida_mlhull.science.plots.uncertainty import draw_parity, spread_figures

    if answer.truth is None:
        raise InputError(
            "nothing is known of these rows: name the column with the truth, or stored results with --truth"
        )
    if answer.ensemble.classes:
        scores = recognized(answer.predictions, answer.truth, answer.ensemble.classes)
        pictures = {} if folder is None else class_figures(scores)
        words, facts = classes_in_words(scores, remark=""), scores.to_dict()
    else:
        errors = stated(answer.predictions, answer.truth)
        measures = diagnose(errors.errors, errors.sigma, aleatoric=errors.aleatoric, epistemic=errors.epistemic)
        words, facts = spreads_in_words({"predictions": measures}, unit=answer.unit), asdict(measures)
        pictures = {}
        if folder is not None:
            drawn = draw_parity(*parity(answer.predictions, answer.truth), unit=answer.unit)
            pictures = {"parity": drawn, **spread_figures({"predictions": errors}, unit=answer.unit)}
    written = [] if folder is None else save(pictures, folder)
    about = {
        "predictions": [node.pk for node in answer.nodes.values()],
        "unit": answer.unit,
        "warnings": list(answer.warnings),
    }
    told = "\n".join([words, *(f"written: {path}" for path in written)])
    return told, {**about, **facts, "pictures": [str(path) for path in written]}
