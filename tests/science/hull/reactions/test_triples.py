"""Three reactants: mixtures against scipy's linear programs, energies and kinks against pymatgen's hull."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition
from scipy.optimize import linprog

from aiida_mlhull.science.hull.phase_space import phase_space
from aiida_mlhull.science.hull.reactions.selectivity import selectivity
from aiida_mlhull.science.hull.reactions.triples import products_of_mixture, richest_mixtures, selectivity_of_triples
from tests.science.hull.reactions.test_selectivity import all_trees

ENERGIES = {
    "Ba": 0.0, "Sr": 0.0, "Ti": 0.0, "O": 0.0, "C": 0.0, "CO2": -2.1, "BaO": -2.83, "SrO": -3.01, "TiO2": -3.30,
    "BaTiO3": -3.42, "SrTiO3": -3.51, "Ba2TiO4": -3.31, "BaCO3": -2.50, "SrCO3": -2.50, "Ti2O3": -3.18, "TiO": -2.80,
    "BaSrTi2O6": -3.48, "BaO2": -2.25,
}  # fmt: skip
WAY = ("BaCO3", "SrCO3", "TiO2")


@pytest.fixture
def space(references):
    return phase_space(references(ENERGIES), ["Ba", "Sr", "Ti", "O", "C"])


@pytest.fixture
def diagram():
    return PhaseDiagram([PDEntry(Composition(f), e * Composition(f).num_atoms) for f, e in ENERGIES.items()])


def rows_of(space, *names):
    return np.asarray([[space.row(name) for name in names]])


def least_reactants(space, goal, rows):
    """Fewest atoms of reactants that hold one target, infinitely many where they can't."""
    found = linprog(np.ones(len(rows)), A_ub=-space.fractions[rows].T, b_ub=-space.fractions[goal], bounds=(0, None))
    return np.inf if found.status else found.fun


def test_mixtures_are_those_of_a_linear_program(space):
    goal = space.row("BaSrTi2O6")
    every = np.asarray(list(combinations([r for r in range(len(space)) if r != goal], 3)))
    found = richest_mixtures(space, goal, every)
    several = 0
    for three, shares in zip(every[::3], found[::3], strict=True):
        whole = least_reactants(space, goal, three)
        fewer = min(least_reactants(space, goal, three[list(two)]) for two in combinations(range(3), 2))
        if not whole < fewer - 1e-7:
            assert np.isnan(shares).all()
        else:
            several += 1
            needed = space.fractions[goal] > 0
            made = ((shares @ space.fractions[three])[needed] / space.fractions[goal][needed]).min()
            assert 1 / made == pytest.approx(whole, abs=1e-7)  # several mixtures may be as good
    assert several > 10


def test_by_products_and_energies(space, diagram):
    goal, three = space.row("BaSrTi2O6"), rows_of(space, *WAY)
    shares = richest_mixtures(space, goal, three)
    np.testing.assert_allclose(shares[0], [5 / 16, 5 / 16, 6 / 16], atol=1e-12)  # BaCO3 + SrCO3 + 2 TiO2
    products = products_of_mixture(space, goal, three[0], shares[0])
    assert {str(space.formulas[row]): pytest.approx(share) for row, share in products.items()} == {
        "BaSrTi2O6": 10 / 16,
        "CO2": 6 / 16,
    }
    scores = selectivity_of_triples(space, goal, three, shares)
    energy = (10 * -3.48 + 6 * -2.1 - 10 * -2.50 - 6 * -3.30) / 16
    assert scores.reaction_energy[0] == pytest.approx(energy, abs=1e-9)
    assert scores.share[0] == pytest.approx(10 / 16)
    kept = [entry for entry in diagram.all_entries if entry.composition.reduced_formula != "BaSrTi2O6"]
    without = PhaseDiagram(kept).get_hull_energy_per_atom(Composition("BaSrTi2C2O10"))
    with_it = diagram.get_hull_energy_per_atom(Composition("BaSrTi2C2O10"))
    assert scores.inverse_hull[0] == pytest.approx(with_it - without, abs=1e-9)
    pairs = [scores_of_line(diagram, a, b).min() for a, b in combinations(WAY, 2)]
    assert scores.primary[0] == pytest.approx(energy - min(pairs), abs=1e-9)
    assert scores.deepest[0] == (energy < min(pairs))


def scores_of_line(diagram, start, end):
    """Reaction energies at the kinks between two compositions, by pymatgen."""
    _, energies = kinks(diagram, start, end)
    return energies


def kinks(diagram, start, end):
    first, last = Composition(start).fractional_composition, Composition(end).fractional_composition
    points = diagram.get_critical_compositions(first, last)
    differ = next(e for e in {*first, *last} if abs(first[e] - last[e]) > 1e-6)
    x = np.asarray(
        [(p.fractional_composition[differ] - first[differ]) / (last[differ] - first[differ]) for p in points]
    )
    hull = np.asarray([diagram.get_hull_energy_per_atom(p) for p in points])
    order = np.argsort(x)
    x, hull = x[order], hull[order]
    return x, hull - (1 - x) * hull[0] - x * hull[-1]


def test_secondary_competition_is_counted_on_the_lines_to_the_products(space, diagram):
    goal, three = space.row("BaSrTi2O6"), rows_of(space, *WAY)
    scores = selectivity_of_triples(space, goal, three, richest_mixtures(space, goal, three))
    expected = 0.0
    for name in WAY:
        x, e = kinks(diagram, name, "BaSrTi2C2O10")
        total, count = all_trees(x, e)
        expected -= total / count
    assert expected > 1e-3
    assert scores.secondary[0] == pytest.approx(expected, abs=1e-9)
    assert scores.gamma()[0] == pytest.approx(
        0.1 * scores.reaction_energy[0] + 0.45 * (scores.primary[0] + scores.secondary[0]), abs=1e-12
    )


def test_two_of_the_three_are_enough_is_no_triple(space):
    goal = space.row("BaTiO3")
    assert np.isnan(richest_mixtures(space, goal, rows_of(space, "BaO", "BaCO3", "TiO2"))).all()
    assert np.isfinite(richest_mixtures(space, goal, rows_of(space, "BaO2", "Ti", "TiO2"))).all()
    assert selectivity(space, goal, rows_of(space, "BaO", "TiO2")).formed[0]


def test_an_unstable_target_is_scored_with_its_own_energy(references):
    energies = {**ENERGIES, "BaSrTi2O6": -3.40}
    high = phase_space(references(energies), ["Ba", "Sr", "Ti", "O", "C"])
    goal, three = high.row("BaSrTi2O6"), rows_of(high, *WAY)
    scores = selectivity_of_triples(high, goal, three, richest_mixtures(high, goal, three))
    assert scores.formed[0]
    assert scores.reaction_energy[0] == pytest.approx((10 * -3.40 + 6 * -2.1 - 10 * -2.50 - 6 * -3.30) / 16, abs=1e-9)
    mixture = (5 * -3.42 + 5 * -3.51) / 10
    assert scores.inverse_hull[0] == pytest.approx((-3.40 - mixture) * 10 / 16, abs=1e-9)


def test_where_the_hull_makes_something_else_it_is_said(space):
    """A carbonate below BaTiO3 + CO2 takes the barium."""
    goal = space.row("BaSrTi2O6")
    low = space.take(np.arange(len(space)))
    low.energies[low.row("BaCO3")] -= 1.0
    low.energies[low.row("SrCO3")] -= 1.0
    three = rows_of(low, "BaO", "SrCO3", "TiO2")
    assert not selectivity_of_triples(low, goal, three, richest_mixtures(low, goal, three)).formed[0]
