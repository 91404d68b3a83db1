"""What every site contributes to an ensemble's predictions."""

from __future__ import annotations

import numpy as np

from aiida_mlhull.science.ensembles.preparation import Preparation
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.types import Candidates, Crystals, EnsembleWeights, ModelRows
from aiida_mlhull.science.types.crystals import Floats


def contributions_in(candidates: Candidates, ensemble: EnsembleWeights) -> tuple[Crystals, Floats]:
    """The cells of candidates, and (N,) :func:`site_contributions` in them.

    Raises:
        InputError: if they have no cells.
    """
    cells = candidates.crystals
    if cells is None:
        raise InputError(f"{candidates.source or 'these candidates'}: no cells, and so no sites")
    baselines = np.zeros(len(candidates))
    rows = ModelRows(ids=candidates.ids, formulas=candidates.formulas, crystals=cells, baselines=baselines)
    return cells, site_contributions(ensemble, rows)


def site_contributions(ensemble: EnsembleWeights, rows: ModelRows, *, device: str = "cpu") -> Floats:
    """(N,) mean over the members, in the target's unit and in the order of the cells' sites.

    Raises:
        InputError: if the model's predictions are not sums over sites.
        SettingsError: if the model's pooling is not linear.
        DeviceError: if the device isn't there.
    """
    model_class = MODELS[ensemble.model]
    model = model_class(model_class.Settings(**ensemble.settings))
    if ensemble.classes or not hasattr(model, "site_contributions"):
        raise InputError(f"predictions of {ensemble.model} for {ensemble.target} are not sums over sites; cgcnn's are")
    crystals = Preparation.from_json(ensemble.preparation)(rows).crystals
    each = [model.site_contributions(member, crystals, device=device) for member in ensemble.members]
    return np.asarray(np.mean(each, axis=0))
