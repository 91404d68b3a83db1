"""What is told of rows that an ensemble has never seen the like of, and what isn't."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather
from aiida_mlhull.science.ensembles.familiar import learned_from, unfamiliar
from aiida_mlhull.science.ensembles.rows import training_rows
from aiida_mlhull.science.types import Candidates, EnsembleWeights, Labels
from tests.arsenides import Excerpt, simplest

SETTINGS = EnsembleSettings(model="mean", members=1, volume_scaling=False)


@pytest.fixture(scope="module")
def excerpt() -> Excerpt:
    """Small arsenides with results."""
    return simplest(40)


@pytest.fixture
def ensemble(excerpt: Excerpt) -> EnsembleWeights:
    """As if it read cells: the model that reads nothing would never be warned of them."""
    rows = training_rows(excerpt.candidates, excerpt.record, excerpt.references, baseline="references").rows
    fitted = gather([fit_member(rows, SETTINGS, member=0, seed=0)], settings=SETTINGS)
    learned = learned_from(rows, excerpt.record.scheme)
    return replace(fitted, model="cgcnn", learned=learned, calibration={"stage": "unrelaxed"})


def test_its_own_rows_are_familiar(excerpt: Excerpt, ensemble: EnsembleWeights) -> None:
    assert unfamiliar(ensemble, excerpt.candidates, scheme=excerpt.record.scheme) == []
    assert ensemble.learned["rows"] == 40
    assert ensemble.learned["most_atoms"] == np.diff(excerpt.candidates.crystals.offsets).max()


def test_elements_sizes_and_volumes_that_it_has_not_seen(excerpt: Excerpt, ensemble: EnsembleWeights) -> None:
    cells = excerpt.candidates.crystals
    numbers = cells.numbers.copy()
    numbers[cells.offsets[3] : cells.offsets[4]] = 92
    strange = replace(excerpt.candidates, crystals=replace(cells, numbers=numbers))
    first = excerpt.candidates.ids[3]
    assert unfamiliar(ensemble, strange) == [f"never learned: U, in 1 of 40 rows ({first})"]

    wide = cells.volumes_per_atom.copy()
    least, most = wide.min(), wide.max()
    wide[7] = 1.2 * most
    wide[8] = 0.95 * least  # within a tenth of what was seen
    inflated = replace(excerpt.candidates, crystals=cells.with_volumes_per_atom(wide))
    told = unfamiliar(ensemble, inflated)
    assert told == [
        f"volumes outside of {least:.1f} to {most:.1f} Å³/atom in 1 of 40 rows ({excerpt.candidates.ids[7]})"
    ]
    scaled = replace(ensemble, preparation=ensemble.preparation | {"atomic_volumes": {}})
    assert unfamiliar(scaled, inflated) == []

    few = replace(ensemble, learned=ensemble.learned | {"most_atoms": 3})
    larger = int((np.diff(cells.offsets) > 3).sum())
    assert any(
        line.startswith(f"more than 3 atoms in {larger} of 40 rows") for line in unfamiliar(few, excerpt.candidates)
    )


def test_cells_of_another_stage_and_energies_of_another_scheme(excerpt: Excerpt, ensemble: EnsembleWeights) -> None:
    results: Labels = replace(excerpt.record, stage="volume")
    told = unfamiliar(replace(ensemble, learned=ensemble.learned | {"volumes": [0.0, 1e3]}), results)
    assert told == ["learned from cells that are 'unrelaxed', asked about cells that are 'volume'"]
    told = unfamiliar(ensemble, excerpt.candidates, scheme="r2SCAN")
    assert len(told) == 1
    assert "compared with 'r2SCAN'" in told[0]
    assert unfamiliar(replace(ensemble, model="roost"), results) == []


def test_an_ensemble_that_kept_nothing_says_so(excerpt: Excerpt, ensemble: EnsembleWeights) -> None:
    candidates: Candidates = excerpt.candidates
    assert "doesn't say what it learned from" in unfamiliar(replace(ensemble, learned={}), candidates)[0]
