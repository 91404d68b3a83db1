"""From cells, labels and references to the rows that models learn from or are asked about."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, Literal, NamedTuple

import numpy as np

from aiida_mlhull.science.errors import (
    CrystalError,
    InputError,
    MixedSchemesError,
    TableError,
    TooFewLabelsError,
    listed,
)
from aiida_mlhull.science.hull import check_end_members, hull_energies
from aiida_mlhull.science.representations.boxes import boxes_of_formulas
from aiida_mlhull.science.representations.composition import distinct, fraction_matrix
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.schemes import difference, same_scheme
from aiida_mlhull.science.types import Candidates, Crystals, Labels, ModelRows, References, TrainingRows, concatenate
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.tables import Strings

Cells = Candidates | Labels
"""The cells that a model sees: unrelaxed candidates, or what the stage before made of them."""

Baseline = Literal["references", "hull", "stage", "none"]
"""What targets are measured from. ``references``: the mixture of the elements, so that the target is the
formation energy. ``hull``: the hull of all references at the composition, so that the target is the distance
from what is known. ``stage``: the energy of the stage before, so that the target is the correction to it.
``none``: nothing; labels are values of any kind (a band gap, a volume), and are learned as they are."""

NEED_REFERENCES: Final = frozenset({"references", "hull"})
"""Baselines that can't do without references."""


class Joined(NamedTuple):
    """Training rows, and how many labels could not become one, by reason."""

    rows: TrainingRows
    left_out: dict[str, int]


def training_rows(
    cells: Cells,
    labels: Labels,
    references: References | None,
    *,
    baseline: Baseline,
    candidates: Candidates | None = None,
) -> Joined:
    """What a model can learn from: labels that went well, of cells that are known.

    Args:
        cells: what models see.
        labels: results of the last stage.
        references: their elements are the baseline ``references``; None where the baseline needs none.
        baseline: see :data:`Baseline`.
        candidates: the same rows before any stage, where ``cells`` are a stage's.

    Returns:
        Rows by id, and the numbers left out: ``failed`` labels, labels ``without_cell``, and labels
        ``without_baseline`` because the stage before had failed.

    Raises:
        TooFewLabelsError: if no row is left.
        TableError: if a cell and its label differ in composition.
        MixedSchemesError: if the baseline is of another scheme than the labels.
        MissingEndMembersError: if the references lack an element.
    """
    if baseline in NEED_REFERENCES and not same_scheme(labels.scheme, _required(references).scheme):
        known_scheme = _required(references).scheme
        raise MixedSchemesError(
            f"labels are {labels.scheme or 'of unknown scheme'!r}, the references {known_scheme or 'unknown'!r} "
            f"({difference(labels.scheme, known_scheme)}): energies measured from references need both alike"
        )
    known = cells.has(labels.ids)
    usable = labels.succeeded & known
    with_baseline = usable & ~_failed_before(cells, labels.ids)
    left_out: dict[str, int] = {
        Reason.FAILED: int((~labels.succeeded).sum()),
        Reason.WITHOUT_CELL: int((labels.succeeded & ~known).sum()),
        Reason.WITHOUT_BASELINE: int((usable & ~with_baseline).sum()),
    }
    learned = labels.take(with_baseline)
    if not len(learned):
        reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
        raise TooFewLabelsError(f"none of {len(labels)} labels can be learned from ({reasons or 'there are none'})")
    asked = model_rows(cells, references, baseline=baseline, ids=learned.ids, candidates=candidates)
    _check_same_composition(asked, learned)
    rows = TrainingRows(
        ids=asked.ids,
        formulas=asked.formulas,
        crystals=asked.crystals,
        baselines=asked.baselines,
        stage_energies=asked.stage_energies,
        unrelaxed=asked.unrelaxed,
        protostructures=asked.protostructures,
        energies=learned.energies,
        relaxed=learned.crystals,
    )
    return Joined(rows, left_out)


def with_earlier(own: TrainingRows, earlier: TrainingRows) -> TrainingRows:
    """Rows of earlier campaigns beside a campaign's own, marked as such; of rows that both have its own count.

    Raises:
        TableError: if one of them knows of a stage before, and the other doesn't.
    """
    others = earlier.without(own.ids)
    if own.protostructures is not None and others.protostructures is None:
        others = replace(others, protostructures=protostructures(others.crystals))
    parts = [replace(rows, warm=np.full(len(rows), mark)) for rows, mark in ((own, False), (others, True))]
    return concatenate(parts)


def model_rows(
    cells: Cells,
    references: References | None,
    *,
    baseline: Baseline,
    ids: Sequence[str] | Strings | None = None,
    candidates: Candidates | None = None,
) -> ModelRows:
    """What a model is asked about: all rows of ``cells``, or those with ``ids``.

    ``candidates`` are the same rows before any stage, where ``cells`` are a stage's; ``references`` may
    be None where the baseline needs none. Candidates that have no cells become rows with their labels.

    Raises:
        TableError: if an id is unknown, or its stage before failed and was to be the baseline.
        InputError: if the baseline is a stage, and the cells come from none.
        MissingEndMembersError: if the references lack an element.
    """
    chosen = cells if ids is None else cells.select(ids)
    if baseline == "references":
        baselines = elemental_mixtures(chosen.formulas, _required(references))
    elif baseline == "hull":
        baselines = hull_energies(chosen.formulas, _required(references))
    elif baseline == "stage":
        baselines = _stage_energies(chosen)
    else:
        baselines = np.zeros(len(chosen))
    before = None if candidates is None or candidates.crystals is None else candidates.select(chosen.ids)
    # A stage's energies say nothing of the size of a band gap.
    return ModelRows(
        ids=chosen.ids,
        formulas=chosen.formulas,
        crystals=boxes_of_formulas(chosen.formulas.tolist()) if chosen.crystals is None else chosen.crystals,
        baselines=baselines,
        stage_energies=_all_stage_energies(chosen) if isinstance(chosen, Labels) and baseline != "none" else None,
        unrelaxed=None if before is None else before.crystals,
        protostructures=chosen.protostructures if chosen.crystals is None else None,
    )


def _required(references: References | None) -> References:
    if references is None:
        raise InputError("energies are to be measured from references, but there are none")
    return references


def elemental_mixtures(formulas: Strings, references: References) -> Floats:
    """(n,) eV/atom of the unreacted elements, each in its lowest known form.

    Raises:
        MissingEndMembersError: if the references lack an element.
    """
    check_end_members(formulas.tolist(), references)
    compositions, which = distinct(references.formulas.tolist())
    lowest = np.full(len(compositions), np.inf)
    np.minimum.at(lowest, which, references.energies)
    elements = {
        composition.symbols[0]: energy
        for composition, energy in zip(compositions, lowest.tolist(), strict=True)
        if len(composition.numbers) == 1
    }
    return np.asarray(fraction_matrix(formulas.tolist(), list(elements)) @ np.asarray(list(elements.values())))


def crystals_of(cells: Cells) -> Crystals:
    """The cells themselves.

    Raises:
        CrystalError: if these candidates are only labels.
    """
    if cells.crystals is None:
        raise CrystalError(f"candidates without cells can't be relaxed: {listed(cells.ids)}")
    return cells.crystals


def _stage_energies(cells: Cells) -> Floats:
    if not isinstance(cells, Labels):
        raise InputError(
            "the energy of the stage before was to be the baseline, but these cells come from no stage; "
            "set the baseline to 'references', or give that stage's labels as cells"
        )
    if not cells.succeeded.all():
        raise TableError(f"no energy in stage {cells.stage!r} to start from: {listed(cells.ids[~cells.succeeded])}")
    return cells.energies


def _all_stage_energies(labels: Labels) -> Floats:
    """(n, k) what the stage made of every row, and what further potentials say there."""
    first = _stage_energies(labels)[:, None]
    return first if labels.further_energies is None else np.column_stack([first, labels.further_energies])


def _failed_before(cells: Cells, ids: Strings) -> np.ndarray:
    """(len(ids),) true where the cells are a stage's, and that stage gave no energy."""
    if not isinstance(cells, Labels):
        return np.zeros(len(ids), dtype=bool)
    return np.isin(ids, cells.ids[~cells.succeeded])


def _check_same_composition(asked: ModelRows, learned: Labels) -> None:
    n = len(learned)
    _, which = distinct([*asked.formulas.tolist(), *learned.formulas.tolist()])
    other = which[:n] != which[n:]
    if other.any():
        rows = zip(learned.ids[other], asked.formulas[other], learned.formulas[other], strict=True)
        raise TableError(
            "cells and labels of different composition: "
            + listed(f"{name} ({before} became {after})" for name, before, after in rows)
        )
