"""From members to an ensemble, from an ensemble to predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version

import numpy as np

from aiida_mlhull.science.ensembles.calibrate import calibrate, scaled_spreads
from aiida_mlhull.science.ensembles.classes import chance_of_second
from aiida_mlhull.science.ensembles.labels_only import represented
from aiida_mlhull.science.ensembles.preparation import Preparation, seen
from aiida_mlhull.science.ensembles.settings import EnsembleSettings, View
from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.base import ReportLine, silent
from aiida_mlhull.science.types import EnsembleWeights, MemberWeights, ModelRows, Predictions
from aiida_mlhull.science.types.crystals import Floats


def gather(members: Sequence[MemberWeights], *, settings: EnsembleSettings) -> EnsembleWeights:
    """One ensemble from members that were fitted on the same rows with the same settings.

    Raises:
        WeightsError: if there are none, some are missing or doubled, or they were fitted on other rows or seeds.
    """
    if not members:
        raise WeightsError("an ensemble needs at least one member")
    ordered = sorted(members, key=lambda weights: int(weights.meta["member"]))
    numbers = [weights.meta["member"] for weights in ordered]
    if numbers != list(range(settings.members)):
        raise WeightsError(f"expected members 0 to {settings.members - 1}, got {numbers}")
    first = ordered[0].meta
    alike = all(
        weights.meta["preparation"] == first["preparation"] and weights.meta["ensemble_seed"] == first["ensemble_seed"]
        for weights in ordered
    )
    if not alike:
        raise WeightsError("these members were fitted on different training rows or with different seeds")
    return EnsembleWeights(
        model=settings.model,
        settings=settings.build().settings.model_dump(mode="json"),
        members=tuple(ordered),  # as they were fitted: equal bytes are stored once
        preparation=first["preparation"],
        target=settings.target,
        unit=settings.unit,
        classes=settings.classes,
        calibration={} if settings.classes else calibrate(ordered, method=settings.calibration),
        versions={"aiida-mlhull": version("aiida-mlhull"), "numpy": version("numpy")},
    )


def join(parts: Sequence[EnsembleWeights], *, settings: EnsembleSettings) -> EnsembleWeights:
    """One ensemble from parts that were fitted apart; its metadata are those of the part with the first member.

    Raises:
        WeightsError: see :func:`gather`.
    """
    whole = gather([member for part in parts for member in part.members], settings=settings)
    first = min(parts, key=lambda part: int(part.members[0].meta["member"]))
    calibration = whole.calibration | first.calibration
    return replace(
        whole, versions=first.versions, baseline=first.baseline, learned=first.learned, calibration=calibration
    )


def predict(
    ensemble: EnsembleWeights, rows: ModelRows, *, device: str = "cpu", report: ReportLine = silent
) -> Predictions:
    """Every member's value and spread for every row, in the ensemble's unit, baselines added back.

    A member without spreads of its own (loss ``l1``) gets the root of its validation MSE in every row,
    so that sigma_a² is the mean validation MSE (Ekström 2022). A calibrated ensemble's σ is multiplied
    by its factor. Blind members are shown the rows as if there had been no stage before. Of two classes the
    number is the probability of the second one.

    Raises:
        InputError: if the ensemble tells more than two classes apart.
        WeightsError: if the weights don't belong to the model named.
        DeviceError: if the device isn't there.
        CrystalError: if rows are only labels, and the model needs cells.
    """
    model_class = MODELS[ensemble.model]
    model = model_class(model_class.Settings(**ensemble.settings))
    prepared = Preparation.from_json(ensemble.preparation)(rows)
    views = [_view_of(weights) for weights in ensemble.members]
    inputs = {view: represented(ensemble.model, model, seen(prepared, view)) for view in dict.fromkeys(views)}
    values: list[Floats] = []
    spreads: list[Floats] = []
    for number, weights in enumerate(ensemble.members):
        predicted = chance_of_second if ensemble.classes else type(model).predict
        means, own = predicted(model, weights, inputs[views[number]], device=device)
        values.append(means + rows.baselines)
        spreads.append(np.full(len(rows), np.sqrt(ensemble.validation_mse[number])) if own is None else own)
        report(f"member {number + 1} of {len(ensemble.members)} has predicted {len(rows)} rows")
    members, stated = np.column_stack(values), np.column_stack(spreads)
    factor = ensemble.calibration.get("factor", 1.0)
    return Predictions(
        ids=rows.ids,
        formulas=rows.formulas,
        members=members,
        member_aleatoric=stated if factor == 1.0 else scaled_spreads(members, stated, factor=factor),
        model=ensemble.model,
    )


def _view_of(weights: MemberWeights) -> View:
    """What a member saw of the stage before; earlier versions only told whether it was blind."""
    told = weights.meta.get("view")
    if told is None:
        return View(energies=()) if weights.meta["blind"] else View()
    return View.model_validate(told)
