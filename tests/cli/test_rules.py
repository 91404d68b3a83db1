"""All keep-rules on the first round of one small campaign, against its record."""

from __future__ import annotations

import json

import numpy as np
import pytest

from aiida_mlhull.science.triage import RULES
from tests.cli.conftest import Desk, run

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("registered")]


@pytest.fixture(scope="module")
def finished(registered, tmp_path_factory):
    """A campaign of two rounds on a record."""
    from aiida_mlhull.graph import campaigns

    result = run("launch", Desk(tmp_path_factory.mktemp("desk")).campaign(), "--foreground")
    assert result.exit_code == 0, result.output
    return campaigns.newest()[0]


@pytest.fixture(scope="module")
def told(finished):
    result = run("rules", finished.pk, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def test_every_rule_is_there_but_the_committee_of_one(told):
    names = {outcome["rule"] for outcome in told["outcomes"]}
    assert names == {*RULES, "this gate: top_n"} - {"committee"}
    assert told["remarks"] == ["committee: there is one ensemble only, nothing to combine it with"]


def test_numbers_add_up(told):
    assert (told["rows"], told["core_minutes_each"]) == (43, 605.0)
    for outcome in told["outcomes"]:
        assert outcome["kept_fraction"] == pytest.approx(outcome["kept"] / 43)
        assert outcome["saved_core_minutes"] == pytest.approx((43 - outcome["kept"]) * 605)


def test_the_campaigns_own_rule_decides_as_it_did(finished, told):
    """Twelve are kept by the rule: eight that found a place in the batch, and four that must wait."""
    from aiida_mlhull.graph import results

    own = outcome(told, "this gate: top_n")
    counted = results.rounds(finished.pk)[0]
    assert own["kept"] == counted.kept + counted.waiting == 12
    assert outcome(told, "top_n")["kept"] == 43


def test_the_oracle_finds_all_and_the_truth_is_that_of_the_record(finished, told):
    """By hand: the lowest of all energies against pymatgen's own diagram."""
    from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
    from pymatgen.core import Composition

    from aiida_mlhull.calculations.ports import leaves
    from aiida_mlhull.graph.models import deciding_step, record_of
    from aiida_mlhull.science.triage import RULES
    from aiida_mlhull.science.types import concatenate

    inputs = deciding_step(finished.pk, number=1).inputs
    asked = concatenate([node.to_science() for node in inputs.predictions.values()])
    done = concatenate([node.to_science() for node in leaves(inputs.results).values()])
    record, known = record_of(finished).select(asked.ids), inputs.references.to_science()
    entries = {
        name: PDEntry(Composition(formula), energy * Composition(formula).num_atoms)
        for table in (record, done, known)
        for name, formula, energy in zip(
            table.ids.tolist(), table.formulas.tolist(), table.energies.tolist(), strict=True
        )
    }
    diagram = PhaseDiagram(list(entries.values()))
    stable = [name for name in asked.ids.tolist() if diagram.get_e_above_hull(entries[name]) <= 1e-6]
    assert outcome(told, "oracle")["kept"] == len(stable)
    assert outcome(told, "oracle")["recall"] == outcome(told, "oracle")["precision"] == (1.0 if stable else None)
    rule = RULES["two_sigma"]
    from aiida_mlhull.science.hull import with_results

    decided = rule(rule.Settings()).decide(asked, with_results(known, done))
    kept = set(decided.ids[decided.keep].tolist())
    assert outcome(told, "two_sigma")["precision"] == pytest.approx(len(kept & set(stable)) / len(kept))
    assert outcome(told, "two_sigma")["recall"] == pytest.approx(len(kept & set(stable)) / len(stable))


def outcome(told, rule):
    (found,) = [one for one in told["outcomes"] if one["rule"] == rule]
    return found


def test_the_table_says_the_same_as_the_json(finished, told):
    lines = run("rules", finished.pk).output.splitlines()
    assert lines[0] == f"Campaign {finished.pk} (arsenides), final, round 1: 43 candidates, 605 core-minutes each"
    assert lines[2].split() == [
        "rule",
        "kept",
        "share",
        "saved",
        "core-min",
        "recall",
        "recall",
        "25",
        "meV",
        "precision",
    ]
    rows = lines[4 : 4 + len(told["outcomes"])]
    for line, one in zip(rows, told["outcomes"], strict=True):
        assert line.startswith(one["rule"])
        assert line.removeprefix(one["rule"]).split()[0] == str(one["kept"])


def test_later_rounds_and_rounds_that_never_were(finished):
    assert json.loads(run("rules", finished.pk, "--round", 2, "--json").output)["rows"] == 35
    result = run("rules", finished.pk, "--round", 9)
    assert result.exit_code == 1
    assert "has decided nothing in round 9" in result.output


def test_what_was_found_extends_the_references(finished):
    from aiida_mlhull.graph import results

    result = run("references", "from-campaign", finished.pk)
    assert result.exit_code == 0, result.output
    found = results.results(finished)
    expected = finished.inputs.references.n_rows + int(np.count_nonzero(found.succeeded))
    assert f"phases        {expected:,}\n" in result.output
    assert "results of campaign arsenides" in result.output
