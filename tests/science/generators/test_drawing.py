"""Substitution by the table, and Hautier's ions; what the contract can't know."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.analysis.structure_prediction.substitution_probability import SubstitutionProbability
from pymatgen.core import Composition, Species

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.generators.base import GeneratorInput, drawing
from aiida_mlhull.science.generators.element_groups import excluded_numbers
from aiida_mlhull.science.generators.exchange import Exchange, Seen, exchanged
from aiida_mlhull.science.generators.ionic import Ionic, IonicSettings, ion_table
from aiida_mlhull.science.generators.mining import mine_substitutions
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.generators.substitution import (
    ElementChances,
    Substitution,
    SubstitutionSettings,
)
from aiida_mlhull.science.representations.composition import NUMBERS, reduce_formula
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import concatenate
from tests.science.real_crystals import mp_crystals


@pytest.fixture(scope="module")
def parents():
    """94 real crystals, every other one on the hull."""
    crystals = mp_crystals()
    return Parents.from_rows(
        ids=[f"mp-{index:02d}" for index in range(len(crystals))],
        formulas=crystals.reduced_formulas(),
        crystals=crystals,
        protostructures=protostructures(crystals),
        above_hull=np.where(np.arange(len(crystals)) % 2, 0.3, 0.0),
        source="MP",
    )


def whole(generator, start, **options):
    return concatenate([shard.candidates for shard in generator.shards(start, **options)])


def left_out(generator, start):
    return sum((shard.left_out for shard in generator.shards(start)), Counter())


# ------------------------------------------------------------------- substitution


def test_draws_follow_the_table():
    table = mine_substitutions(["AB_cF8_225_a_b:N-Ti", "AB_cF8_225_a_b:N-Zr", "AB_cF8_225_a_b:Mg-O"])
    chances = ElementChances(table, frozenset())
    numbers, reasons = chances.draw("TiN", (7, 22), 20_000, np.random.default_rng(5))
    assert (reasons == "").all()
    for column, symbol in enumerate(["N", "Ti"]):
        expected = table.probabilities[table.elements.index(symbol)]
        shares = [(numbers[:, column] == NUMBERS[other]).mean() for other in table.elements]
        np.testing.assert_allclose(shares, expected, atol=0.015)


def test_excluded_elements_are_never_drawn_and_the_others_share_their_chances():
    table = mine_substitutions(["AB_cF8_225_a_b:N-Ti", "AB_cF8_225_a_b:N-Zr", "AB_cF8_225_a_b:Mg-O"])
    chances = ElementChances(table, frozenset({NUMBERS["Zr"]}))
    assert chances.never == ("Zr",)
    numbers, _ = chances.draw("TiN", (7, 22), 500, np.random.default_rng(5))
    assert set(numbers[:, 1].tolist()) == {NUMBERS["Mg"]}
    with pytest.raises(InputError, match="excluded"):
        ElementChances(table, frozenset(NUMBERS[symbol] for symbol in table.elements))


def test_only_parents_near_the_hull_have_children(parents):
    found = whole(Substitution(SubstitutionSettings(draws=3, smoothing=0.1)), GeneratorInput(crystals=parents))
    on_hull = set(parents.ids[parents.above_hull == 0].tolist())
    assert {origin.split(":")[0] for origin in found.origins.tolist()} <= on_hull


def test_known_compositions_are_left_out_unless_asked_for(parents):
    known = set(parents.formulas.tolist())
    settings = SubstitutionSettings(draws=8, near_hull=None, exclude=())
    found = whole(Substitution(settings), GeneratorInput(crystals=parents))
    assert known.isdisjoint(found.formulas.tolist())
    named = found.formulas[0]
    fewer = whole(
        Substitution(settings), GeneratorInput(crystals=parents, known=frozenset({reduce_formula(str(named))}))
    )
    assert named not in fewer.formulas.tolist()
    more = whole(
        Substitution(settings.model_copy(update={"known_compositions": True})), GeneratorInput(crystals=parents)
    )
    assert set(found.ids.tolist()) < set(more.ids.tolist())


def test_a_child_has_the_kind_of_its_parent(parents):
    """New elements, same positions: so the anonymous label is the parent's, but where rescaling blurs it."""
    found = whole(Substitution(SubstitutionSettings(draws=5, smoothing=0.1)), GeneratorInput(crystals=parents))
    groups = {
        str(name): str(label).split("_")[2] for name, label in zip(parents.ids, parents.protostructures, strict=True)
    }
    same = [
        groups[origin.split(":")[0]] == label.split("_")[2]
        for origin, label in zip(found.origins.tolist(), found.protostructures.tolist(), strict=True)
    ]
    assert np.mean(same) > 0.97


def test_what_else_is_there_makes_no_difference_to_a_parent_s_draws(parents):
    table = mine_substitutions(parents.protostructures, smoothing=0.5)
    generator = Substitution(SubstitutionSettings(draws=4, near_hull=None, known_compositions=True))
    all_of_them = whole(generator, GeneratorInput(crystals=parents, table=table)).origins.tolist()
    one = parents.take([10])
    alone = whole(generator, GeneratorInput(crystals=one, table=table)).origins.tolist()
    assert alone
    assert set(alone) == {origin for origin in all_of_them if origin.startswith(f"{one.ids[0]}:")}


def test_a_table_from_elsewhere_is_drawn_from(parents):
    table = mine_substitutions(["AB_cF8_225_a_b:N-Ti", "AB_cF8_225_a_b:N-Zr"])
    generator = Substitution(SubstitutionSettings(draws=2, near_hull=None))
    assert generator.table(GeneratorInput(crystals=parents, table=table)) is table
    reasons = left_out(generator, GeneratorInput(crystals=parents, table=table))
    assert set(reasons) == {"element_not_in_table"}
    assert reasons.total() == 2 * len(parents)


def test_large_parents_are_passed_over(parents):
    small = Substitution(SubstitutionSettings(draws=1, near_hull=None, largest_cell=4))
    assert small.plan(GeneratorInput(crystals=parents)).facts["parents"] == int((parents.crystals.n_sites <= 4).sum())
    tiny = Substitution(SubstitutionSettings(draws=1, near_hull=None, largest_cell=1))
    with pytest.raises(InputError, match="more than 1 sites"):
        tiny.plan(GeneratorInput(crystals=parents))


def test_groups_of_elements():
    assert excluded_numbers(["halogens", "O"]) - {117} == {8, 9, 17, 35, 53, 85}
    assert excluded_numbers(["noble_gases"]) == {2, 10, 18, 36, 54, 86, 118}
    assert excluded_numbers(["lanthanides"]) == set(range(57, 72))
    assert excluded_numbers(["radioactive"]) == {43, 61, *range(84, 119)}
    assert excluded_numbers(["toxic", "alkali_metals"]) == {4, 33, 48, 80, 81, 82, 3, 11, 19, 37, 55, 87}
    assert excluded_numbers([]) == frozenset()
    with pytest.raises(InputError, match="neither elements nor groups of elements: nobel_gases"):
        excluded_numbers(["nobel_gases"])


# ------------------------------------------------------------------- ions


def test_the_table_of_ions_is_pymatgen_s():
    published, table = SubstitutionProbability(), ion_table()
    np.testing.assert_allclose(table.probabilities.sum(axis=1), 1.0)
    row, column = table.rows[NUMBERS["Na"], 1], table.rows[NUMBERS["K"], 1]
    expected = published.cond_prob(Species("K", 1), Species("Na", 1))
    assert table.probabilities[row, column] == pytest.approx(expected, rel=0.01)


def test_ionic_children_are_neutral_and_the_rest_is_counted(parents):
    generator = Ionic(IonicSettings(draws=20, near_hull=None))
    facts = generator.plan(GeneratorInput(crystals=parents)).facts
    assert facts["parents with ions in the table"] + facts["without oxidation states"] <= len(parents)
    found = whole(generator, GeneratorInput(crystals=parents))
    assert len(found) > 20
    guessed = [bool(Composition(formula).oxi_state_guesses()) for formula in found.formulas.tolist()[:40]]
    assert np.mean(guessed) > 0.9
    reasons = left_out(generator, GeneratorInput(crystals=parents))
    assert reasons["not_neutral"] > 0
    assert reasons["no_oxidation_states"] == 20 * facts["without oxidation states"]


def test_the_table_of_ions_is_of_no_use_for_alloys(parents):
    alloys = parents.take([row for row, formula in enumerate(parents.formulas.tolist()) if not _ionic(formula)])
    with pytest.raises(InputError, match="the generator 'substitution' needs no oxidation states"):
        Ionic(IonicSettings(near_hull=None)).plan(GeneratorInput(crystals=alloys))


def _ionic(formula):
    return bool(Composition(formula).oxi_state_guesses())


@pytest.mark.parametrize("made", [1, 3, "all"])
def test_shards_of_an_earlier_run_are_not_made_again_and_the_others_are_the_same(parents, made):
    generator, start = Substitution(SubstitutionSettings(draws=6, near_hull=None)), GeneratorInput(crystals=parents)
    shards = list(generator.shards(start, seed=4, size=55))
    sizes = [len(shard.candidates) for shard in shards]
    assert min(sizes[:5]) > 40
    assert sizes[5:] == [0]  # reasons alone, after the last draw that was built
    made = len(shards) if made == "all" else made
    earlier = [shard.candidates.ids for shard in shards[:made]]
    rest = list(generator.shards(start, seed=4, size=55, earlier=earlier))
    assert [shard.candidates.ids.tolist() for shard in rest] == [
        shard.candidates.ids.tolist() for shard in shards[made:]
    ]
    assert [shard.left_out for shard in rest] == [shard.left_out for shard in shards[made:]]


# ------------------------------------------------------------------- parts


def test_seen_remembers_across_shards():
    seen = Seen()
    first = np.asarray([f"{n:08x}-0000-5000-8000-000000000000" for n in range(5)])
    second = np.asarray([f"{n:08x}-0000-5000-8000-000000000000" for n in range(3, 8)])
    assert seen.add(first).tolist() == [0, 1, 2, 3, 4]
    assert seen.add(second).tolist() == [2, 3, 4]
    assert seen.add(first).tolist() == []
    assert len(seen) == 8


def test_exchange_puts_every_class_s_element_in_its_place(parents):
    crystals = parents.crystals
    own = tuple(crystals.element_counts(0))
    built = exchanged(crystals, [Exchange(0, own, tuple(z + 1 for z in own))])
    assert built.numbers.tolist() == (crystals.arrays(0)[1] + 1).tolist()
    assert (built.frac_coords == crystals.arrays(0)[2]).all()
    assert len(exchanged(crystals, [])) == 0


def test_chance_has_a_name():
    assert drawing(1, "a").random() == drawing(1, "a").random()
    assert len({drawing(seed, name).random() for seed in (1, 2) for name in ("a", "b")}) == 4


def test_parents_without_a_label_are_no_trouble(parents):
    nameless = replace(parents, protostructures=np.full(len(parents), ""))
    table = mine_substitutions(parents.protostructures, smoothing=0.5)
    generator = Substitution(SubstitutionSettings(draws=1, near_hull=None))
    assert len(whole(generator, GeneratorInput(crystals=nameless, table=table))) > 0
