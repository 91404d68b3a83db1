"""Scores of reactions against the published ranking of Chen 2024 and the competition of McDermott 2023."""

from __future__ import annotations

import ast
import csv
from functools import cache
from itertools import combinations
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiida_mlhull.science.errors import InputError, SettingsError
from aiida_mlhull.science.hull.phase_space import phase_space
from aiida_mlhull.science.hull.reactions.sampled_selectivity import decisive, sampled_selectivity
from aiida_mlhull.science.hull.reactions.selectivity import Weights, selectivity
from aiida_mlhull.science.hull.reactions.slices import cut
from aiida_mlhull.science.hull.reactions.walk import mean_altitude
from aiida_mlhull.science.types import Predictions, References

DATA = Path(__file__).parents[1] / "data"


def published():
    with (DATA / "chen2024_published_ranking.csv").open() as file:
        return list(csv.DictReader(file))


def stable_phases(system):
    table = pq.read_table(DATA / f"mp_stable_entries_{system}.parquet")
    references = References.from_rows(
        ids=table["entry_id"].to_pylist(),
        formulas=table["formula"].to_pylist(),
        energies=table["energy_ev_per_atom"].to_numpy(),
    )
    return phase_space(references, system.split("-"))


@pytest.mark.parametrize("target", ["BaLiBO3", "KMgPO4", "BaAl2(SiO4)2"])
def test_the_published_ranking(target):
    """All pairs of stable compounds whose deepest point is the target alone, most negative inverse hull first."""
    rows = [row for row in published() if row["target"] == target]
    space = stable_phases(rows[0]["system"])
    goal = space.row(target)
    compounds = [row for row in range(len(space)) if row != goal and str(space.formulas[row]) != "O2"]
    scores = selectivity(space, goal, np.asarray(list(combinations(compounds, 2))))
    chosen = scores.take(scores.formed & scores.deepest & (scores.share > 1 - 1e-9))
    chosen = chosen.take(np.argsort(chosen.inverse_hull))
    names = [frozenset(space.formulas[pair].tolist()) for pair in chosen.pairs]
    expected = [frozenset(ast.literal_eval(row["reactants"])) for row in rows]
    positions = [names.index(pair) for pair in expected]
    assert positions == sorted(positions)
    for at, row in zip(positions, rows, strict=True):
        assert chosen.reaction_energy[at] == pytest.approx(float(row["reaction_energy_ev_per_atom"]), abs=1e-9)
        assert chosen.inverse_hull[at] == pytest.approx(float(row["inverse_hull_energy_ev_per_atom"]), abs=1e-9)
        a, b = chosen.pairs[at].tolist()
        line = cut(space, a, b)
        kink = int(np.argmin(line.reaction_energies))
        met = [[str(space.formulas[i]) for i in line.products(j)] for j in (kink - 1, kink + 1)]
        competing = [sorted(names) for names in met if set(names) - set(space.formulas[[a, b]].tolist())]
        assert competing == [sorted(names) for names in ast.literal_eval(row["competing_phases"])]


def barium_titanates():
    """References whose slice BaO-TiO2 has the published reactions: titanates, and TiO2 that falls apart."""
    oxide, titania = -2.9, -3.3
    with (DATA / "bao_tio2_reactions_300K.csv").open() as file:
        rows = [
            (float(r["x_tio2_atomic"]), float(r["energy_ev_per_atom"]), r["products"]) for r in csv.DictReader(file)
        ]
    energies = {"Ba": 0.0, "O2": 0.0, "Ti": 0.0, "BaO": oxide, "TiO2": titania}
    for x, energy, products in rows:
        if " + " not in products:
            energies[products.split()[1]] = (1 - x) * oxide + x * titania + energy
    fallen = next(e for x, e, products in rows if products == "1 O2 + 2 Ti9O17")
    energies["Ti9O17"] = 54 * (titania + fallen) / 52
    return References.from_rows(
        ids=list(energies), formulas=list(energies), energies=np.asarray(list(energies.values()))
    )


@pytest.mark.parametrize(
    ("target", "primary", "secondary"),
    [("Ba2TiO4", 0.016641117599549, 0.417055779437), ("BaTiO3", -0.013303657518, 0.424045121072)],
)
def test_the_published_competition(target, primary, secondary):
    space = phase_space(barium_titanates(), ["Ba", "Ti", "O"])
    scores = selectivity(space, space.row(target), np.asarray([[space.row("BaO"), space.row("TiO2")]]))
    assert scores.primary[0] == pytest.approx(primary, abs=1e-9)
    assert scores.secondary[0] == pytest.approx(secondary, abs=1e-9)
    assert scores.deepest[0] == (target == "BaTiO3")
    assert scores.gamma()[0] == pytest.approx(0.1 * scores.reaction_energy[0] + 0.45 * (primary + secondary), abs=1e-9)
    turned = selectivity(space, space.row(target), np.asarray([[space.row("TiO2"), space.row("BaO")]]))
    assert turned.secondary[0] == pytest.approx(secondary, abs=1e-9)


@st.composite
def convex_chains(draw):
    n = draw(st.integers(0, 7))
    steps = draw(st.lists(st.floats(0.05, 1.0), min_size=n + 1, max_size=n + 1))
    x = np.concatenate([[0.0], np.cumsum(steps)])
    slopes = np.sort(draw(st.lists(st.floats(-1.0, 1.0), min_size=n + 1, max_size=n + 1)))
    return x, np.concatenate([[0.0], np.cumsum(np.diff(x) * slopes)])


def all_trees(x, e):
    """Summed altitudes and number of the ways to split a chain, by recursion over the first middle."""

    @cache
    def split(i, k):
        if k - i < 2:
            return 0.0, 1
        total, count = 0.0, 0
        for j in range(i + 1, k):
            left, lefts = split(i, j)
            right, rights = split(j, k)
            share = (x[j] - x[i]) / (x[k] - x[i])
            altitude = e[j] - (1 - share) * e[i] - share * e[k]
            total += left * rights + right * lefts + altitude * lefts * rights
            count += lefts * rights
        return total, count

    return split(0, len(x) - 1)


@given(convex_chains())
@settings(max_examples=100, deadline=None)
def test_the_closed_form_is_the_mean_over_all_trees(chain):
    x, e = chain
    total, count = all_trees(x, e)
    found = mean_altitude(x, e)
    assert found == pytest.approx(total / count, abs=1e-12)
    assert found <= 1e-12


def test_an_unstable_target_is_scored_with_its_own_energy(references):
    """Li3O on the chord Li-LiO is at -0.5: at -0.45 it can't be the deepest point, and costs 0.05 more."""
    space = phase_space(references({"Li": 0.0, "O": 0.0, "LiO": -1.0, "Li3O": -0.45}), ["Li", "O"])
    scores = selectivity(space, space.row("Li3O"), np.asarray([[space.row("Li"), space.row("O")]]))
    assert scores.formed[0]
    assert not scores.deepest[0]
    assert scores.reaction_energy[0] == pytest.approx(-0.45, abs=1e-9)
    assert scores.inverse_hull[0] == pytest.approx(0.05, abs=1e-9)
    assert scores.primary[0] == pytest.approx(0.55, abs=1e-9)


def test_what_doesn_t_form_is_a_row_too(references):
    space = phase_space(references({"Li": 0.0, "O": 0.0, "Na": 0.0, "LiO": -1.0, "NaO": -1.0}), ["Li", "Na", "O"])
    scores = selectivity(space, space.row("LiO"), np.asarray([[space.row("Na"), space.row("O")]]))
    assert not scores.formed[0]
    assert np.isnan(scores.primary[0])
    with pytest.raises(InputError, match="name a compound"):
        selectivity(space, space.row("Li"), np.asarray([[1, 2]]))


def test_weights_are_checked():
    assert Weights.checked([1, 0, 0]) == Weights(1.0, 0.0, 0.0)
    with pytest.raises(SettingsError, match="not negative"):
        Weights.checked([0.1, -0.45, 0.45])
    with pytest.raises(SettingsError, match="three numbers"):
        Weights.checked([0.1])


def _uncertain(energies, spread):
    return Predictions.from_rows(
        ids=list(energies),
        formulas=list(energies),
        members=np.asarray(list(energies.values()))[:, None],
        member_aleatoric=np.full((len(energies), 1), spread),
    )


def test_chances_are_those_of_the_normal_distribution(references):
    """LiO at -1 ± 0.1 against Li3O at -0.9: it is the deepest point where its energy is below -0.9."""
    space = phase_space(references({"Li": 0.0, "O": 0.0, "LiO": -1.0, "Li3O": -0.9}), ["Li", "O"])
    pairs = np.asarray([[space.row("Li"), space.row("O")], [space.row("Li3O"), space.row("O")]])
    scores = sampled_selectivity(space, space.row("LiO"), pairs, _uncertain({"LiO": -1.0}, 0.1), samples=4000, seed=1)
    assert scores.p_deepest[0] == pytest.approx(0.841, abs=0.02)
    assert scores.p_exergonic[0] == 1.0
    assert scores.p_exergonic[1] == 1.0
    low, middle, high = scores.primary_quantiles()[:, 0]
    assert middle == pytest.approx(-0.1, abs=0.01)
    assert low == pytest.approx(-0.1 - 1.645 * 0.1, abs=0.02)
    assert high == pytest.approx(-0.1 + 1.645 * 0.1, abs=0.02)
    again = sampled_selectivity(space, space.row("LiO"), pairs, _uncertain({"LiO": -1.0}, 0.1), samples=4000, seed=1)
    np.testing.assert_array_equal(scores.primary, again.primary)


def test_the_decisive_relaxation_is_named(references):
    """Na2O + O has the lower Γ where NaO2 lies high, Na + O where it lies below -0.757 eV/atom.

    NaO3 never competes, but shares half of its error's variance with NaO2, so it tells something about it.
    """
    energies = {"Na": 0.0, "O": 0.0, "NaO": -1.0, "Na2O": -0.9, "NaO2": -0.75, "NaO3": -0.2}
    space = phase_space(references(energies), ["Na", "O"])
    row = space.row
    pairs = np.asarray([[row("Na"), row("O")], [row("Na2O"), row("O")]])
    beliefs = _uncertain({"NaO2": -0.75, "NaO3": -0.2}, 0.1)
    scores = sampled_selectivity(space, row("NaO"), pairs, beliefs, samples=2000, seed=0)
    named = decisive(scores)
    assert [item.id for item in named] == ["NaO2", "NaO3"]
    assert named[0].gain > 2 * named[1].gain
    assert named[0].p_changes == pytest.approx(0.5, abs=0.1)
    assert 0.005 < named[0].gain < 0.05
    certain = sampled_selectivity(space, row("NaO"), pairs, _uncertain({"NaO3": -0.2}, 0.01), samples=200, seed=0)
    assert decisive(certain) == []
