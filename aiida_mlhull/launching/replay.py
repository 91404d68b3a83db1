"""A campaign on published results, run as any other and then compared with the truth."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.launching import inputs
from aiida_mlhull.launching.running import Progress, follow, require_success, run_here, silent
from aiida_mlhull.science.errors import InputError, SettingsError, listed
from aiida_mlhull.science.wire.files import without_nan

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.launching.inputs import CampaignInputs
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.metrics.campaign import CampaignScores, RecallCurve
    from aiida_mlhull.science.metrics.counting import Counts
    from aiida_mlhull.science.types import References

KEYS: Final = (
    "n_candidates",
    "n_trained_on",
    "n_relaxed",
    "n_true_on_hull",
    "n_true_within_25mev",
    "recall_on_hull",
    "recall_25mev",
    "precision",
    "hull_error_mean_mev",
    "hull_error_max_mev",
    "relaxations_saved_fraction",
    "core_minutes",
    "hull_matches",
)
"""Scores that a replay writes; others go under ``details``."""


@dataclass(frozen=True)
class Replay:
    """A finished campaign with its scores.

    Attributes:
        node: of the campaign.
        scores: against the truth.
        curve: what had been found after ever more relaxations.
        seconds: from the first node to the last.
        full_chains_fraction: relaxations' cost, models not counted, as a share of what all candidates through all
            levels cost; None for a record of one stage.
        counts: what was found in other ways of counting, see :func:`~aiida_mlhull.science.metrics.counting.counted`.
        promise: what the models claimed at the end, and the true share beside it; None where they claimed nothing.
    """

    node: orm.ProcessNode
    scores: CampaignScores
    curve: RecallCurve
    seconds: float
    counts: Counts
    promise: dict[str, Any] | None = None
    full_chains_fraction: float | None = None

    def to_json(self, **details: Any) -> dict[str, Any]:
        """Scores by name, seconds, and whatever else is worth keeping."""
        scores = without_nan(asdict(self.scores))
        rest = {name: value for name, value in scores.items() if name not in KEYS}
        return {
            **{name: scores[name] for name in KEYS},
            "seconds": round(self.seconds, 1),
            "details": {
                **details,
                **rest,
                "campaign": self.node.pk,
                "full_chains_fraction": self.full_chains_fraction,
                "counts": self.counts,
                "promise": self.promise,
            },
        }

    def write_curve(self, stem: Path, *, name: str) -> list[Path]:
        """The recall curve as ``STEM.curve.csv`` and ``STEM.curve.png``.

        Args:
            stem: path without suffix.
            name: of the curve, in the picture.
        """
        import pandas as pd

        from aiida_mlhull.science.plots import draw_recall

        table, picture = (stem.with_name(f"{stem.name}.curve.{kind}") for kind in ("csv", "png"))
        pd.DataFrame(asdict(self.curve)).to_csv(table, index=False)
        draw_recall({name: self.curve}).savefig(picture)
        return [table, picture]


@dataclass(frozen=True)
class PreparedReplay:
    """A campaign on published results, read and checked before AiiDA is needed.

    Attributes:
        inputs: candidates with their record, and references.
        settings: of the campaign.
        protocol: name of the protocol.
        overrides: what is different from it.
        engine: that answers the last stage.
        remarks: lines for people.
    """

    inputs: CampaignInputs
    settings: CampaignSettings
    protocol: str
    overrides: Mapping[str, Any]
    engine: str
    remarks: tuple[str, ...]

    def of_one_scheme(self) -> PreparedReplay:
        """The same; where a potential answers, with its energies declared to meet the published ones, as a remark says.

        Raises:
            SettingsError: if a stage's engine can't do what its settings say.
        """
        from aiida_mlhull.engines import ENGINES
        from aiida_mlhull.workflows.inputs import check_stages

        check_stages(self.settings)
        if self.engine != "potential":
            return self
        scheme = ENGINES[self.engine].read_settings(self.settings.stages[-1]).energies_scheme
        remark = (
            f"Note: the potential's energies are {scheme}; the file doesn't say what the published ones are. They are "
            f"taken to be comparable, and the scores compare with the published hull"
        )
        return replace(self, inputs=with_scheme(self.inputs, scheme), remarks=(*self.remarks, remark))


def prepare(
    data: Path,
    references: Path,
    *,
    elements: Path | None = None,
    protocol: str,
    overrides: Path | None = None,
    engine: str = "recorded",
    seed: int = 0,
    continue_from: str | None = None,
) -> PreparedReplay:
    """Read published results, and turn a protocol into a campaign on them.

    Args:
        data: candidates with their results; rows that can't be used are left out.
        references: known phases.
        elements: elemental references, if they stand apart.
        protocol: name of the protocol.
        overrides: YAML with what is different from it.
        engine: that answers the last stage: ``recorded``, or ``potential``, which really relaxes.
        seed: of the campaign.
        continue_from: a stage by potential; every candidate then gets the published result that its cell after that
            stage is, see :mod:`~aiida_mlhull.science.campaign.continuing`.

    Raises:
        WireError: if a file can't be read.
        InputError: if the file holds no results, or settings are wrong.
    """
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.campaign.replay import on_record

    changes = {"name": data.resolve().stem, **(read_mapping(overrides) if overrides else {})}
    changes, remarks = on_record(protocol, engine=engine, seed=seed, changes=changes)
    read = inputs.read_files(data, references, elements=elements, bad_rows="leave_out")
    if read.record is None:
        raise InputError(f"{data.name} holds no results to replay: relaxed cells and energies are missing")
    if continue_from is not None:
        read = _going_on(read, campaign_settings(changes, protocol=protocol), stage=continue_from)
    return _prepared(read, changes, protocol=protocol, engine=engine, remarks=remarks)


def prepare_levels(
    levels: Sequence[str],
    *,
    references: Path,
    elements: Path | None = None,
    candidates: Path | None = None,
    names: Sequence[str] = (),
    prices: Sequence[float | str] = (),
    protocol: str,
    overrides: Path | None = None,
    engine: str = "recorded",
    seed: int = 0,
) -> PreparedReplay:
    """Read a staged record, and turn a protocol into a campaign on it.

    Args:
        levels: files and folders, ``campaign:PK`` or ``group:LABEL``; see
            :func:`~aiida_mlhull.launching.materials.levels.read_sources`.
        references: known phases.
        elements: elemental references, if they stand apart.
        candidates: cells before the first level.
        names: of the stages, in their order.
        prices: core-minutes of one relaxation at every level; none takes the record's own.
        protocol: name of the protocol.
        overrides: YAML with what is different from it.
        engine: that answers; only ``recorded`` can.
        seed: of the campaign.

    Raises:
        WireError: if a file can't be read.
        InputError: if the record or the settings are wrong.
    """
    from aiida_mlhull.launching.materials.levels import is_stored
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.campaign.replay import RECORDED, on_levels

    if engine != RECORDED:
        raise SettingsError("a record of several levels answers all stages by itself: leave --engine out")
    read, decide_first = inputs.read_levels(
        levels, candidates=candidates, names=names, references=references, elements=elements
    )
    name = levels[-1].replace(":", " ") if is_stored(levels[-1]) else Path(levels[-1]).resolve().stem
    changes, remarks = on_levels(
        protocol,
        read.levels,
        seed=seed,
        changes={"name": name, **(read_mapping(overrides) if overrides else {})},
        prices=_core_minutes(prices),
        decide_first=decide_first,
    )
    return _prepared(read, changes, protocol=protocol, engine=engine, remarks=remarks)


def _prepared(
    read: CampaignInputs, changes: dict[str, Any], *, protocol: str, engine: str, remarks: Sequence[str]
) -> PreparedReplay:
    """The campaign, with no more to start with than there is."""
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.science.campaign.replay import enough_to_start

    overrides, more = enough_to_start(changes, protocol=protocol, total=len(read.candidates))
    return PreparedReplay(
        inputs=read,
        settings=campaign_settings(overrides, protocol=protocol),
        protocol=protocol,
        overrides=overrides,
        engine=engine,
        remarks=(*read.remarks, *remarks, *more),
    )


def _going_on(read: CampaignInputs, settings: CampaignSettings, *, stage: str) -> CampaignInputs:
    """The inputs with the record that goes on from a stage by potential, which is relaxed here and now."""
    from aiida_mlhull.science.campaign.continuing import continue_from
    from aiida_mlhull.science.program.relax import relax_here
    from aiida_mlhull.science.program.settings import PotentialSettings

    assert read.record is not None
    chosen = next((one for one in settings.stages if one.name == stage and one.engine == "potential"), None)
    if chosen is None:
        known = ", ".join(one.name for one in settings.stages if one.engine == "potential") or "none"
        raise InputError(f"there is no stage {stage!r} by potential to continue from; there is: {known}")
    relaxed = relax_here(read.candidates, PotentialSettings.model_validate(chosen.settings), stage=stage)
    continued = continue_from(relaxed, read.candidates, read.record)
    return replace(
        read,
        candidates=continued.candidates,
        record=continued.record,
        remarks=(*read.remarks, continued.remark(stage)),
    )


def _core_minutes(prices: Sequence[float | str]) -> list[float]:
    try:
        return [float(price) for price in prices]
    except ValueError:
        raise SettingsError(f"prices should be core-minutes, as 5,60,540, not {listed(map(str, prices))}") from None


def replay(
    campaign_inputs: CampaignInputs,
    *,
    protocol: str,
    overrides: Mapping[str, Any],
    processes: int | None = None,
    by_daemon: bool = False,
    parents: str | None = None,
    warm: Sequence[str] = (),
    progress: Progress = silent,
) -> Replay:
    """Run a campaign whose record is known, and score it.

    Args:
        campaign_inputs: candidates with their record, and references.
        protocol: name of the protocol.
        overrides: what is different from it.
        processes: jobs at the same time; as many as there are cores if None.
        by_daemon: whether the daemon runs it; else this process does.
        parents: what the gates' members begin with: an ensemble, ``campaign:PK`` or ``auto``, see
            :func:`~aiida_mlhull.launching.earlier.parents.find_parents`; nothing if None.
        warm: campaigns whose labels are learned from as well, ``campaign:PK`` each.
        progress: is called with every report.

    Raises:
        CampaignFailedError: if the campaign fails.
        StoppedError: if it is interrupted.
    """
    from aiida.engine import submit

    from aiida_mlhull.launching.codes import ready_program
    from aiida_mlhull.launching.earlier.parents import find_parents
    from aiida_mlhull.launching.earlier.warm import find_warm
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.science.representations.composition import elements_of

    begun = time.time()
    nodes = inputs.make_nodes(campaign_inputs)
    settings, scheme = campaign_settings(overrides, protocol=protocol), campaign_inputs.references.scheme
    if parents is not None:
        elements = elements_of(campaign_inputs.candidates.formulas.tolist())
        nodes["parents"] = find_parents(parents, settings, scheme=scheme, elements=elements)[0]
    if warm:
        nodes["warm"] = find_warm(warm, settings, campaign_inputs.candidates, scheme=scheme)
    at_once, members = processes or os.cpu_count() or 1, max(one.members for one in settings.by_name.values())
    # Starting a job takes longer than fitting a member: every process fits its share in one job.
    jobs = {"max_in_flight": at_once, "members_per_job": -(-members // at_once)}
    builder = inputs.make_builder(nodes, protocol=protocol, overrides=overrides, code=ready_program(), jobs=jobs)
    inputs.store(nodes)
    node = follow(submit(builder), progress=progress) if by_daemon else run_here(builder, progress=progress)
    require_success(node)
    return score(node, campaign_inputs, seconds=time.time() - begun)


def score(node: orm.ProcessNode, campaign_inputs: CampaignInputs, *, seconds: float) -> Replay:
    """Compare a campaign that has ended with the record."""
    from aiida_mlhull.graph import results
    from aiida_mlhull.science.metrics.campaign import campaign_scores, recall_curve
    from aiida_mlhull.science.metrics.counting import counted
    from aiida_mlhull.science.types.reasons import Reason, code_of, detail_of

    truth, hopeless = truth_of(campaign_inputs)
    outcomes, labels = results.outcomes(node), results.results(node)
    order, first = results.relaxation_order(node)
    same = {
        str(name): detail_of(reason)
        for name, reason in zip(outcomes.ids.tolist(), outcomes.reasons.tolist(), strict=True)
        if code_of(reason) == Reason.SAME_AS
    }
    models = sum(job.core_minutes for job in results.model_costs(node.pk))
    scores = campaign_scores(
        truth,
        campaign_inputs.references,
        relaxed=order,
        trained_on=order[:first],
        failed=labels.ids[~labels.succeeded].tolist(),
        merged=same,
        core_minutes=node.outputs.summary["core_minutes"] + models,
        hopeless=hopeless,
    )
    counts = counted(
        truth, campaign_inputs.references, found=labels.ids[labels.succeeded], kinds=_kinds(node, campaign_inputs)
    )
    stocks = results.all_stocks(node.pk)
    claimed = stocks[-1].get("promise") if stocks else None
    return Replay(
        node=node,
        scores=scores,
        curve=recall_curve(truth, campaign_inputs.references, order=[one for one in order if one not in set(hopeless)]),
        seconds=seconds,
        counts=counts,
        full_chains_fraction=_full_chains(node, campaign_inputs),
        promise=None if claimed is None else {**claimed, "truth": scores.recall_25mev},
    )


def _kinds(node: orm.ProcessNode, campaign_inputs: CampaignInputs) -> dict[str, Any]:
    """Whether the last stage stayed in the basin where a potential had ended, where one has relaxed all candidates."""
    from aiida_mlhull.graph.results import stored_results
    from aiida_mlhull.science.cleaning.matches import stayed

    first = node.inputs.settings["stages"][0]
    relaxed = stored_results(node, stage=first["name"]) if first["engine"] == "potential" else None
    record = campaign_inputs.record
    if relaxed is None or record is None:
        return {}
    ids = record.ids[record.succeeded]
    if not relaxed.has(ids).all():
        return {}
    same = stayed(relaxed.select(ids).crystals, record.select(ids).crystals)
    return {"in the potential's basin": same, "in another basin": ~same}


def _full_chains(node: orm.ProcessNode, campaign_inputs: CampaignInputs) -> float | None:
    """Relaxations' cost as a share of all candidates through all levels; None where the record is of one stage."""
    from aiida_mlhull.science.campaign.replay import chain_core_minutes

    prices = {stage["name"]: stage["core_minutes"] for stage in node.inputs.settings["stages"]}
    whole = chain_core_minutes(campaign_inputs.levels, prices)
    return node.outputs.summary["core_minutes"] / whole if whole else None


def truth_of(campaign_inputs: CampaignInputs) -> tuple[References, list[str]]:
    """Candidates with their published energies, and those whose relaxation is on record as failed at some stage."""
    from aiida_mlhull.science.types import References

    record = campaign_inputs.record
    assert record is not None
    known = record.take(record.succeeded)
    truth = References(
        ids=known.ids,
        formulas=known.formulas,
        energies=known.energies,
        source=campaign_inputs.candidates.source,
        scheme=campaign_inputs.references.scheme,
    )
    ids = campaign_inputs.candidates.ids
    return truth, ids[~known.has(ids)].tolist()


def with_scheme(campaign_inputs: CampaignInputs, scheme: str) -> CampaignInputs:
    """The same with references and record declared to be of another scheme."""
    record = None if campaign_inputs.record is None else replace(campaign_inputs.record, scheme=scheme)
    return replace(campaign_inputs, references=replace(campaign_inputs.references, scheme=scheme), record=record)
