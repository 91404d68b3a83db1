"""Ensembles of product models are kept as arrays and say the same again; spreads are those of systems not seen."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.errors import TooFewLabelsError, WeightsError
from aiida_mlhull.science.products import PRODUCTS, element_movers_distance, spreads_of
from aiida_mlhull.science.products.base import targets
from aiida_mlhull.science.products.ensemble import ProductSettings, expect, fit_products, formula_of, members_say
from aiida_mlhull.science.representations.composition import chemical_system
from aiida_mlhull.science.wire import decode_ensemble, encode_ensemble
from tests.science.products.test_products import PUBLISHED, of, recipes

KEPT = [name for name in PRODUCTS if hasattr(PRODUCTS[name], "restored")]


def settings_of(name, **others):
    return ProductSettings(model=name, members=2, epochs=2, **others)


def test_the_models_of_the_thesis_are_kept():
    assert KEPT == ["magpie_concat", "reaction_graph"]


@pytest.mark.parametrize("name", KEPT)
def test_kept_members_say_the_same_again(name):
    known, asked = recipes(*PUBLISHED[:24]), recipes(*PUBLISHED[24:])
    model = settings_of(name).build()
    model.fit(known, seed=5)
    said = model.members_say(asked)
    again = PRODUCTS[name].restored(model.kept())
    np.testing.assert_array_equal(again.members_say(asked), said)
    assert said.shape[0] == 2
    assert np.abs(said[0] - said[1]).max() > 0, "members differ"


@pytest.mark.parametrize("name", KEPT)
def test_ensembles_travel_as_files_and_are_calibrated_in_systems_that_no_member_saw(name):
    known = recipes(*PUBLISHED)
    ensemble = fit_products(known, settings_of(name, held_out=0.3), seed=4)
    back = decode_ensemble(encode_ensemble(ensemble))
    expected = expect(back, known)
    assert (expected.spreads >= 0).all()
    systems = np.asarray([chemical_system(formula) for formula in known.formulas.tolist()])
    assert ensemble.learned["rows"] < len(known)
    said = members_say(back, known)
    factor = ensemble.calibration["factor"]
    np.testing.assert_allclose(expected.spreads, factor * spreads_of(said))
    # The held-out systems are those on which mean spread and mean error agree, and whose errors are the members' scores.
    different = np.unique(systems)
    count = round(0.3 * len(different))
    held = np.isin(systems, np.random.default_rng(4).permutation(different)[:count])
    assert held.sum() == len(known) - ensemble.learned["rows"]
    away = element_movers_distance(said.mean(axis=0), targets(known))
    assert expected.spreads[held].mean() == pytest.approx(away[held].mean())
    own = [element_movers_distance(one, targets(known))[held].mean() for one in said]
    assert [member.scores["validation_mae"] for member in back.members] == pytest.approx(own)
    other = replace(known, formulas=np.full(len(known), "NaCl"))
    assert expect(back, other).formulas.tolist() == expected.formulas.tolist(), "targets are not looked at"


def test_products_as_formulas():
    assert formula_of(of("BaTiO3")[0]) == "Ba1O3Ti1" or formula_of(of("BaTiO3")[0]) == "O3TiBa"
    third = formula_of(of("TiO2")[0])
    np.testing.assert_allclose(of(third), of("TiO2"), atol=1e-3)


def test_what_can_not_be_an_ensemble_is_refused():
    with pytest.raises(ValueError, match="magpie_concat, reaction_graph"):
        ProductSettings(model="nearest")
    one = recipes(("BaTiO3", "BaCO3 + TiO2", "1 1"), ("Ba2TiO4", "BaCO3 + TiO2", "2 1"))
    with pytest.raises(TooFewLabelsError, match="two chemical systems"):
        fit_products(one, settings_of("magpie_concat"), seed=0)
    ensemble = fit_products(recipes(*PUBLISHED), settings_of("magpie_concat"), seed=0)
    with pytest.raises(WeightsError, match="fitted on energy"):
        expect(replace(ensemble, target="energy"), one)
    with pytest.raises(WeightsError, match="not those of reaction_graph"):
        expect(replace(ensemble, model="reaction_graph"), one)
