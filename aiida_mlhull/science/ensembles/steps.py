"""Ionic steps: cells on the way to a relaxed one, from which its energy can be learned, too.

The D-variant of Goodall's thesis learns the relaxed energy from the unrelaxed and from the relaxed cell. The
cells between the two lie in the same basin, and a relaxation by DFT has paid for them already.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import Crystals, Labels, Table, TrainingRows, concatenate
from aiida_mlhull.science.types.crystals import Integers
from aiida_mlhull.science.types.tables import Strings


@dataclass(frozen=True, eq=False, kw_only=True)
class Steps(Table):
    """Cells of ionic steps, with ids as :func:`step_ids` makes them.

    Attributes:
        candidates: (n,) ids of the candidates that were relaxed.
        crystals: n cells.
    """

    candidates: Strings
    crystals: Crystals


def step_ids(candidate: str, stage: str, count: int) -> list[str]:
    """Ids of a calculation's ionic steps: ``CANDIDATE/STAGE/0000``."""
    return [f"{candidate}/{stage}/{index:04d}" for index in range(count)]


def candidate_of(step: str) -> str:
    """The candidate that an ionic step belongs to. Its id may hold slashes, the other two parts never do."""
    return step.rsplit("/", 2)[0]


def steps_of(labels: Labels) -> Steps:
    """The ionic steps of a table that an engine has kept, without their own energies."""
    owners = [candidate_of(name) for name in labels.ids.tolist()]
    return Steps(
        ids=labels.ids,
        formulas=labels.formulas,
        candidates=np.asarray(owners, dtype=np.str_),
        crystals=labels.crystals,
    )


def steps_to_learn(tables: Sequence[Labels], training: TrainingRows, *, at_most: int) -> Steps | None:
    """Steps of those candidates that have a label.

    Args:
        tables: the steps of stages and shards; their ids don't meet.
        training: the labels.
        at_most: of one candidate, all stages together.

    Returns:
        The steps, or None where there are none.

    Raises:
        TableError: if a step is of another composition than its candidate.
    """
    if not tables or not at_most:
        return None
    steps = concatenate([steps_of(table) for table in tables])
    steps = steps.take(training.has(steps.candidates))
    steps = steps.take(np.asarray([row for rows in _by_candidate(steps) for row in spread(rows, at_most)], dtype=int))
    if not len(steps):
        return None
    formulas = training.formulas[training.positions(steps.candidates)]
    _, which = distinct([*formulas.tolist(), *steps.formulas.tolist()])
    others = which[: len(steps)] != which[len(steps) :]
    if others.any():
        raise TableError(f"ionic steps of another composition than their candidates: {listed(steps.ids[others])}")
    return steps


def spread(rows: Integers, count: int) -> Integers:
    """At most ``count`` of ``rows``, at even distances, the last one among them."""
    chosen = min(count, len(rows))
    return rows[-(-np.arange(1, chosen + 1) * len(rows) // max(chosen, 1)) - 1]


def _by_candidate(steps: Steps) -> Iterator[Integers]:
    """Row numbers of every candidate's steps, in their order."""
    order = np.argsort(steps.candidates, kind="stable")
    _, first = np.unique(steps.candidates[order], return_index=True)
    yield from np.split(order, first[1:])
