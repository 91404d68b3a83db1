"""Prospecting on half of the pnictides, scored by the other half: every number against a count made another way."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.core import Composition

from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.errors import CrystalError, SettingsError
from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.generators.substitution import Substitution, SubstitutionSettings
from aiida_mlhull.science.hull import distances
from aiida_mlhull.science.prospecting import ProspectSettings, prospect, retrospect
from aiida_mlhull.science.prospecting.prospect import check_tells_energies, training_on_labels
from aiida_mlhull.science.prospecting.words import crossings_in_words
from aiida_mlhull.science.representations.composition import elements_of
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.strict import validated
from tests.science.real_crystals import pnictides

SETTINGS = ProspectSettings(
    substitution=SubstitutionSettings(draws=6, near_hull=None, known_compositions=True),
    ensemble=EnsembleSettings(model="magpie_forest", members=2, model_settings={"trees": 10}),
    rule="two_sigma",
    seed=3,
)


def crystals_of(rows, above_hull):
    return Parents(
        ids=rows.ids,
        formulas=rows.formulas,
        crystals=rows.relaxed,
        protostructures=protostructures(rows.relaxed),
        above_hull=above_hull,
        source="pnictides",
    )


@pytest.fixture(scope="module")
def halves():
    """What is known and what is found later; formation energies, so that elements lie at zero."""
    rows = pnictides()
    even = np.arange(len(rows)) % 2 == 0
    known, later = rows.take(even), rows.take(~even)
    symbols = list(elements_of(rows.formulas.tolist()))
    references = References.from_rows(
        ids=[*known.ids.tolist(), *symbols],
        formulas=[*known.formulas.tolist(), *symbols],
        energies=[*(known.energies - known.baselines).tolist(), *np.zeros(len(symbols))],
    )
    heights = distances(known.formulas, known.energies - known.baselines, references).e_above_hull
    return (
        crystals_of(known, heights),
        known.energies - known.baselines,
        crystals_of(later, np.full(len(later), np.nan)),
        later.energies - later.baselines,
        references,
    )


@pytest.fixture(scope="module")
def found(halves):
    known, energies, _, _, references = halves
    return prospect(known, energies, references, SETTINGS)


@pytest.fixture(scope="module")
def scores(halves, found):
    known, _, later, energies, references = halves
    return retrospect(found, known, later, energies, references)


def test_the_funnel_adds_up_from_the_draws_to_the_decisions(halves, found):
    known = halves[0]
    drawn = found.plan["parents"] * SETTINGS.substitution.draws
    built = found.funnel[0][1]
    assert drawn == len(known) * 6 == built + sum(found.left_out.values())
    for (_, entered, dropped), (_, following, _) in zip(found.funnel, found.funnel[1:], strict=False):
        assert entered - dropped == following
    assert found.funnel[-1][1] - found.funnel[-1][2] == len(found.candidates) == len(found.decisions)
    assert {name: dropped for name, _, dropped in found.funnel}["known_crystal"] > 0


def test_candidates_are_labels_without_cells_that_nobody_knows(halves, found):
    assert found.candidates.crystals is None
    labels = found.candidates.protostructures.tolist()
    assert len(set(labels)) == len(labels)
    assert not set(labels) & set(halves[0].protostructures.tolist())


def test_a_second_pass_of_the_generator_has_the_cells_of_the_kept(halves, found):
    start = GeneratorInput(crystals=halves[0])
    rows = [shard.candidates for shard in Substitution(SETTINGS.substitution).shards(start, seed=SETTINGS.seed)]
    there = {name for shard in rows for name in shard.ids.tolist()}
    assert len(found.kept)
    assert set(found.kept.ids.tolist()) <= there


def test_the_same_seed_finds_the_same(halves, found):
    known, energies, _, _, references = halves
    again = prospect(known, energies, references, SETTINGS)
    assert again.candidates.ids.tolist() == found.candidates.ids.tolist()
    np.testing.assert_array_equal(again.predictions.members, found.predictions.members)


def test_rediscovery_is_counted_by_labels(halves, found, scores):
    later = set(halves[2].protostructures.tolist()) - {""}
    keep = dict(zip(found.decisions.ids.tolist(), found.decisions.keep.tolist(), strict=True))
    rows = zip(found.candidates.ids.tolist(), found.candidates.protostructures.tolist(), strict=True)
    counts = Counter((label in later, keep[name]) for name, label in rows)
    told = scores.rediscovery
    hits, kept = counts[True, True] + counts[True, False], counts[True, True] + counts[False, True]
    assert (told["found_later"], told["kept"], told["kept_and_found_later"]) == (hits, kept, counts[True, True])
    assert hits > 5
    assert told["precision"] == counts[True, True] / kept
    assert told["enrichment"] == pytest.approx(counts[True, True] / kept * len(found.candidates) / hits)
    assert told["recall"] == counts[True, True] / hits
    in_batches = np.dot(told["precision_by_batch"], told["rows_by_batch"])
    assert in_batches == pytest.approx(counts[True, True])
    assert sum(told["rows_by_batch"]) == kept


def test_the_orders_by_rule_and_by_energy_alone_are_compared_candidate_by_candidate(halves, found, scores):
    later = set(halves[2].protostructures.tolist()) - {""}
    rows = dict(zip(found.candidates.ids.tolist(), found.candidates.protostructures.tolist(), strict=True))
    above = distances(found.candidates.formulas, found.predictions.mean, halves[4]).e_above_hull
    by_energy = [name for _, name in sorted(zip(above.tolist(), rows, strict=True))]
    by_rule = [
        name for _, name in sorted(zip((-found.decisions.scores).tolist(), found.decisions.ids.tolist(), strict=True))
    ]
    ahead, crossings, hits = 0, [], [0, 0]
    for place, names in enumerate(zip(by_rule, by_energy, strict=True), start=1):
        hits = [count + (rows[name] in later) for count, name in zip(hits, names, strict=True)]
        now = (hits[0] > hits[1]) - (hits[0] < hits[1])
        crossings += [place] if now and ahead and now != ahead else []
        ahead = now or ahead
    assert scores.rediscovery["lead_changes"] == crossings
    assert crossings_in_words([]) == "never"
    assert crossings_in_words([3, 1200]) == "2 times, after 3, 1,200 candidates"
    assert crossings_in_words(list(range(9))) == "9 times, after ...3, 4, 5, 6, 7, 8 candidates"


def test_the_two_definitions_count_the_same_rows_and_differ_where_they_say(scores):
    parts = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    thesis, theirs = scores.later["thesis"], scores.later["matbench_discovery"]
    for one in (thesis, theirs):
        assert sum(one[part] for part in parts) == scores.later["rows"]
    said = {
        name: one["true_positives"] + one["false_positives"] for name, one in scores.later.items() if "thesis" in name
    }
    assert said["thesis"] <= theirs["true_positives"] + theirs["false_positives"]  # σ on top, and strictly below
    assert theirs["enrichment"] == pytest.approx(theirs["precision"] / theirs["prevalence"], nan_ok=True)


def test_shares_of_elements_are_shares_of_rows(found, scores):
    kept = [Composition(formula) for formula in found.kept.formulas.tolist()]
    for symbol, (share, _) in scores.kept["elements"].items():
        assert share == pytest.approx(np.mean([symbol in one for one in kept]))


def test_of_rows_with_one_label_the_lowest_is_learned_from(halves):
    known, energies, _, _, references = halves
    rows = training_on_labels(known, energies, references, SETTINGS.cleaning)
    lowest: dict[str, float] = {}
    for label, energy in zip(known.protostructures.tolist(), energies.tolist(), strict=True):
        lowest[label] = min(energy, lowest.get(label, np.inf))
    told = dict(zip(rows.protostructures.tolist(), rows.energies.tolist(), strict=True))
    assert told == {label: energy for label, energy in lowest.items() if label in told}
    assert len(told) > 100


def test_models_that_look_at_cells_are_refused_before_anything_is_drawn(halves):
    known, energies, _, _, references = halves
    seeing = SETTINGS.model_copy(update={"ensemble": EnsembleSettings(model="trees_gp")})
    with pytest.raises(CrystalError, match="trees_gp looks at cells"):
        prospect(known, energies, references, seeing)


def test_an_ensemble_that_is_there_is_asked_instead_of_fitting_one(halves, found):
    known, energies, _, _, references = halves
    fits = []
    again = prospect(known, energies, references, SETTINGS, ensemble=found.ensemble, report=fits.append)
    np.testing.assert_array_equal(again.predictions.members, found.predictions.members)
    assert not [line for line in fits if "to learn from" in line]


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"baseline": "none"}, SettingsError, "from baseline 'none'"),
        ({"unit": "eV"}, SettingsError, r"energy_minus_baseline \(eV\)"),
        ({"classes": ("metal", "not")}, SettingsError, "needs energies above the elements or a hull"),
        ({"model": "trees_gp"}, CrystalError, "trees_gp looks at cells"),
    ],
)
def test_ensembles_whose_answers_have_no_place_on_a_hull_are_refused(found, change, error, message):
    check_tells_energies(found.ensemble)
    with pytest.raises(error, match=message):
        check_tells_energies(replace(found.ensemble, **change))


def test_rules_that_dont_exist_are_refused_before_anything_is_fitted():
    with pytest.raises(SettingsError, match="unknown keep-rule 'best'"):
        validated(ProspectSettings, {"rule": "best"}, what="prospecting")
    with pytest.raises(SettingsError, match="sigma_adjusted"):
        validated(ProspectSettings, {"rule_settings": {"n": 3}}, what="prospecting")
