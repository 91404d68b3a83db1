"""Searching for hyper-parameters, every trial recorded.

The search is Optuna's tree-structured Parzen estimator, seeded; a trial fits one member and is judged by its
validation MAE, which no test row has a part in. What is searched: the learning rate and the weight decay, both
on a logarithmic scale, and the number of layers, for models that have these settings; trees, the share of
columns and the size of leaves for forests.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from aiida_mlhull.science.ensembles.fit import fit_member
from aiida_mlhull.science.ensembles.settings import EnsembleSettings
from aiida_mlhull.science.errors import FitError, MissingExtraError, SettingsError
from aiida_mlhull.science.models.base import ReportLine, silent
from aiida_mlhull.science.types import TrainingRows


@dataclass(frozen=True)
class Range:
    """Where a setting is searched.

    Attributes:
        low: least value.
        high: largest value.
        log: whether steps are in the logarithm.
        whole: whether it is a whole number.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False


RANGES: Final = {
    "learning_rate": Range(1e-4, 3e-2, log=True),
    "weight_decay": Range(1e-7, 1e-2, log=True),
    "layers": Range(1, 5, whole=True),
    "trees": Range(50, 400, whole=True),
    "max_features": Range(0.1, 1.0),
    "min_samples_leaf": Range(1, 8, whole=True),
}
"""Setting to range; a model is searched over those that it has."""


@dataclass(frozen=True)
class Trial:
    """One set of values.

    Attributes:
        number: from 0.
        settings: what was tried.
        validation_mae: in the target's unit; None if the fit failed.
        epochs: that it took.
        seconds: likewise.
        failure: why there is no number; empty if there is.
    """

    number: int
    settings: dict[str, float | int]
    validation_mae: float | None
    epochs: int = 0
    seconds: float = 0.0
    failure: str = ""


def searched(settings: EnsembleSettings) -> dict[str, Range]:
    """What is searched for an ensemble's model.

    Raises:
        SettingsError: if it has none of the settings that are searched.
    """
    known = type(settings.build().settings).model_fields
    ranges = {name: found for name, found in RANGES.items() if name in known}
    if not ranges:
        raise SettingsError(f"{settings.model} has none of the settings that are searched: {', '.join(RANGES)}")
    return ranges


def tune(
    rows: TrainingRows,
    settings: EnsembleSettings,
    *,
    trials: int,
    seed: int = 0,
    device: str = "cpu",
    keep: Callable[[Trial], None] = lambda _: None,
    report: ReportLine = silent,
) -> list[Trial]:
    """Search, and return all trials in their order; the best has the least ``validation_mae``.

    Args:
        rows: to learn from and to validate on; keep test rows out of them.
        settings: of the ensemble; values of ``model_settings`` that are not searched stay.
        trials: how many.
        seed: of the search and of the members; all trials have the same split.
        device: ``"cpu"`` or a torch device.
        keep: called with every trial as soon as it is done.
        report: called with a line a trial.

    Raises:
        SettingsError: if the model has nothing to search.
        MissingExtraError: if Optuna is not installed.
    """
    ranges = searched(settings)
    try:
        import optuna  # noqa: PLC0415  (an extra)
    except ModuleNotFoundError as error:
        raise MissingExtraError("the search needs optuna: pip install 'aiida-mlhull[tune]'") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed), direction="minimize")
    done: list[Trial] = []
    for number in range(trials):
        asked = study.ask()
        values = {name: _suggested(asked, name, found) for name, found in ranges.items()}
        done.append(replace(_tried(rows, _with(settings, values), seed=seed, device=device), number=number))
        done[-1] = replace(done[-1], settings=values)
        outcome, told = done[-1].validation_mae, optuna.trial.TrialState.FAIL
        study.tell(asked, outcome, state=told if outcome is None else None)
        keep(done[-1])
        report(f"trial {number + 1} of {trials}: {_words(done[-1], unit=settings.unit)}")
    return done


def best(trials: list[Trial]) -> Trial:
    """The trial with the least validation MAE, the first of equals.

    Raises:
        FitError: if all have failed.
    """
    good = [trial for trial in trials if trial.validation_mae is not None]
    if not good:
        raise FitError(f"all {len(trials)} trials have failed; the last one: {trials[-1].failure}")
    return min(good, key=lambda trial: (trial.validation_mae, trial.number))


def _suggested(asked: Any, name: str, found: Range) -> float | int:
    if found.whole:
        return int(asked.suggest_int(name, int(found.low), int(found.high)))
    return float(asked.suggest_float(name, found.low, found.high, log=found.log))


def _with(settings: EnsembleSettings, values: dict[str, float | int]) -> EnsembleSettings:
    content = settings.model_dump(mode="json")
    return EnsembleSettings.model_validate(content | {"model_settings": {**content["model_settings"], **values}})


def _tried(rows: TrainingRows, settings: EnsembleSettings, *, seed: int, device: str) -> Trial:
    try:
        scores = fit_member(rows, settings, member=0, seed=seed, device=device).scores
    except FitError as error:
        return Trial(0, {}, None, failure=str(error))
    return Trial(0, {}, scores["validation_mae"], epochs=scores["epochs"], seconds=scores["seconds"])


def _words(trial: Trial, *, unit: str) -> str:
    values = ", ".join(f"{name} {value:.3g}" for name, value in trial.settings.items())
    return f"{values}: {trial.failure or f'MAE {trial.validation_mae:.4g} {unit}'.rstrip()}"
