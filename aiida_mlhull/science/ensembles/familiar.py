"""What an ensemble has learned from, and what it is asked about without ever having seen the like."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.ensembles.rows import Cells
from aiida_mlhull.science.errors import listed
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.schemes import difference, same_scheme
from aiida_mlhull.science.types import Crystals, EnsembleWeights, Labels, TrainingRows
from aiida_mlhull.science.types.tables import Strings

BLIND: Final = frozenset({"composition", "nothing"})
"""What models read that never look at a cell."""
UNRELAXED: Final = "unrelaxed"
"""In place of a stage's name: cells before any stage."""
_BEYOND: Final = 0.1
"""Share by which a volume has to lie outside of what was learned from to be told of."""


def learned_from(training: TrainingRows, scheme: str) -> dict[str, Any]:
    """What an ensemble keeps of its training rows, as plain JSON.

    Args:
        training: the rows.
        scheme: of their labels.

    Returns:
        ``elements``, ``scheme``, ``rows``; where rows have cells also ``most_atoms`` of one, and ``volumes``, Å³/atom,
        the smallest and largest.
    """
    cells = training.crystals
    known = {"elements": _elements(cells), "scheme": scheme, "rows": len(training)}
    if training.protostructures is not None:
        return known
    volumes = cells.volumes_per_atom
    return known | {
        "most_atoms": int(cells.n_sites.max()),
        "volumes": [float(volumes.min()), float(volumes.max())],
    }


def stage_of(cells: Cells) -> str:
    """The stage that cells come from."""
    return cells.stage if isinstance(cells, Labels) else UNRELAXED


def unfamiliar(ensemble: EnsembleWeights, cells: Cells, *, scheme: str = "") -> list[str]:
    """A line for each respect in which the rows are none of those that an ensemble has learned from.

    Args:
        ensemble: that is asked.
        cells: that it is asked about.
        scheme: of the energies that its answers will be compared with; empty where there are none.
    """
    known = ensemble.learned
    if not known:
        return ["the ensemble doesn't say what it learned from (it was fitted by an earlier version)"]
    return [*_elsewhere(ensemble, cells, scheme=scheme), *_other_cells(ensemble, cells)]


def _elsewhere(ensemble: EnsembleWeights, cells: Cells, *, scheme: str) -> Iterator[str]:
    """Elements and schemes that it hasn't seen."""
    known, crystals = ensemble.learned, cells.crystals
    if crystals is not None:
        present = _elements(crystals)
        strange = sorted(set(present) - set(known.get("elements", present)))
        if strange:
            numbers = [NUMBERS[symbol] for symbol in strange]
            owners = np.repeat(np.arange(len(cells)), crystals.n_sites)[np.isin(crystals.numbers, numbers)]
            yield f"never learned: {listed(strange, limit=20)}, in {_rows(cells.ids[np.unique(owners)], len(cells))}"
    theirs = known.get("scheme", "")
    if scheme and theirs and not same_scheme(scheme, theirs):
        yield f"learned from values that are {theirs!r}, compared with {scheme!r} ({difference(scheme, theirs)})"


def _other_cells(ensemble: EnsembleWeights, cells: Cells) -> Iterator[str]:
    """Cells of another stage, size or density; none of it matters to a model that reads compositions."""
    if MODELS[ensemble.model].reads in BLIND or cells.crystals is None:
        return
    known, crystals = ensemble.learned, cells.crystals
    here, there = stage_of(cells), ensemble.calibration.get("stage", "")
    if there and here != there:
        yield f"learned from cells that are {there!r}, asked about cells that are {here!r}"
    if "most_atoms" not in known:  # of weights that others have published
        return
    larger = crystals.n_sites > known["most_atoms"]
    if larger.any():
        yield f"more than {known['most_atoms']} atoms in {_rows(cells.ids[larger], len(cells))}"
    least, most = known["volumes"]
    volumes = crystals.volumes_per_atom
    outside = (volumes < least * (1 - _BEYOND)) | (volumes > most * (1 + _BEYOND))
    # Cells that are brought to fitted volumes first are seen at these.
    if outside.any() and ensemble.preparation.get("atomic_volumes") is None:
        yield f"volumes outside of {least:.1f} to {most:.1f} Å³/atom in {_rows(cells.ids[outside], len(cells))}"


def _rows(ids: Strings, total: int) -> str:
    return f"{len(ids):,} of {total:,} rows ({listed(ids.tolist(), 3)})"


def _elements(crystals: Crystals) -> list[str]:
    present = set(np.unique(crystals.numbers).tolist())
    return sorted(symbol for symbol, number in NUMBERS.items() if number in present)
