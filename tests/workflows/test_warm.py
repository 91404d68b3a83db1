"""A campaign whose models learn from the labels of an earlier one, of other elements and other references."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.launching.earlier.warm import find_warm
from aiida_mlhull.launching.extension import prepare_extension
from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.errors import MixedSchemesError, SettingsError, TableError
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.workflows.screen import Screen
from tests.campaign_inputs import campaign_inputs

pytestmark = pytest.mark.slow

SETTINGS = {
    "seed": 3,
    "start": 20,
    "stages": [
        {
            "name": "final",
            "engine": "recorded",
            "core_minutes": 605,
            "gate": {"rule": "top_n", "rule_settings": {"n": 3}},
        }
    ],
    "ensemble": {"model": "element_correction", "members": 2, "own_weight": 2},
}


def of(binary: Any, element: str) -> Any:
    """The excerpt of an element and arsenic, whose references know nothing else."""

    def fits(formulas: Any) -> Any:
        return np.asarray([set(reduce_formula(one).symbols) <= {element, "As"} for one in formulas.tolist()])

    return SimpleNamespace(
        candidates=binary.candidates.take(fits(binary.candidates.formulas)),
        record=binary.record.take(fits(binary.record.formulas)),
        references=binary.references.take(fits(binary.references.formulas)),
    )


@pytest.fixture(scope="module")
def earlier(code, binary) -> int:
    """A campaign on arsenides of beryllium."""
    node = run_get_node(Screen, **campaign_inputs(orm.load_code(code), of(binary, "Be"), SETTINGS))[1]
    assert node.is_finished_ok, node.exit_message
    return node.pk


def warm_for(binary: Any, earlier: int, **changes: Any) -> Any:
    whole = campaign_settings(SETTINGS)
    scheme = changes.pop("scheme", binary.references.scheme)
    return find_warm(
        [f"campaign:{earlier}"], whole, changes.get("candidates", of(binary, "Cd").candidates), scheme=scheme
    )


def test_models_learn_from_both_and_the_campaign_counts_its_own(earlier, code, binary):
    warm = warm_for(binary, earlier)
    relaxed = sum(node.base.attributes.get("n_succeeded") for node in orm.load_node(earlier).outputs.results.values())
    assert warm.results == {}
    assert warm.remarks[0].startswith(f"models learn from {relaxed} labels of campaign {earlier}")
    inputs = campaign_inputs(orm.load_code(code), of(binary, "Cd"), SETTINGS) | {"warm": warm.by_gate}
    node = run_get_node(Screen, **inputs)[1]
    assert node.is_finished_ok, node.exit_message
    fits = [one for one in node.called_descendants if one.process_label == "FitCalculation"]
    for fit in fits:
        assert fit.outputs.results["n_warm"] == relaxed
        assert fit.outputs.ensemble.to_science().learned["elements"] == ["As", "Be", "Cd"]
        assert "Be" not in fit.inputs.references.base.attributes.get("end_members")
        held = fit.outputs.ensemble.to_science().members[0].scores["held_out"]["ids"]
        assert set(held) <= set(of(binary, "Cd").candidates.ids.tolist())
    made = {one.pk for one in orm.load_node(earlier).called_descendants}
    assert {table.creator.pk for table in node.inputs.warm.final.labels.values()} <= made
    further = prepare_extension(node.pk, {"budget": 30}).builder
    assert {table.pk for table in further.warm["final"]["labels"].values()} == {
        table.pk for table in node.inputs.warm.final.labels.values()
    }
    own = sum(table.n_rows for table in node.outputs.results.values())
    assert own < len(of(binary, "Cd").candidates)


def test_what_was_relaxed_before_is_not_relaxed_again(earlier, code, binary):
    both = of(binary, "Be")
    warm = warm_for(binary, earlier, candidates=both.candidates)
    before = {
        name for node in orm.load_node(earlier).outputs.results.values() for name in node.to_science().ids.tolist()
    }
    inputs = campaign_inputs(orm.load_code(code), both, {**SETTINGS, "seed": 4})
    inputs |= {"warm": warm.by_gate, "earlier": {"results": warm.results, "retry": orm.List([])}}
    node = run_get_node(Screen, **inputs)[1]
    assert node.is_finished_ok, node.exit_message
    engines = [one for one in node.called if one.process_label == "RecordedEngine"]
    again = {name for one in engines for name in one.outputs.labels.to_science().ids.tolist()}
    assert not again & before


def test_other_schemes_other_words_and_other_crystals_are_refused(earlier, binary):
    from dataclasses import replace

    with pytest.raises(MixedSchemesError, match="begin with its weights instead"):
        warm_for(binary, earlier, scheme="r2SCAN")
    with pytest.raises(SettingsError, match="labels are those of a campaign"):
        find_warm(["12"], campaign_settings(SETTINGS), of(binary, "Cd").candidates, scheme="")
    cadmium, beryllium = (of(binary, one).candidates for one in ("Cd", "Be"))
    renamed = replace(cadmium.take([0]), ids=beryllium.ids[:1])
    with pytest.raises(TableError, match="mean another crystal"):
        warm_for(binary, earlier, candidates=renamed)
