"""Maps in words: what was taken, how it was estimated, and which regions are unexplored."""

from __future__ import annotations

from typing import Final

import numpy as np

from aiida_mlhull.science.maps.points import Estimated, MapPoints
from aiida_mlhull.science.maps.selection import Selection
from aiida_mlhull.science.maps.territory import OUTSIDE, Territory
from aiida_mlhull.science.tables import text

SHOWN: Final = 12
"""Candidates in new territory that are named."""


def best_in_words(selection: Selection) -> str:
    """How many rows were taken, and how many might have been instead."""
    ties = int(selection.tied.sum())
    others = f" ({ties:,} others equal the last one taken: the table's order decided)" if ties else ""
    return f"best of every cluster: {int(selection.chosen.sum()):,} of {len(selection.chosen):,} rows{others}"


def estimates_in_words(made: Estimated, by: str) -> str:
    """The calibration for people."""
    rows = [
        (
            family,
            line.n_rows,
            " ".join(f"{value:.4f}" for value in line.coefficients),
            f"{line.intercept:.4f}",
            f"{line.leave_one_out:.3g}",
            f"{line.spread:.3g}",
            "" if line.converged else "not converged",
        )
        for family, line in made.calibration.lines.items()
    ]
    reasons, counts = np.unique(made.estimates.reasons, return_counts=True)
    tally = ", ".join(f"{count:,} {reason}" for reason, count in zip(reasons.tolist(), counts.tolist(), strict=True))
    head = (by, "reference", "coefficients", "intercept", "leave-one-out", "own spread", "")
    small = ", ".join(f"{family} ({count})" for family, count in made.calibration.too_small.items())
    return "\n".join(
        [
            f"{made.column}, estimated by Huber regression",
            text.table(head, rows, indent="  "),
            *([f"  too few or too equal reference rows: {small}"] if small else []),
            f"  rows: {tally}",
        ]
    )


def regions_in_words(territory: Territory, points: MapPoints, placed: MapPoints | None) -> str:
    """Empty regions in ranges, and who falls there."""
    x_name, y_name, *_ = points.labels
    there = None if placed is None else territory.where(placed.x, placed.y)
    lines = []
    for number, region in enumerate(territory.regions):
        lines.append(
            f"  {number + 1}: {region.share:.0%} of the map, {'enclosed' if region.enclosed else 'at its border'}; "
            f"within it {x_name} {region.x[0]:.4g} to {region.x[1]:.4g}, {y_name} {region.y[0]:.4g} to {region.y[1]:.4g}"
        )
        if there is not None and placed is not None:
            names = placed.names[there == number].tolist()
            lines.append(f"     candidates there: {len(names):,}{': ' if names else ''}{', '.join(names[:SHOWN])}")
    if there is not None and placed is not None:
        names = placed.names[there == OUTSIDE].tolist()
        lines.append(f"  outside the range of the map: {len(names):,}{': ' if names else ''}{', '.join(names[:SHOWN])}")
    return "\n".join([f"unexplored regions: {len(territory.regions)}", *lines])
