"""Fitting one member: its split, its rows, its start, all from (seed, member)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.ensembles.calibrate import SCORE, note
from aiida_mlhull.science.ensembles.classes import note_classes
from aiida_mlhull.science.ensembles.labels_only import represented
from aiida_mlhull.science.ensembles.preparation import Preparation
from aiida_mlhull.science.ensembles.settings import EnsembleSettings
from aiida_mlhull.science.ensembles.steps import Steps
from aiida_mlhull.science.ensembles.training_set import MINIMUM_VALIDATION, TrainingSet, training_set, validation_size
from aiida_mlhull.science.errors import TooFewLabelsError, WeightsError
from aiida_mlhull.science.models.base import Checkpoints, GradualModel, Inheritance, Model, ReportLine, silent
from aiida_mlhull.science.types import EnsembleWeights, MemberWeights, TrainingRows

MINIMUM_TRAINING: Final = 12


def fit_member(
    training: TrainingRows,
    settings: EnsembleSettings,
    *,
    member: int,
    seed: int,
    steps: Steps | None = None,
    parent: EnsembleWeights | None = None,
    baseline: str = "",
    device: str = "cpu",
    report: ReportLine = silent,
    checkpoints: Checkpoints | None = None,
) -> MemberWeights:
    """Fit member number ``member`` of an ensemble; members may be fitted anywhere, in any order.

    Args:
        training: all labels so far; the same for all members.
        settings: the same for all members.
        member: 0 to ``settings.members - 1``.
        seed: the ensemble's; the member's own is derived from both.
        steps: ionic steps of the same candidates, learned from as well.
        parent: an ensemble whose members these begin with, as ``settings.transfer`` says; the first
            ones again where it has fewer.
        baseline: what the targets are measured from, if that is known: a parent hands its scale on where it learned
            the same quantity, measured from the same.
        device: ``"cpu"`` or a torch device.
        report: called with progress.
        checkpoints: where a fit that learns by small steps is kept while it is under way.

    Returns:
        Weights whose ``meta["preparation"]`` holds what was done to the cells, for :func:`gather`.

    Raises:
        TooFewLabelsError: saying how many are needed.
        FitError: if training gave nothing finite.
        WeightsError: if the parent is of another model or other settings.
        DeviceError: if the device isn't there.
        CrystalError: if rows are only labels, and the model needs cells.
    """
    check_enough(int(training.own.sum()), settings)
    preparation = Preparation.fit(training, settings)
    own_seed = member_seed(seed, member)
    model, view = settings.build(), settings.view(member)
    taught = training_set(training, settings, preparation, seed=own_seed, view=view, steps=steps)
    start = None if parent is None else start_from(parent, settings, member=member, baseline=baseline)
    fit = _fit_classes if settings.classes else _fit_numbers
    weights, unseen = fit(
        model,
        represented(settings.model, model, taught.rows),
        taught,
        settings,
        start=start,
        seed=own_seed,
        device=device,
        report=report,
        checkpoints=checkpoints,
    )
    meta = {**weights.meta, "preparation": preparation.to_json(), "member": member, "ensemble_seed": seed}
    kept = {SCORE: unseen} if len(taught.validation) else {}
    return replace(weights, meta={**meta, "view": view.model_dump(mode="json")}, scores={**weights.scores, **kept})


def _fit_numbers(
    model: Model,
    inputs: Any,
    taught: TrainingSet,
    settings: EnsembleSettings,
    *,
    start: Inheritance | None,
    checkpoints: Checkpoints | None,
    device: str,
    **shared: Any,
) -> tuple[MemberWeights, dict[str, Any]]:
    """A member, and what it predicts for the rows that it didn't learn from."""
    shared |= {"train": taught.train, "validation": taught.validation, "loss": settings.loss, "device": device}
    if isinstance(model, GradualModel):
        weights = model.fit_from(start, inputs, taught.targets, **shared, checkpoints=checkpoints)
    else:
        weights = model.fit(inputs, taught.targets, **shared)
    means, spreads = model.predict(weights, inputs, device=device)
    aside = taught.validation
    spread = None if spreads is None else spreads[aside]
    return weights, note(taught.held_out, taught.targets[aside], means[aside], spread)


def _fit_classes(
    model: Any, inputs: Any, taught: TrainingSet, settings: EnsembleSettings, *, device: str, **shared: Any
) -> tuple[MemberWeights, dict[str, Any]]:
    """The same for classes."""
    from aiida_mlhull.science.models.families.classification import (  # noqa: PLC0415  (torch)
        class_probabilities,
        fit_classes,
    )

    classes, aside = taught.targets.astype(np.int64), taught.validation
    weights = fit_classes(
        model,
        inputs,
        classes,
        count=len(settings.classes),
        train=taught.train,
        validation=aside,
        device=device,
        **shared,
    )
    probabilities = class_probabilities(model, weights, inputs, device=device)
    return weights, note_classes(taught.held_out, classes[aside], probabilities[aside])


def start_from(parent: EnsembleWeights, settings: EnsembleSettings, *, member: int, baseline: str = "") -> Inheritance:
    """Where a member begins, given its parent ensemble.

    Raises:
        WeightsError: if the parent is of another model.
    """
    if parent.model != settings.model:
        raise WeightsError(f"the parent is an ensemble of {parent.model}, which a {settings.model} can't begin with")
    transfer = settings.transfer
    return Inheritance(
        parent.members[member % len(parent.members)],
        head_only=transfer.mode == "head",
        keep_scale=(parent.target, parent.unit) == (settings.target, settings.unit)
        and (parent.baseline == baseline or not (parent.baseline and baseline)),
        learning_rate_factor=transfer.learning_rate_factor,
        groups=transfer.groups,
    )


def member_seed(seed: int, member: int) -> int:
    """The seed of one member, 32 bits, unrelated for neighboring seeds and members."""
    return int(np.random.SeedSequence([seed, member]).generate_state(1)[0])


def needed_labels(settings: EnsembleSettings) -> int:
    """The fewest labels that give every member enough to learn from and to validate on."""
    n = MINIMUM_TRAINING + MINIMUM_VALIDATION
    while n - validation_size(n, settings) < MINIMUM_TRAINING:
        n += 1
    return n


def check_enough(labels: int, settings: EnsembleSettings) -> None:
    """Refuse to fit on too few labels.

    Raises:
        TooFewLabelsError: saying how many are needed.
    """
    needed = needed_labels(settings)
    if labels < needed:
        raise TooFewLabelsError(f"{labels} labels are too few to fit an ensemble; it needs at least {needed}")
