"""Recommended reactions: hand-worked ones, all rankings, open systems, triples, uncertainty, the bench test in air."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.products import element_movers_distance
from aiida_mlhull.science.products.base import fractions_of
from aiida_mlhull.science.products.ensemble import ProductSettings, fit_products, members_say
from aiida_mlhull.science.recipes import RANKINGS, Literature, RecipeSettings, in_air, latest, new_phases, recommend
from aiida_mlhull.science.recipes.answer import describe
from aiida_mlhull.science.recipes.formulas import equation_text
from aiida_mlhull.science.recipes.forward import _asked as unasked
from aiida_mlhull.science.recipes.forward import composition_text
from aiida_mlhull.science.recipes.rankings import FROM_LITERATURE
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.thermochemistry import Conditions, gas_energy
from aiida_mlhull.science.types import Predictions, References

AIR = Conditions(temperature=1300, atmosphere="air")


def asked(titanates, **words):
    literature = words.pop("literature", None)
    predictions = words.pop("predictions", None)
    settings = RecipeSettings(**words)
    return recommend("BaTiO3", titanates, settings, literature=literature, predictions=predictions)


def test_a_closed_system(titanates):
    """BaO + TiO2: (5 x -3.42 - 2 x -2.83 - 3 x -3.30)/5 = -0.308 eV/atom; Ba2TiO4 spoils it at -0.3786."""
    made = asked(titanates, source="list", precursors=("BaO", "TiO2"))
    row = made.reactions
    assert row.equations.tolist() == ["BaO + TiO2 -> BaTiO3"]
    assert row.reaction_energies[0] == pytest.approx((5 * -3.42 + 2 * 2.83 + 3 * 3.30) / 5)
    spoilt = (7 * -3.31 + 4 * 2.83 + 3 * 3.30) / 7
    assert row.primary[0] == pytest.approx(row.reaction_energies[0] - min(spoilt, 0.0))
    assert row.deepest[0] == (row.reaction_energies[0] < spoilt)
    assert row.competing.tolist() == ["Ba2TiO4"]
    assert row.by_products.tolist() == [""]
    assert np.isnan(row.gamma_std[0])


def test_a_carbonate_gives_off_its_gas(titanates):
    """In air at 1300 K BaCO3 + TiO2 -> BaTiO3 + CO2, per atom of Ba, Ti and C."""
    made = asked(titanates, source="list", precursors=("BaCO3", "TiO2"), extra_elements=("C",), conditions=AIR)
    row = made.reactions
    assert row.equations.tolist() == ["TiO2 + BaCO3 -> CO2 + BaTiO3"]
    assert row.by_products.tolist() == ["CO2"]
    gas = gas_energy("CO2", temperature=1300, pressure=4.2e-4)
    assert row.reaction_energies[0] == pytest.approx((5 * -3.42 + gas - 5 * -2.50 - 3 * -3.30) / 3, abs=1e-9)
    assert "air at 1300 K" in row.conditions
    none = asked(
        titanates, source="list", precursors=("BaCO3", "TiO2"), extra_elements=("C",), conditions=AIR, by_products=False
    )
    assert len(none.reactions) == 0
    assert none.tried == 1


def test_oxygen_of_the_reservoir_balances(titanates):
    made = asked(titanates, source="list", precursors=("BaO2", "TiO2"), conditions=AIR)
    assert made.reactions.equations.tolist() == ["TiO2 + BaO2 -> BaTiO3 + O (reservoir)"]


def test_stable_phases_are_the_default_and_gases_are_none(titanates):
    made = asked(titanates, extra_elements=("C",), top=50)
    used = {name for text in made.reactions.precursors.tolist() for name in text.split(" + ")}
    assert {"BaO", "TiO2"} <= used
    assert not used & {"O2", "CO2", "BaTiO3"}
    assert made.forming == len(made.reactions) <= made.tried
    assert made.e_above_hull < 0


@pytest.mark.parametrize("name", RANKINGS)
def test_every_ranking_orders_all_reactions_that_form(titanates, published, name):
    made = asked(
        titanates, extra_elements=("C",), conditions=AIR, ranking=name, top=50, literature=Literature(published)
    )
    assert len(made.reactions) == made.forming > 1
    assert made.reactions.ranking == name
    again = asked(
        titanates, extra_elements=("C",), conditions=AIR, ranking=name, top=50, literature=Literature(published)
    )
    assert made.reactions.precursors.tolist() == again.reactions.precursors.tolist()
    if name in FROM_LITERATURE:
        assert made.reactions.precursors[0] == "BaCO3 + TiO2"
        with pytest.raises(InputError, match="needs published recipes"):
            asked(titanates, ranking=name)
    column = {"selectivity": "gamma", "driving_force": "reaction_energies"}.get(name)
    if column is not None:
        assert (np.diff(getattr(made.reactions, column)) >= 0).all()


def test_fronts_come_one_after_the_other(titanates):
    table = asked(titanates, ranking="pareto", top=50).reactions
    values = np.column_stack([table.reaction_energies, table.primary, table.secondary])
    for later in range(1, len(values)):
        assert not (values[later] < values[0]).all()


def test_precedents_are_counted_and_dated(titanates, published):
    made = asked(titanates, source="literature", at_least=1, extra_elements=("C",), conditions=AIR,
                 ranking="popularity", literature=Literature(published))  # fmt: skip
    row = made.reactions
    assert made.missing == ()
    assert row.precursors[0] == "BaCO3 + TiO2"
    assert row.precedents[0] == 3
    assert row.nearest[0] == "BaTiO3"
    assert row.temperatures[0] == 1423.0
    assert row.published[0] == "10.1/c"
    assert row.hours[0] == 10.0


def test_published_syntheses_say_what_would_come_out(titanates, published):
    """BaCO3 + TiO2 became BaTiO3 in all of them, SrCO3 + TiO2 SrTiO3: shares of a half each."""
    made = asked(titanates, source="list", precursors=("BaCO3", "BaO", "TiO2"), extra_elements=("C",), conditions=AIR,
                 literature=Literature(published)).reactions  # fmt: skip
    assert made.predicted.tolist() == ["BaTiO3"] * len(made)
    np.testing.assert_allclose(made.predicted_distance, 0.0, atol=1e-9)
    other = recommend("Ba2TiO4", titanates, RecipeSettings(source="list", precursors=("BaO", "TiO2")),
                      literature=Literature(published)).reactions  # fmt: skip
    assert other.predicted.tolist() == ["Ba1.4Ti1.4O4.2"]
    moved = element_movers_distance(fractions("BaTiO3"), fractions("Ba2TiO4"))[0]
    assert other.predicted_distance[0] == pytest.approx(moved)
    assert moved > 1.0
    assert asked(titanates).reactions.predicted is None
    assert asked(titanates, forward="none", literature=Literature(published)).reactions.predicted is None


def test_an_ensemble_that_has_learned_already_is_asked(titanates, published):
    words = {"source": "list", "precursors": ("BaO", "TiO2")}
    learned = fit_products(published, ProductSettings(model="magpie_concat", members=2, held_out=0.3), seed=1)
    made = recommend("BaTiO3", titanates, RecipeSettings(**words), products=learned).reactions
    said = members_say(learned, unasked(["BaO + TiO2"])).mean(axis=0)
    assert made.predicted.tolist() == [composition_text(said[0], atoms=5)]
    assert made.predicted_distance[0] == pytest.approx(element_movers_distance(said, fractions("BaTiO3"))[0])
    unused = RecipeSettings(forward="none", **words)
    assert recommend("BaTiO3", titanates, unused, products=learned).reactions.predicted is None


def fractions(formula):
    return fractions_of([reduce_formula(formula)])


def test_compositions_are_written_with_the_atoms_of_the_formula():
    assert composition_text(fractions("BaTiO3")[0], atoms=5) == "BaTiO3"
    assert composition_text(fractions("BaTiO3")[0], atoms=7) == "Ba1.4Ti1.4O4.2"


def test_the_nearest_target_speaks_where_nobody_made_this_one(published):
    literature = Literature(published)
    precursors = frozenset(map(reduce_formula, ("SrCO3", "TiO2")))
    one = literature.precedent(reduce_formula("Sr2TiO4"), precursors)
    assert (one.target, one.count, one.reference) == ("SrTiO3", 1, "10.1/e")
    assert one.distance == pytest.approx(2 / 7 - 1 / 5)
    other = literature.precedent(reduce_formula("CaTiO3"), frozenset(map(reduce_formula, ("CaO", "TiO2"))))
    assert other.count == 0
    assert literature.popularity(reduce_formula("BaCO3"), reduce_formula("BaTiO3")) == pytest.approx(3 / 4)
    assert literature.common(at_least=3) == ["TiO2", "BaCO3"]


def test_three_precursors_where_two_would_not_give_as_much(titanates):
    made = asked(titanates, size=3, top=50).reactions
    assert len(made)
    for text in made.precursors.tolist():
        assert len(text.split(" + ")) == 3
    assert (made.secondary >= 0).all()
    assert (np.diff(made.gamma) >= 0).all()
    assert "BaO2 + Ti + TiO2" in made.precursors.tolist()


def test_by_products_of_three_precursors_are_named():
    energies = {"Ba": 0.0, "Sr": 0.0, "Ti": 0.0, "O2": 0.0, "C": 0.0, "CO2": -2.1, "BaCO3": -2.5, "SrCO3": -2.5,
                "TiO2": -3.3, "BaTiO3": -3.42, "SrTiO3": -3.51, "BaSrTi2O6": -3.48}  # fmt: skip
    known = References.from_rows(ids=list(energies), formulas=list(energies), energies=list(energies.values()))
    settings = RecipeSettings(
        size=3, source="list", precursors=("BaCO3", "SrCO3", "TiO2"), extra_elements=("C",), weights=(1.0, 0.0, 0.0)
    )
    made = recommend("BaSrTi2O6", known, settings)
    row = made.reactions
    assert (made.tried, made.forming) == (1, 1)
    assert row.equations[0] == "BaCO3 + SrCO3 + 2 TiO2 -> BaSrTi2O6 + 2 CO2"
    assert row.by_products[0] == "CO2"
    assert set(row.competing[0].split(" + ")) == {"BaTiO3", "SrTiO3"}
    assert row.gamma[0] == row.reaction_energies[0]
    alone = recommend("BaSrTi2O6", known, settings.model_copy(update={"by_products": False}))
    assert len(alone.reactions) == 0


def test_uncertain_energies_give_error_bars(titanates):
    beliefs = Predictions.from_rows(
        ids=["Ba2TiO4", "guess"], formulas=["Ba2TiO4", "BaTi2O5"], members=np.asarray([[-3.31], [-3.39]]),
        member_aleatoric=np.asarray([[0.05], [0.05]]), model="made up",
    )  # fmt: skip
    made = asked(titanates, source="list", precursors=("BaO", "TiO2"), predictions=beliefs, samples=400)
    row = made.reactions
    assert row.gamma_std[0] > 0.005
    assert row.p_exergonic[0] == 1.0
    assert 0.0 < row.p_deepest[0] < 1.0
    assert row.primary_low[0] < row.primary[0] < row.primary_high[0]
    shown = f"{1e3 * row.primary[0]:.1f} ({1e3 * row.primary_low[0]:.1f} to {1e3 * row.primary_high[0]:.1f})"
    assert shown in describe(row)
    certain = asked(titanates, source="list", precursors=("BaO", "TiO2"))
    assert row.reaction_energies[0] == certain.reactions.reaction_energies[0]
    assert " to " not in describe(certain.reactions)


def test_the_newest_prediction_counts():
    def said(value):
        return Predictions.from_rows(
            ids=["a"], formulas=["BaO"], members=np.asarray([[value]]), member_aleatoric=np.asarray([[0.1]])
        )

    assert latest([]) is None
    assert latest([said(1.0), said(2.0)]).mean.tolist() == [2.0]


def test_new_phases_are_those_that_were_not_known(titanates):
    known = titanates.without(["BaTiO3", "SrTiO3", "BaO2"])
    assert new_phases(titanates, known) == ["BaO2", "BaTiO3", "SrTiO3"]
    assert new_phases(titanates, titanates) == []


def test_what_cannot_be_asked_is_refused(titanates):
    with pytest.raises(InputError, match="neither an id nor a formula"):
        recommend("BaTi4O9", titanates, RecipeSettings())
    with pytest.raises(InputError, match="two are needed; missing: BaS"):
        asked(titanates, source="list", precursors=("BaO", "BaS"))
    with pytest.raises(InputError, match="no published recipes are there"):
        asked(titanates, source="literature")


def test_the_bench_test(titanates):
    tested = {one.gas: one for one in in_air("BaO", titanates)}
    gas = gas_energy("CO2", temperature=298.15, pressure=4.2e-4)
    assert tested["CO2"].reacts
    assert tested["CO2"].equation == "BaO + CO2 -> BaCO3"
    assert tested["CO2"].energy == pytest.approx((5 * -2.50 - 2 * -2.83 - gas) / 5)
    assert np.isnan(tested["H2O"].energy)
    assert "no H" in tested["H2O"].note
    calm = {one.gas: one for one in in_air("SrTiO3", titanates)}
    assert not calm["O2"].reacts
    assert calm["O2"].equation == ""


def test_equations_have_whole_coefficients_where_these_are_small():
    assert equation_text({"BaO": 0.2, "TiO2": 0.2}, {"BaTiO3": 0.2}, {}) == "BaO + TiO2 -> BaTiO3"
    assert equation_text({"Fe": 2.0}, {"Fe2O3": 1.0}, {"O": 3.0}) == "2 Fe + 3 O (reservoir) -> Fe2O3"
    assert equation_text({"Fe2O3": 1 / 3}, {"Fe3O4": 2 / 9}, {"O": -1 / 9}) == "3 Fe2O3 -> 2 Fe3O4 + O (reservoir)"
