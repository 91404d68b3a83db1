"""Learning curves: the error on rows set aside, after learning from ever more of the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from aiida_mlhull.science.ensembles.combine import gather, predict
from aiida_mlhull.science.ensembles.fit import check_enough, fit_member, member_seed
from aiida_mlhull.science.ensembles.settings import EnsembleSettings
from aiida_mlhull.science.errors import TooFewLabelsError
from aiida_mlhull.science.models.base import ReportLine, silent
from aiida_mlhull.science.types import EnsembleWeights, ModelRows, Predictions, TrainingRows
from aiida_mlhull.science.types.crystals import Floats, Integers

By = Literal["row", "formula"]
"""What is kept on one side of a split: a row, or all rows of a formula."""

_COLUMNS: Final = ("ids", "formulas", "crystals", "baselines", "stage_energies", "unrelaxed", "protostructures")


@dataclass(frozen=True, eq=False)
class LearningCurve:
    """Errors of k sizes in r repeats, in the target's unit.

    Attributes:
        sizes: (k,) rows to learn from, those that members validate on included.
        mae: (k, r) mean absolute error of the ensemble's mean on the test rows.
        rmse: (k, r) root mean squared error.
        test_rows: number of test rows in each repeat.
    """

    sizes: Integers
    mae: Floats
    rmse: Floats
    test_rows: int


def learning_curve(
    rows: TrainingRows,
    settings: EnsembleSettings,
    *,
    sizes: Sequence[int],
    test_share: float = 0.2,
    repeats: int = 1,
    by: By = "row",
    seed: int = 0,
    parent: EnsembleWeights | None = None,
    device: str = "cpu",
    report: ReportLine = silent,
) -> LearningCurve:
    """Fit an ensemble on the first n of the rows that are left when test rows have been drawn, for every n.

    The larger sets hold the smaller ones. With the same seed, curves of two models, or with and without a
    parent, are made on the same rows.

    Args:
        rows: all labels.
        settings: of the ensembles.
        sizes: rows to learn from.
        test_share: of all rows, set aside in every repeat.
        repeats: splits.
        by: see :data:`By`.
        seed: of splits and members.
        parent: whose members those begin with, if the settings say so.
        device: ``"cpu"`` or a torch device.
        report: called once for every ensemble.

    Raises:
        TooFewLabelsError: if a size is too small for the ensemble, or more than there is.
    """
    wanted = sorted(set(sizes))
    check_enough(wanted[0], settings)
    mae, rmse = np.empty((len(wanted), repeats)), np.empty((len(wanted), repeats))
    tested = 0
    for repeat in range(repeats):
        learned, test = split_rows(rows, share=test_share, by=by, seed=seed + repeat)
        tested = len(test)
        if wanted[-1] > len(learned):
            raise TooFewLabelsError(f"{len(learned)} rows are left to learn from, but {wanted[-1]} were asked for")
        for place, size in enumerate(wanted):
            own_seed = member_seed(seed + repeat, size)
            taught = rows.take(np.sort(learned[:size]))
            said = fit_and_ask(taught, rows.take(test), settings, seed=own_seed, parent=parent, device=device)
            errors = said.mean - rows.take(test).energies
            mae[place, repeat] = np.abs(errors).mean()
            rmse[place, repeat] = np.sqrt(np.mean(np.square(errors)))
            found = f"MAE {mae[place, repeat]:.4g} {settings.unit}".rstrip()
            report(f"repeat {repeat + 1} of {repeats}, {size} rows: {found}")
    return LearningCurve(np.asarray(wanted, dtype=np.int64), mae, rmse, tested)


def split_rows(rows: TrainingRows, *, share: float, by: By, seed: int) -> tuple[Integers, Integers]:
    """Row numbers to learn from, in random order, and to test on, about ``share`` of all."""
    groups = np.arange(len(rows)) if by == "row" else np.unique(rows.formulas, return_inverse=True)[1]
    return split_groups(groups.astype(np.int64), share=share, seed=seed)


def split_groups(groups: Integers, *, share: float, seed: int) -> tuple[Integers, Integers]:
    """The same for rows of which (n,) numbers say what group each belongs to; a group stays on one side."""
    rng = np.random.default_rng(seed)
    turn = rng.permutation(groups.max() + 1)[groups]
    order = np.lexsort((rng.permutation(len(groups)), turn))
    size = max(1, round(share * len(groups)))
    while size < len(groups) and turn[order[size]] == turn[order[size - 1]]:
        size += 1
    return order[size:].astype(np.int64), np.sort(order[:size]).astype(np.int64)


def fit_and_ask(
    taught: TrainingRows,
    asked: TrainingRows,
    settings: EnsembleSettings,
    *,
    seed: int,
    parent: EnsembleWeights | None = None,
    device: str = "cpu",
) -> Predictions:
    """Fit all members on ``taught``, and ask them about ``asked``, whose labels they are not shown."""
    members = [
        fit_member(taught, settings, member=number, seed=seed, parent=parent, device=device)
        for number in range(settings.members)
    ]
    questions = ModelRows(**{name: getattr(asked, name) for name in _COLUMNS})
    return predict(gather(members, settings=settings), questions, device=device)
