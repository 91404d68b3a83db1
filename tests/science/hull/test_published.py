"""Why some published decomposition energies lie below the exact ones: their solver stopped before the minimum."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.representations.composition import fraction_matrix
from aiida_mlhull.science.types import References
from benchmarks.published_hull import AGREE, GroundStates, by_slsqp

STOPPED_EARLY = ["Al3Ti1", "Fe1Ni2", "Fe2Ni1", "Fe3Ni2", "Li1O1", "Fe5Mn3O12"]
"""Three stable and three unstable compounds, whose competitors are all in the excerpt."""


@pytest.fixture(scope="module")
def published():
    return GroundStates.read(Path(__file__).parent / "data" / "mp_ground_states_excerpt.parquet")


def row_of(states, formula):
    return states.formulas.tolist().index(formula)


@pytest.mark.parametrize("formula", STOPPED_EARLY)
def test_a_mixture_of_the_same_entries_lies_lower_than_the_published_one(published, formula):
    row = row_of(published, formula)
    elements = list(published.systems[row])
    others = np.delete(np.arange(len(published.formulas)), row)
    known = References.from_rows(
        ids=[*published.formulas[others], *elements],
        formulas=[*published.formulas[others], *elements],
        energies=np.concatenate([published.formation[others], np.zeros(len(elements))]),
    ).take(np.asarray([set(system) <= set(elements) for system in _systems(published, others, elements)]))
    mixture = distances([formula], np.zeros(1), known).decomposition(0)
    amounts = np.asarray(list(mixture.values()))
    made = amounts @ fraction_matrix(list(mixture), elements)
    np.testing.assert_allclose(made, fraction_matrix([formula], elements)[0], atol=1e-12)
    energy = amounts @ known.energies[known.positions(list(mixture))]
    # The published solver claims that nothing lies lower than formation minus decomposition energy.
    assert energy < published.formation[row] - published.published[row] - 10 * AGREE
    assert published.formation[row] - energy == pytest.approx(published.exact.phase_separation[row], abs=1e-12)


def _systems(states, others, elements):
    """Elements of the rows of References.from_rows, which sorts by id."""
    names = [*states.formulas[others], *elements]
    systems = [*(states.systems[row] for row in others), *((element,) for element in elements)]
    return [systems[index] for index in np.argsort(np.asarray(names, dtype=np.str_), kind="stable")]


@pytest.mark.parametrize("formula", STOPPED_EARLY)
def test_the_published_tolerances_give_the_published_number_and_finer_ones_ours(published, formula):
    row = row_of(published, formula)
    exact = published.exact.phase_separation[row]
    assert published.published[row] < exact - 100 * AGREE
    assert by_slsqp(published, row) == pytest.approx(published.published[row], abs=AGREE)
    assert by_slsqp(published, row, tolerances=(1e-12,)) == pytest.approx(exact, abs=AGREE)


def test_holding_back_entries_never_raises_a_decomposition_energy(published):
    kept = published.take(np.random.default_rng(0).random(len(published.formulas)) >= 0.15)
    before = published.exact.phase_separation[np.isin(published.formulas, kept.formulas)]
    moved = kept.exact.phase_separation - before
    assert moved.max() < 1e-12
    assert 0.1 < (moved < -AGREE).mean() < 0.5
