"""Sources that trees have learned: what they are told of a target, what they learn, how sets are put together."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.hull.reactions.selectivity import Weights
from aiida_mlhull.science.recipes.learned import FLOOR, ByLearned, LearnedSources, log_chance
from aiida_mlhull.science.recipes.rankings import Choices
from aiida_mlhull.science.recipes.retrosynthesis import Retrosynthesis, exact_sets, metal_sources, places, reachable
from aiida_mlhull.science.recipes.source_features import SourceTable
from aiida_mlhull.science.representations.composition import chemical_system, reduce_formula
from tests.science.recipes.written import written

OXIDES = {
    "Ca": ("CaO", "CaCO3"), "Sr": ("SrO", "SrCO3"), "Ba": ("BaO", "BaCO3"), "Mg": ("MgO", "MgCO3"), "Mn": ("MnO2", "MnCO3"),
    "Co": ("Co3O4", "CoCO3"), "Li": ("Li2O", "Li2CO3"), "Na": ("Na2O", "Na2CO3"), "Zn": ("ZnO", "ZnCO3"), "Ni": ("NiO", "NiCO3"),
}  # fmt: skip


def literature(rows):
    return written(*((target, " + ".join(sorted(sources))) for target, sources in rows))


def published(n, *, seed):
    """A world with a rule that neighbors hardly tell: carbonates for metals below a tenth of all atoms, oxides above."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(n):
        metals, counts = rng.choice(list(OXIDES), 3, replace=False), rng.integers(1, 9, 3)
        oxygen = int(counts.sum())
        formula = "".join(f"{m}{c}" for m, c in zip(metals, counts, strict=True)) + f"O{oxygen}"
        rows.append((formula, [OXIDES[m][int(c / (2 * oxygen) < 0.1)] for m, c in zip(metals, counts, strict=True)]))
    return rows


def formulas(names):
    return frozenset(map(reduce_formula, names))


def test_what_votes_do_not_tell_is_learned():
    known, asked = literature(published(400, seed=0)), literature(published(60, seed=1))
    learned, votes = LearnedSources(known), Retrosynthesis(known)
    assert exact_sets(learned, asked)[1] > 0.9
    assert exact_sets(votes, asked)[1] < 0.7


def test_a_published_target_is_described_as_if_its_part_of_the_systems_were_not_there():
    """The oracle is a table from which those recipes were taken."""
    rows = published(150, seed=2)
    target, system = reduce_formula(rows[0][0]), chemical_system(rows[0][0])
    whole = SourceTable(literature(rows))
    out = whole.left_out_with(target)
    gone = {chemical_system(rows[i][0]) for i in np.flatnonzero(out)}
    rest = [row for row, lacking in zip(rows, out, strict=True) if not lacking]
    assert system in gone
    assert len(gone) > 3
    assert gone.isdisjoint(chemical_system(row[0]) for row in rest)
    less = SourceTable(literature(rest))
    asked, expected = whole.questions(target, unseen=True), less.questions(target)
    assert [one.metal for one in asked] == [one.metal for one in expected]
    for mine, other in zip(asked, expected, strict=True):
        assert [whole.sources[i] for i in mine.sources] == [less.sources[i] for i in other.sources]
        assert mine.features == pytest.approx(other.features, rel=1e-5, abs=1e-7)
    assert any(
        np.abs(one.features - other.features).max() > 1e-3
        for one, other in zip(whole.questions(target), expected, strict=True)
    )


def test_sources_that_are_chosen_together_are_proposed_together():
    """Either all carbonates or all oxides, by chance: every metal alone has both alike, and half of the sets are mixed."""
    rng = np.random.default_rng(5)
    rows = [
        (target, [OXIDES[z][kind] for z in {s for s in OXIDES if s in reduce_formula(target).symbols}])
        for (target, _), kind in zip(published(250, seed=6), rng.integers(0, 2, 250).tolist(), strict=True)
    ]
    model = LearnedSources(literature(rows))
    target = reduce_formula("Ba2CaMnO6")
    chances = model.chances(target)
    assert all(sum(sources.values()) == pytest.approx(1.0) for sources in chances.values())
    assert all(0.2 < chances[reduce_formula(one).numbers[-1]][reduce_formula(one)] < 0.8 for one in ("BaO", "CaO"))
    together = [frozenset(reduce_formula(OXIDES[z][kind]) for z in ("Ba", "Ca", "Mn")) for kind in (0, 1)]
    assert set(model.sets(target, top=2)) == set(together)
    mixed = formulas(["BaO", "CaCO3", "MnCO3"])
    said = model.log_chances(target, [*together, mixed, formulas(["BaO", "CaO"])])
    assert said[:2].min() > said[2] + 1.0
    assert said[2] > said[3]


def test_one_compound_may_bring_two_metals():
    rows = [("BaTiO3", ["BaCO3", "TiO2"]), ("Ba2TiO4", ["BaCO3", "BaTiO3"]), ("SrTiO3", ["SrCO3", "TiO2"])]
    sets = LearnedSources(literature(rows)).sets(reduce_formula("BaTi2O5"), top=50)
    assert formulas(["BaTiO3"]) in sets
    assert formulas(["BaTiO3", "TiO2"]) in sets
    assert len(sets) == len(set(sets))


def test_few_recipes_leave_the_votes_of_near_targets():
    rows = [("BaTiO3", ["BaCO3", "TiO2"]), ("BaZrO3", ["BaCO3", "ZrO2"]), ("BaS", ["Ba", "S"]), ("TiS2", ["S", "Ti"])]
    model = LearnedSources(literature(rows))
    assert model.sets(reduce_formula("BaTiS3"))[0] == formulas(["Ba", "Ti"])
    assert model.sets(reduce_formula("CaTiO3")) == []
    assert model.chances(reduce_formula("CaTiO3")) == {}


def test_the_chance_of_a_given_set():
    """By hand: BaCO3 stands for barium, titanium has nothing, NaCl is left over; C is no source of a metal."""
    barium, oxide, carbonate = 56, reduce_formula("BaO"), reduce_formula("BaCO3")
    chances = {barium: {oxide: 0.2, carbonate: 0.8}, 22: {reduce_formula("TiO2"): 1.0}}
    names = formulas(["BaCO3", "BaO", "NaCl", "C"])
    assert log_chance(names, chances) == pytest.approx(np.log(0.8) + 3 * np.log(FLOOR))
    assert log_chance(formulas(["BaO", "TiO2"]), chances) == pytest.approx(np.log(0.2))


def test_the_same_seed_learns_the_same():
    known, target = literature(published(150, seed=4)), reduce_formula("Ba2CaMnO6")
    first, same, other = (LearnedSources(known, seed=seed, recipes=120).chances(target) for seed in (0, 0, 1))
    assert first == same
    assert first != other


def test_reactions_are_ordered_by_the_sources_that_they_start_from():
    known = literature(published(400, seed=0))
    pairs = [("CaCO3", "MnCO3"), ("CaO", "MnO2"), ("CaO", "MnCO3"), ("CaO", "NaCl")]
    precursors = [tuple(map(reduce_formula, pair)) for pair in pairs]

    def order(formula, recipes):
        choices = Choices(reduce_formula(formula), precursors, None, recipes, Weights.checked((0.1, 0.45, 0.45)))
        return ByLearned().order(choices)

    alike, little = order("Ca2Mn3O5", known), order("Ca8MnO9", known)
    assert np.argmin(alike) == 1
    assert np.argmin(little) == 2
    assert np.argmax(alike) == np.argmax(little) == 3
    with pytest.raises(InputError, match="needs published recipes"):
        order("Ca2Mn3O5", None)


def test_places_and_what_can_be_reached():
    known = literature([("BaTiO3", ["BaCO3", "TiO2"]), ("BaZrO3", ["BaO", "ZrO2"]), ("EuO", ["Eu2O3", "Eu"])])
    rows = [
        ("Ba2TiO4", ["BaCO3", "TiO2"]), ("Ba3Ti2O7", ["BaO2", "TiO2"]), ("Ba2Ti3O8", ["BaCO3", "Eu2O3", "TiO2"]),
        ("Ba2ZrO4", ["BaO", "ZrO2"]),
    ]  # fmt: skip
    asked = literature(rows)
    written, seen = reachable(known, asked)
    assert written.tolist() == [True, True, False, True]
    assert seen.tolist() == [True, False, False, True]
    found = places(Retrosynthesis(known), asked, top=5)
    assert found[1] == found[2] == 5
    assert found.max() <= 5
    sets = Retrosynthesis(known).sets(asked.targets[3])
    assert sets[found[3]] == metal_sources(asked.sets[3])
