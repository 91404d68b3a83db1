"""Sections of a report: funnel, models, trust, cost, methods."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition

from aiida_mlhull.science.hull.placement import place
from aiida_mlhull.science.report import make_report
from aiida_mlhull.science.report.methods import bibtex, methods, nearest_protocol
from aiida_mlhull.science.types import References
from benchmarks.report import made_material


def test_the_flow_loses_nobody(report, material):
    flow = report.sections["funnel"]
    nodes, links = flow["nodes"], flow["links"]
    assert nodes[0]["name"] == "candidates"
    assert nodes[0]["count"] == len(material.candidates)
    into, out = Counter(), Counter()
    for link in links:
        out[link["source"]] += link["count"]
        into[link["target"]] += link["count"]
    for position, node in enumerate(nodes):
        assert position == 0 or into[position] == node["count"]
        assert out[position] in {0, node["count"]}  # all go on, or it is an end


def test_what_a_place_chooses_has_come_through_it(report):
    end, start = report.candidates["end"].tolist(), report.candidates["start_set"]
    for spot in [*report.sections["funnel"]["nodes"], *report.sections["funnel"]["links"]]:
        rows = np.isin(end, spot["ends"])
        if spot["start_set"] is not None:
            rows &= start == spot["start_set"]
        assert rows.sum() == spot["count"]


def test_bands_are_those_of_the_energies(report):
    above = report.candidates["above_hull"]
    counts = {node["name"]: node["count"] for node in report.sections["funnel"]["nodes"]}
    assert counts["≤ 100 meV"] == (above <= 0.100).sum()
    assert counts["≤ 50 meV"] == (above <= 0.050).sum()
    assert counts["on the hull"] == (above <= 1e-6).sum() == report.sections["now"]["on_hull"]


def test_models_are_held_against_the_record(report, material):
    first = report.sections["quality"]["rounds"][0]
    predictions = material.rounds[0].predictions
    truth = material.record.take(material.record.succeeded)
    both = predictions.take(truth.has(predictions.ids))
    errors = both.mean - truth.select(both.ids).energies
    assert first["compared"] == len(both)
    assert first["numbers"]["mae"] == pytest.approx(np.abs(errors).mean())
    assert first["numbers"]["coverage"]["0.95"] == pytest.approx((np.abs(errors) < 1.959964 * both.sigma).mean())
    counted = first["confusion"]
    assert counted["true_positives"] + counted["false_negatives"] == pytest.approx(counted["prevalence"] * len(both))
    oxygen = next(one for one in first["elements"] if one["element"] == "O")
    mine = ["O" in material_system(formula) for formula in both.formulas.tolist()]
    assert oxygen["rows"] == sum(mine)
    assert oxygen["mae"] == pytest.approx(np.abs(errors[mine]).mean())


def material_system(formula):
    from pymatgen.core import Composition

    return {element.symbol for element in Composition(formula).elements}


def test_kept_recall_is_counted_on_the_record(report, material):
    said = report.sections["quality"]["rounds"][0]["recall"]
    assert said["rule"] == "two_sigma"
    assert said["promised"] is None  # only recall_target promises one
    assert 0 < said["kept"] <= 1


def test_what_may_have_been_missed(report):
    trust = report.sections["trust"]
    chances = report.candidates["p_stable"]
    assert trust["expected_missed"] == pytest.approx(np.nansum(chances))
    assert 0 <= trust["at_least_one"] <= 1
    worst = [chances[row] for row in trust["regrettable"]]
    assert worst == sorted(worst, reverse=True)
    assert worst[0] == np.nanmax(chances)
    assert trust["certificate"]["largest_gap"] <= trust["certificate"]["passes"]
    assert trust["merging"][0]["stage"] == "potential"
    assert trust["merging"][0]["merged"] == (report.candidates["reason"] == "same_as").sum()


def test_what_is_hardly_explored_is_as_the_hull_says_of_the_phases(report, material):
    done = material.results.take(material.results.succeeded)
    phases = References(ids=done.ids, formulas=done.formulas, energies=done.energies, scheme=material.references.scheme)
    placed = place(phases, material.references)
    assert placed.underexplored.any()
    assert (
        report.candidates["id"][report.candidates["underexplored"]].tolist()
        == placed.ids[placed.underexplored].tolist()
    )
    listed = report.candidates["phase_separation"][report.sections["trust"]["underexplored"]]
    assert len(listed) == placed.underexplored.sum()
    assert listed.tolist() == sorted(listed)


def test_the_last_claim_of_the_models_is_told(report, material):
    told = report.sections["trust"]["promise"]
    assert told == material.stocks[-1]["promise"]
    assert 0 < told["claim"] < 1
    none = make_report(replace(material, stocks=material.stocks[:-1]))
    assert none.sections["trust"]["promise"] is None  # its rule states no chances


def test_compositions_with_few_results_are_counted(report):
    few = report.sections["trust"]["few_labels"]
    results, candidates = Counter(), Counter(report.candidates["formula"].tolist())
    results.update(report.candidates["formula"][np.isfinite(report.candidates["energy"])].tolist())
    poor = {f for f in candidates if results[f] < few["fewer_than"] and candidates[f] > results[f]}
    assert few["compositions"] == len(candidates)
    assert {one["formula"] for one in few["listed"]} == poor


def test_kilowatt_hours(report):
    cost = report.sections["cost"]
    assert cost["kwh"] == pytest.approx(cost["spent"] / 60 * 8 / 1000)


def test_methods_cite_what_they_name(report):
    written = report.sections["methods"]
    for key in ("ekstrom2022", "huber2020", "ong2013", "geurts2006", "deng2023"):
        assert f"[{key}]" in written["text"]
        assert f"{{{key}," in written["bibtex"]
    assert written["bibtex"].count("@article") == written["text"].count("[")
    assert "NOT FOR PUBLICATION" not in written["text"]


def test_methods_name_no_ensembles_where_none_decided(material):
    settings = material.settings
    stages = tuple(stage.model_copy(update={"gate": None}) for stage in settings.stages)
    ungated = replace(material, settings=settings.model_copy(update={"stages": stages}), rounds=[])
    written = methods(ungated)
    assert "ensembles deciding" not in written["text"]
    assert make_report(material).sections["head"]["ensemble"].endswith(settings.ensemble.model)
    assert make_report(ungated).sections["head"]["ensemble"] == "none: no stage has a gate"
    assert "ekstrom2022" not in written["bibtex"]


def test_bibtex_in_the_order_of_citation():
    entries = bibtex(["xie2018", "huber2020", "xie2018"])
    assert entries.index("xie2018") < entries.index("huber2020")
    assert entries.count("xie2018") == 1


def test_the_nearest_protocol_and_what_differs():
    from aiida_mlhull.science.campaign import campaign_settings

    settings = campaign_settings({"budget": 0.33, "seed": 5}, protocol="laptop-plain")
    assert nearest_protocol(settings) == ("laptop-plain", ["budget: 0.33 instead of 0.4"])


def test_before_anything_has_happened_there_is_a_report(material):
    nothing = replace(
        material,
        outcomes=None,
        rounds=(),
        started=(),
        order=(),
        record=None,
        arrivals=(),
        stages=[
            replace(stage, labels=None, processes=np.empty(0, dtype=np.int64), merged=None) for stage in material.stages
        ],
    )
    report = make_report(nothing)
    assert set(report.candidates["reason"].tolist()) == {"not_considered"}
    assert report.sections["now"]["relaxed"] == 0
    assert report.sections["quality"]["rounds"] == []
    assert json.loads(report.to_json())["trust"]["expected_missed"] == 0


def test_without_a_record_models_are_held_against_results():
    report = make_report(made_material(120, seed=3, systems=4, record=False))
    quality = report.sections["quality"]
    assert quality["against"] == "results"
    assert quality["rounds"][0]["recall"]["kept"] is None


def test_a_stand_in_is_named_in_the_methods(material):
    identity = replace(material.identity, standin="made by a stand-in: NOT VASP")
    assert (
        make_report(replace(material, identity=identity)).sections["methods"]["text"].startswith("NOT FOR PUBLICATION")
    )


def test_batches_cover_all_results_and_say_what_they_found(report, material):
    told, results = report.sections["found"], material.results
    assert sum(one["calculated"] for one in told["batches"]) == len(results)
    assert told["batches"][0]["batch"] == "start set"
    lower = 0
    known = {"formulas": material.references.formulas.tolist(), "energies": material.references.energies.tolist()}
    diagram = diagram_of(**known)
    for formula, energy in zip(results.formulas.tolist(), results.energies.tolist(), strict=True):
        if np.isfinite(energy):
            lower += energy - diagram.get_hull_energy_per_atom(Composition(formula)) < -1e-6
    assert told["rows"] == lower == sum(one["below"] for one in told["batches"])
    assert told["in_known_systems"] + told["in_new_systems"] == lower


def diagram_of(formulas, energies):
    rows = [(Composition(formula), energy) for formula, energy in zip(formulas, energies, strict=True)]
    return PhaseDiagram([PDEntry(one, energy * one.num_atoms) for one, energy in rows])


def test_both_conventions_count_the_same_rows(report):
    for one in report.sections["quality"]["rounds"]:
        counts = [
            sum(by[name] for name in ("true_positives", "false_positives", "true_negatives", "false_negatives"))
            for by in (one["confusion"], one["thesis"])
        ]
        assert counts == [one["compared"], one["compared"]]
        said = [by["true_positives"] + by["false_positives"] for by in (one["confusion"], one["thesis"])]
        assert said[1] <= said[0]  # σ on top, and strictly below
