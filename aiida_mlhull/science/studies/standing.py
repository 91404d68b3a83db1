"""How ours compares with the source's, row by row, as plain numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.metrics.learning import fit_power_law
from aiida_mlhull.science.studies.settings import QUANTITIES, WITHOUT_UNIT, Size, Study, StudyRow

NO_PACKAGES: Final = ("device", "file", "source")
"""What ensembles tell beside the versions of packages."""

RunFacts = Mapping[str, Any]
"""Of one run: ``seed``, ``learn`` (rows that a curve asks for), ``learned``, ``asked``, ``scores``, and whatever else is told."""


def study_facts(study: Study, runs: Mapping[str, Sequence[RunFacts]], *, size: Size) -> dict[str, Any]:
    """All rows of a study, those that were not run and those that can't be among them.

    Args:
        study: the study.
        runs: what was run by name of the row, of any number of seeds.
        size: at which.
    """
    rows = [_row(row, list(runs.get(row.name, ())), size=size) for row in study.rows]
    told = [facts for row in rows for facts in row["runs"]]
    return {
        "study": study.name,
        "title": study.title,
        "source": study.source.model_dump(),
        "size": size,
        "seeds": sorted({facts["seed"] for facts in told}),
        "versions": _versions(told),
        "rows": rows,
        "out_of_reach": [one.model_dump() for one in study.out_of_reach],
    }


def _versions(told: Sequence[RunFacts]) -> dict[str, list[str]]:
    """Package to the versions that the ensembles were made with."""
    found: dict[str, set[str]] = {}
    for facts in told:
        for package, version in facts.get("versions", {}).items():
            if package not in NO_PACKAGES:
                found.setdefault(package, set()).add(str(version))
    return {package: sorted(versions) for package, versions in sorted(found.items())}


def _row(row: StudyRow, runs: list[RunFacts], *, size: Size) -> dict[str, Any]:
    ours = value(row, runs)
    return {
        "row": row.name,
        "about": row.about,
        "where": row.where,
        "quantity": row.quantity,
        "words": QUANTITIES[row.quantity] + (f" at {row.at:,} rows" if row.at is not None else ""),
        "unit": "" if row.quantity in WITHOUT_UNIT else row.unit,
        "source": row.figure,
        "ours": ours,
        "difference": None if ours is None or row.figure is None else ours - row.figure,
        "differs": row.differs,
        "settings": None if row.weights else row.settings(size).model_dump(mode="json"),
        "curve": curve(runs) if row.sizes else [],
        "reaches": _reaches(row, runs),
        "runs": sorted(runs, key=lambda facts: (facts["seed"], facts["learned"] or 0)),
    }


def _reaches(row: StudyRow, runs: Sequence[RunFacts]) -> int | None:
    """The most rows that a power law rests on, where it is asked about more than these; else None."""
    points = [n for n, _ in curve(runs)] if row.at is not None else []
    return max(points) if points and max(points) < (row.at or 0) else None


def value(row: StudyRow, runs: Sequence[RunFacts]) -> float | None:
    """What stands beside the source's number: the mean over seeds, or of a curve what its power law gives.

    Returns:
        None where nothing was run, or too little for a power law.
    """
    if row.sizes:
        points = curve(runs)
        if len(points) < 2:  # noqa: PLR2004  (a line needs two)
            return None
        law = fit_power_law(np.asarray([n for n, _ in points]), np.asarray([error for _, error in points]))
        return law.slope if row.at is None else float(law(row.at))
    found = [facts["scores"][row.quantity] for facts in runs if facts["scores"].get(row.quantity) is not None]
    return float(np.mean(found)) if found else None


def curve(runs: Sequence[RunFacts]) -> list[tuple[int, float]]:
    """Rows to learn from and the MAE, the mean over seeds."""
    by_size: dict[int, list[float]] = {}
    for facts in runs:
        by_size.setdefault(facts["learned"], []).append(facts["scores"]["mae"])
    return [(n, float(np.mean(errors))) for n, errors in sorted(by_size.items())]
