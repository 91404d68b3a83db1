"""Spreads that an ensemble, or the models of a campaign, have stated, beside the errors that they made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from aiida_mlhull import names
from aiida_mlhull.graph import campaigns, results
from aiida_mlhull.graph.decisions import nothing_decided
from aiida_mlhull.graph.models import deciding_step, record_of, said_before
from aiida_mlhull.science.errors import InputError

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import EnsembleData
    from aiida_mlhull.science.hull import HullSpread
    from aiida_mlhull.science.metrics import StatedErrors
    from aiida_mlhull.science.metrics.classes import ClassScores
    from aiida_mlhull.science.metrics.near_hull import NearHull
    from aiida_mlhull.science.types import Labels, Predictions
    from aiida_mlhull.science.types.table import Strings


@dataclass(frozen=True)
class StatedSpreads:
    """What is to be diagnosed.

    Attributes:
        title: of the ensemble or campaign.
        stated: spreads and errors by name: before and after calibration, or stage and round.
        remarks: what they were compared with, and what is missing.
        unit: of the errors.
        predictions: what the models of a campaign predicted, by the names in ``stated``; empty for an ensemble.
        truth: that the predictions are compared with; None for an ensemble.
        campaign: node of the campaign; None for an ensemble.
    """

    title: str
    stated: Mapping[str, StatedErrors]
    remarks: tuple[str, ...]
    unit: str
    predictions: Mapping[str, Predictions] = field(default_factory=dict)
    truth: Labels | None = None
    campaign: orm.ProcessNode | None = None

    def near_hull(self) -> dict[str, NearHull]:
        """Predictions by gate, compared with the hull of the campaign's references and the truth; empty for an ensemble."""
        from aiida_mlhull.science.metrics.near_hull import near_hull

        if self.campaign is None or self.truth is None:
            return {}
        references = self.campaign.inputs[names.REFERENCES].to_science()
        return {name: near_hull(made, self.truth, references) for name, made in self.predictions.items()}

    def hull_spreads(self) -> dict[str, tuple[Strings, HullSpread]]:
        """By gate, the compositions that models were asked about, and how certain the hull was to them there."""
        import numpy as np

        from aiida_mlhull.science.hull import hull_spread

        if self.campaign is None:
            return {}
        references = self.campaign.inputs[names.REFERENCES].to_science()
        seed = self.campaign.inputs[names.SETTINGS]["seed"]
        formulas = {name: np.unique(made.formulas) for name, made in self.predictions.items()}
        return {
            name: (formulas[name], hull_spread(formulas[name], made, references, seed=seed))
            for name, made in self.predictions.items()
        }


def class_scores_of(node: EnsembleData) -> ClassScores:
    """How well an ensemble tells classes apart, by the rows that its members didn't learn from.

    Raises:
        WeightsError: if there are none.
    """
    from aiida_mlhull.science.ensembles.classes import held_out_classes
    from aiida_mlhull.science.metrics.classes import class_scores

    ensemble = node.to_science()
    held = held_out_classes(ensemble)
    return class_scores(ensemble.classes, held.probabilities, held.classes)


def ensemble_named(identifier: str | None) -> EnsembleData | None:
    """The ensemble of this pk or UUID; None if the identifier names something else, perhaps a campaign by its label."""
    from aiida import orm
    from aiida.common.exceptions import MultipleObjectsError, NotExistent

    from aiida_mlhull.data import EnsembleData

    if identifier is None:
        return None
    try:
        node = orm.load_node(identifier)
    except (NotExistent, MultipleObjectsError, ValueError):
        return None
    return node if isinstance(node, EnsembleData) else None


def stated_by(identifier: str | None, *, number: int) -> StatedSpreads:
    """Spreads stated by an ensemble, or by the models of a campaign in one round.

    Args:
        identifier: pk or UUID of an ensemble, or pk, UUID or label of a campaign; the newest campaign if None.
        number: of the round, for a campaign.

    Raises:
        UnknownNameError: if there is no such node.
        InputError: if there is nothing to compare with.
    """
    ensemble = ensemble_named(identifier)
    if ensemble is not None:
        return stated_by_ensemble(ensemble)
    return stated_by_campaign(campaigns.find(identifier), number=number)


def stated_by_ensemble(node: EnsembleData) -> StatedSpreads:
    """Spreads for rows that the members of an ensemble did not learn from.

    Raises:
        InputError: if the ensemble keeps none.
    """
    from aiida_mlhull.science.ensembles.calibrate import out_of_member
    from aiida_mlhull.science.metrics import StatedErrors

    ensemble = node.to_science()
    held = out_of_member(ensemble.members)
    if not len(held):
        raise InputError(f"ensemble {node.pk} keeps no predictions of rows that its members hadn't seen")
    stated = {"as stated": StatedErrors(held.errors, held.aleatoric, held.epistemic)}
    factor, method = ensemble.calibration.get("factor", 1.0), ensemble.calibration.get("method", "none")
    if method != "none":
        stated[method] = StatedErrors(held.errors, factor * held.aleatoric, factor * held.epistemic)
    remarks = [
        f"Calibration: {method}; by variance σ is to be multiplied by {ensemble.calibration['variance']:.2f}, so that "
        f"95 % lie within 1.96 σ by {ensemble.calibration['conformal']['0.95'] / 1.96:.2f} (conformal)."
        if "variance" in ensemble.calibration
        else "This ensemble was not gathered from all of its members, and is not calibrated."
    ]
    if method != "none":
        remarks.append("The factor was found on these same rows; a campaign tells how it does on others.")
    title = f"Ensemble {node.pk}: {node.description}"
    return StatedSpreads(title=title, stated=stated, remarks=tuple(remarks), unit=ensemble.unit)


def stated_by_campaign(node: orm.ProcessNode, *, number: int) -> StatedSpreads:
    """Spreads that the models of one round stated before every gate, each of several ensembles for itself.

    Raises:
        InputError: if the campaign has no gate, has decided nothing in that round, or has neither record nor results.
    """
    from aiida_mlhull.calculations.settings import settings_of
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.metrics import stated
    from aiida_mlhull.science.units import ENERGY_UNIT

    record = record_of(node)
    if record is None and not node.is_finished_ok:
        raise InputError(
            f"campaign {node.pk} ({node.label}) is {campaigns.process_state(node)} and has no record: what its models "
            f"predicted is compared with its results, which are there when it has ended well"
        )
    truth = results.results(node) if record is None else record
    settings = settings_of(node.inputs.settings, CampaignSettings)
    by_gate = {}
    gates = [stage for stage in settings.stages if stage.gate is not None]
    for stage in gates:
        step = deciding_step(node.pk, number=number, stage=stage.name)
        if step is None:
            continue  # an earlier gate has left no candidate to decide about
        for name, said in said_before(step).items():
            by_gate[", ".join(filter(None, (stage.name, f"round {number}", name)))] = said
    if not gates:
        raise InputError(f"campaign {node.pk} ({node.label}) has no gate: no models were asked")
    if not by_gate:
        raise nothing_decided(node, number=number, stage=None)
    remark = (
        "Held against the record."
        if record is not None
        else "Held against what was relaxed: what the models thought hopeless is missing."
    )
    title = f"Campaign {node.pk} ({node.label})"
    return StatedSpreads(
        title=title,
        stated={name: stated(predictions, truth) for name, predictions in by_gate.items()},
        remarks=(remark,),
        unit=ENERGY_UNIT,
        predictions=by_gate,
        truth=truth,
        campaign=node,
    )
