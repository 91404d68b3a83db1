"""Tables and pictures of a campaign in a folder."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.metrics.campaign import RecallCurve


def write_report(node: orm.ProcessNode, folder: Path) -> list[Path]:
    """Everything that a campaign which has ended well can be looked at with.

    Returns:
        The files, in the order in which people want them.
    """
    from aiida_mlhull.cli import pictures
    from aiida_mlhull.graph import results
    from aiida_mlhull.science.tables.export import to_cif, to_csv

    folder.mkdir(parents=True, exist_ok=True)
    phases = results.phases(node)
    written = [
        *pictures.draw_diagrams(node, folder),
        pictures.draw_funnel(node, folder / "funnel.png"),
        _bytes(folder / "candidates.csv", to_csv(results.outcomes(node))),
        _bytes(folder / "results.csv", to_csv(results.results(node))),
    ]
    if len(phases):
        written += [
            _bytes(folder / "phases.csv", to_csv(phases)),
            _bytes(folder / "phases.cif", to_cif(phases)),
        ]
    rounds = results.rounds(node.pk)
    if rounds:
        names = [field.name for field in fields(rounds[0])]
        written.append(_csv(folder / "rounds.csv", names, [astuple(one) for one in rounds]))
    return written


def write_curve(curve: RecallCurve, stem: Path, *, name: str) -> list[Path]:
    """The recall curve as ``STEM.curve.csv`` and ``STEM.curve.png``."""
    from aiida_mlhull.cli import pictures

    columns = asdict(curve)
    rows = zip(*(values.tolist() for values in columns.values()), strict=True)
    return [
        _csv(stem.with_name(f"{stem.name}.curve.csv"), list(columns), rows),
        pictures.draw_recall(curve, stem.with_name(f"{stem.name}.curve.png"), name=name),
    ]


def _csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[Any]]) -> Path:
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(names)
        writer.writerows(rows)
    return path


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
