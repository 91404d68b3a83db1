"""What more labels would bring, with and without a parent."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from aiida_mlhull.launching.questions import training

if TYPE_CHECKING:
    from aiida_mlhull.science.ensembles import EnsembleSettings
    from aiida_mlhull.science.ensembles.learning import LearningCurve


def learning_curves(
    table: dict[str, Any],
    *,
    sizes: Sequence[int],
    repeats: int,
    by: Literal["row", "formula"],
    seed: int,
    transfer: str | None,
    parent: str | None,
    load: Callable[[], object],
    picture: Path | None,
    say: Callable[[str], object],
) -> tuple[dict[str, dict[str, Any]], str]:
    """Fit ensembles to ever more rows of a table; nothing is stored.

    Args:
        table: what :func:`~aiida_mlhull.launching.questions.training.read_training_set` takes, with files of ``references``
            and ``elements``.
        sizes: rows to learn from.
        repeats: splits to average over.
        by: what a split keeps on one side.
        seed: of everything that is drawn.
        transfer: mode of the curve with a parent; the settings', or full, if None.
        parent: pk, UUID or label of an ensemble that members of a second curve begin with; None for one curve alone.
        load: loads the AiiDA profile that holds the parent.
        picture: is drawn if given.
        say: is called with progress.

    Returns:
        Facts by curve, see :func:`~aiida_mlhull.science.metrics.learning.learning_facts`, and the unit.

    Raises:
        MlhullError: if anything can't be read, doesn't exist or doesn't fit together.
    """
    from aiida_mlhull.science.ensembles.learning import learning_curve

    table = dict(table)
    table["references"] = training.read_known_phases(table.pop("references"), table.pop("elements"))
    properties, said = training.read_training_set(**table, transfer=transfer)
    if parent is None:
        training.check_transfer(said, parent)
    settings = training.in_mode(said, "scratch")
    say(properties.summary())

    def curve(name: str, of: EnsembleSettings, **begin: Any) -> LearningCurve:
        begin |= {"report": lambda line: say(f"{name}: {line}")}
        return learning_curve(properties.rows, of, sizes=sizes, repeats=repeats, by=by, seed=seed, **begin)

    curves = {settings.model: curve(settings.model, settings)}
    if parent is not None:
        load()
        from aiida_mlhull.launching import stored

        mode = transfer or (said.transfer.mode if said.transfer.mode != "scratch" else "full")
        name = f"from {parent}, {mode}"
        curves[name] = curve(name, training.in_mode(said, mode), parent=stored.ensemble(parent).to_science())
    if picture is not None:
        _draw(curves, picture, unit=settings.unit or settings.target)
    return {name: _facts(one) for name, one in curves.items()}, settings.unit


def _draw(curves: Mapping[str, LearningCurve], path: Path, *, unit: str) -> None:
    from aiida_mlhull.science.plots import draw_learning_curves

    draw_learning_curves(curves, unit=unit).savefig(path)


def _facts(curve: LearningCurve) -> dict[str, Any]:
    from aiida_mlhull.science.metrics.learning import learning_facts

    return learning_facts(curve.sizes, curve.mae, curve.rmse) | {"test_rows": curve.test_rows}
