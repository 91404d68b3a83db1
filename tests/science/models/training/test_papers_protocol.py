"""Training as papers report it: all rows, a fixed number of epochs, the last weights; presets with their numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.models.training.optimizers import TrainingSettings, learning_rate
from aiida_mlhull.science.types import ModelRows, TrainingRows
from aiida_mlhull.science.types.strict import validated
from tests.science.real_crystals import mp_crystals, mp_energies

SMALL = {"width": 16, "hidden_width": 16, "output_widths": (16,), "batch_size": 32, "learning_rate": 3e-3}


@pytest.fixture(scope="module")
def rows() -> TrainingRows:
    """Formation energies of 94 real crystals."""
    crystals = mp_crystals()
    return TrainingRows.from_rows(
        ids=[f"{row:03d}" for row in range(len(crystals))],
        formulas=crystals.reduced_formulas(),
        crystals=crystals,
        baselines=np.zeros(len(crystals)),
        energies=mp_energies(),
        relaxed=crystals,
    )


def settings(*, epochs: int, keep: str = "last", fraction: float = 0.0, **changes) -> EnsembleSettings:
    told = {"max_epochs": epochs, "patience": 1, "keep": keep, **SMALL}
    values = {"model": "roost", "members": 1, "validation_fraction": fraction, "volume_scaling": False}
    return validated(EnsembleSettings, {**values, "model_settings": told, **changes}, what="ensemble")


def test_all_rows_are_learned_from_for_all_epochs(rows):
    short, long = (fit_member(rows, settings(epochs=epochs), member=0, seed=0) for epochs in (2, 40))
    assert long.scores["epochs"] == 40  # whatever patience says
    assert "held_out" not in long.scores
    assert "validation_mae" not in long.scores
    assert long.scores["training_mae"] < 0.7 * short.scores["training_mae"]
    ensemble = gather([long], settings=settings(epochs=40))
    assert ensemble.calibration == {}
    said = predict(ensemble, _asked(rows))
    assert np.abs(said.mean - rows.energies).mean() < 1.3 * long.scores["training_mae"]
    assert (said.sigma > 0).all()


def test_the_last_epoch_is_kept_not_the_best_one(rows):
    """With a rate that makes every epoch worse or better at random, the two differ, and the last is the longer run's."""
    last = fit_member(rows, settings(epochs=6, fraction=0.2), member=0, seed=1)
    history = last.scores["history"]
    assert last.scores["validation_mae"] == pytest.approx(history[-1])
    best = fit_member(rows, settings(epochs=6, keep="best", fraction=0.2), member=0, seed=1)
    assert best.scores["validation_mae"] == pytest.approx(min(best.scores["history"]))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"keep": "best"}, "set model_settings keep to 'last'"),
        ({"loss": "l1"}, "needs a loss that gives σ by itself"),
        ({"calibration": "variance"}, "leaves no rows to calibrate"),
    ],
)
def test_what_needs_validation_rows_is_refused(changes, message):
    with pytest.raises(SettingsError, match=message):
        settings(epochs=3, **changes)


def test_steps_are_those_of_torch():
    told = TrainingSettings(schedule="steps", step_epochs=(3, 5), step_factor=0.1, learning_rate=0.02)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.02)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[3, 5], gamma=0.1)
    for epoch in range(8):
        assert learning_rate(told, epoch=epoch, share=0.5) == pytest.approx(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    with pytest.raises(ValueError, match="belong together"):
        TrainingSettings(schedule="steps")


def test_the_checkpoint_preset_is_what_stands_in_the_published_file():
    from tests.science.ensembles.test_published import SHIPPED

    told = torch.load(SHIPPED, weights_only=True)["args"]
    ours = MODELS["cgcnn"].Settings(preset="checkpoint")
    assert (ours.layers, ours.hidden_width, ours.hidden_layers) == (told["n_conv"], told["h_fea_len"], told["n_h"])
    assert (ours.learning_rate, ours.momentum, ours.weight_decay) == (
        told["lr"],
        told["momentum"],
        told["weight_decay"],
    )
    assert (ours.batch_size, ours.max_epochs, list(ours.step_epochs)) == (
        told["batch_size"],
        told["epochs"],
        told["lr_milestones"],
    )
    assert ours.optimizer == told["optim"].lower()


def _asked(rows: TrainingRows) -> ModelRows:
    return ModelRows(ids=rows.ids, formulas=rows.formulas, crystals=rows.crystals, baselines=rows.baselines)
