"""What more labels would bring, with and without a parent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

from aiida_mlhull.launching.questions import training


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
    from aiida_mlhull.science.metrics.learning import learning_facts

    table = dict(table)
    table["references"] = training.read_known_phases(table.pop("references"), table.pop("elements"))
    _, said = training.read_training_set(**table, transfer=transfer)
    if parent is None:
        training.check_transfer(said, parent)
    properties, settings = training.read_training_set(**table, transfer="scratch")
    shared: dict[str, Any] = {"sizes": sizes, "repeats": repeats, "by": by, "seed": seed}

    def report_of(name: str) -> dict[str, Any]:
        return {"report": lambda line: say(f"{name}: {line}")}

    say(properties.summary())
    curves = {settings.model: learning_curve(properties.rows, settings, **shared, **report_of(settings.model))}
    if parent is not None:
        load()
        from aiida_mlhull.launching import stored

        mode = transfer or (said.transfer.mode if said.transfer.mode != "scratch" else "full")
        _, child = training.read_training_set(**table, transfer=mode)
        name, begin = f"from {parent}, {mode}", stored.ensemble(parent).to_science()
        curves[name] = learning_curve(properties.rows, child, **shared, **report_of(name), parent=begin)
    if picture is not None:
        from aiida_mlhull.science.plots import draw_learning_curves

        draw_learning_curves(curves, unit=settings.unit or settings.target).savefig(picture)
    facts = {
        name: learning_facts(curve.sizes, curve.mae, curve.rmse) | {"test_rows": curve.test_rows}
        for name, curve in curves.items()
    }
    return facts, settings.unit
