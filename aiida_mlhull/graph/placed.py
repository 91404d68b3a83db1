"""A campaign's results, placed on the hull: the same columns in tables, reports and histories."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiida_mlhull import names
from aiida_mlhull.science.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa
    from aiida import orm

    from aiida_mlhull.science.hull.placement import PlacedPhases
    from aiida_mlhull.science.types import Labels, References


def phases_and_known(node: orm.ProcessNode) -> tuple[References, References]:
    """Results of a campaign's last stage as phases, and the references that it started from.

    Raises:
        InputError: if there are no results yet.
    """
    from aiida_mlhull.graph.results import results

    known = node.inputs[names.REFERENCES].to_science()
    return _phases(results(node), known), known


def placed(node: orm.ProcessNode, identifier: str | None = None) -> PlacedPhases:
    """The results of a campaign on the hull that they span with its references; or one of them.

    Raises:
        InputError: if there are no results yet.
    """
    from aiida_mlhull.science.hull.placement import place
    from aiida_mlhull.science.types import concatenate

    phases, known = phases_and_known(node)
    if identifier is None:
        return place(phases, known)
    if not phases.has([identifier])[0]:
        return place(phases.take([]), known)
    return place(phases.select([identifier]), concatenate([known, phases.without([identifier])]))


def beside(node: orm.ProcessNode) -> pa.Table:
    """The columns of :func:`~aiida_mlhull.science.campaign.phase_table.hull_columns`, a row per result.

    Failed relaxations have missing values.
    """
    import numpy as np
    import pyarrow as pa

    from aiida_mlhull.graph.results import results
    from aiida_mlhull.science.campaign.phase_table import hull_columns

    labels, phases = results(node), placed(node)
    at = np.full(len(labels), -1, dtype=np.int64)
    at[labels.positions(phases.ids)] = np.arange(len(phases))
    rows = pa.array(at, mask=at < 0)
    return pa.table({name: pa.array(column).take(rows) for name, column in hull_columns(phases).items()})


def facts(node: orm.ProcessNode, identifier: str) -> list[tuple[str, str]]:
    """Name and value of what follows from the hull for one result, for people; empty where there is none (yet)."""
    from aiida_mlhull.graph.results import may_have_result
    from aiida_mlhull.science.campaign.phase_table import phase_facts

    try:
        if not may_have_result(node, identifier):
            return []  # without loading the solver
        found = placed(node, identifier)
    except InputError:
        return []
    return phase_facts(found, 0) if len(found) else []


def _phases(labels: Labels, known: References) -> References:
    from aiida_mlhull.science.types import References

    done = labels.take(labels.succeeded)
    return References(
        ids=done.ids,
        formulas=done.formulas,
        energies=done.energies,
        source=f"results of {labels.stage}",
        scheme=known.scheme,
    )
