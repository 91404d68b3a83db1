"""A campaign that asks for band gaps and metals: the gate requires a gap of some size, metals are only reported."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import run_get_node

from aiida_mlhull import names
from aiida_mlhull.data import CandidatesData, EnsembleData
from aiida_mlhull.graph.campaign import Campaign
from aiida_mlhull.graph.models import last_ensembles
from aiida_mlhull.graph.written.files import write_report
from aiida_mlhull.graph.written.lines import round_in_words
from aiida_mlhull.launching.extension import prepare_extension
from aiida_mlhull.launching.launch import prepare
from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.ensembles import predict
from aiida_mlhull.science.ensembles.rows import model_rows
from aiida_mlhull.science.errors import CrystalError, InputError, SettingsError
from aiida_mlhull.workflows.inputs import check_inputs, check_properties
from aiida_mlhull.workflows.screen import Screen
from tests.campaign_inputs import campaign_inputs
from tests.cli.conftest import Desk
from tests.property_ensembles import band_gaps, metals

pytestmark = pytest.mark.slow

LEAST, MOST = 0.22, 0.4
"""eV, which some candidates are predicted to lie below and above."""


REQUIRED = {"gap": f"> {LEAST} eV", "wide": f"P(wide > {MOST}) < 0.5"}
"""The second one stands for the same ensemble; its chance is below one half where the mean is below the bound."""


def settings(**require: str) -> dict[str, Any]:
    gate = {"rule": "top_n", "rule_settings": {"n": 5}, "rounds": 1, "require": require or REQUIRED}
    stage = {"name": "final", "engine": "recorded", "core_minutes": 605, "gate": gate}
    return {
        "name": "gapped",
        "seed": 3,
        "start": 20,
        "stages": [stage],
        "ensemble": {"model": "trees_gp", "members": 2},
    }


@pytest.fixture(scope="module")
def ensembles(aiida_profile) -> dict[str, EnsembleData]:
    gaps = EnsembleData.from_science(band_gaps()).store()
    return {"gap": gaps, "metal": EnsembleData.from_science(metals()).store(), "wide": gaps}


@pytest.fixture(scope="module")
def inputs(code, binary, ensembles) -> dict[str, Any]:
    return campaign_inputs(orm.load_code(code), binary, settings(), n_shards=1) | {"properties": ensembles}


@pytest.fixture(scope="module")
def node(inputs) -> orm.ProcessNode:
    found = run_get_node(Screen, **inputs)[1]
    assert found.is_finished_ok, found.exit_message
    return found


@pytest.fixture(scope="module")
def said(ensembles, binary) -> dict[str, Any]:
    """What the ensembles say of the candidates, asked outside of any campaign."""
    rows = model_rows(binary.candidates, None, baseline="none")
    return {name: predict(one.to_science(), rows) for name, one in ensembles.items()}


def test_each_property_is_asked_once_by_a_link_of_its_name(node, ensembles, binary):
    calls = {
        link.link_label: link.node
        for link in node.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
        if names.PREDICT_SHARDS.matches(link.node.process_type)
    }
    assert sorted(calls) == ["properties__gap", "properties__metal", "properties__wide"]
    for name, asked in ensembles.items():
        assert node.inputs.properties[name].pk == asked.pk
        said = calls[f"properties__{name}"].outputs.predictions
        assert sum(one.n_rows for one in said.values()) == len(binary.candidates)


def test_who_lacks_the_gap_is_dropped_before_anything_is_relaxed(node, said, binary):
    campaign, gaps = Campaign(node), said["gap"].mean
    outcomes = campaign.outcomes()
    dropped = outcomes.reasons == f"requirement_unmet: gap > {LEAST} eV"
    assert 10 < dropped.sum() < 30
    np.testing.assert_array_equal(dropped, gaps <= LEAST)
    too_wide = outcomes.reasons == f"requirement_unmet: P(wide > {MOST}) < 0.5"
    assert 5 < too_wide.sum() < 30
    np.testing.assert_array_equal(too_wide, gaps >= MOST)
    np.testing.assert_allclose(outcomes.values[dropped], gaps[dropped])  # noqa: PD011  (not pandas')
    np.testing.assert_allclose(outcomes.thresholds[dropped], LEAST)
    np.testing.assert_allclose(outcomes.margins[dropped], gaps[dropped] - LEAST)
    relaxed = campaign.results().ids
    assert len(relaxed) == 25
    inside = gaps[binary.candidates.positions(relaxed)]
    assert LEAST < inside.min() < inside.max() < MOST
    unmet = dropped.sum() + too_wide.sum()
    assert campaign.funnel()["reason:requirement_unmet"] == unmet
    assert campaign.rounds().asked.tolist() == [len(binary.candidates) - unmet - 20]


def test_the_dry_run_tells_what_is_asked_and_warns(ensembles, code, tmp_path):
    """None of the crystals that the gaps were learned from holds beryllium."""
    final = {"name": "final", "engine": "recorded", "gate": {"rule": "top_n", "require": {"gap": "1.1 < gap < 1.7"}}}
    overrides = {"start": 16, "stages": [final], "ensemble": {"model": "trees_gp", "members": 2, "blind_members": 0}}
    named = {"gap": ensembles["gap"].pk, "metal": ensembles["metal"].uuid}
    path = Desk(tmp_path).campaign(code=code, properties=named, overrides=overrides)
    said = prepare(path).describe()
    gap, metal = ensembles["gap"].pk, ensembles["metal"].pk
    assert f"property gap (band_gap, eV) by ensemble {gap}, 2 x trees_gp: final requires 1.1 < gap < 1.7\n" in said
    assert f"property metal (metal: False, True) by ensemble {metal}, 1 x roost: reported only\n" in said
    assert re.search(r"Warning: property gap: never learned: Be, in [1-9]\d* of 59 rows", said)
    assert "jobs of models and potentials: at most 5," in said  # two members, a prediction, two properties


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"properties": {"gap": "nowhere"}}, "nowhere"),
        ({"overrides": {"start": 16, "stages": {"final": {"gate": {"require": {"gap": "> 1"}}}}}}, "there are none"),
    ],
)
def test_what_a_file_gets_wrong_is_told_before_anything_is_stored(changes, why, code, tmp_path, aiida_profile):
    before = orm.QueryBuilder().append(orm.Node).count()
    with pytest.raises(InputError, match=why):
        prepare(Desk(tmp_path).campaign(**{"code": code, "protocol": "laptop-plain", "overrides": {}} | changes))
    assert orm.QueryBuilder().append(orm.Node).count() == before


def test_ensembles_of_energies_are_no_properties(inputs, node):
    (fitted,) = last_ensembles(node.pk)["final"].values()
    assert "predicts energies" in str(check_inputs(inputs | {"properties": {"gap": fitted}}, None))


def test_an_extension_keeps_them_unless_it_says_otherwise(node, ensembles):
    kept = prepare_extension(Campaign(node)).builder
    assert {name: one.pk for name, one in kept.properties.items()} == {n: one.pk for n, one in ensembles.items()}
    assert kept.earlier["draws"]["final"]
    stricter = {"overrides": {"stages": {"final": {"gate": {"require": {"gap": "> 0.3"}}}}}}
    assert not prepare_extension(Campaign(node), stricter).builder.earlier["draws"]
    other = prepare_extension(
        Campaign(node), {"properties": {"metal": ensembles["metal"].pk, "again": ensembles["gap"].pk}}
    )
    assert sorted(other.builder.properties) == ["again", "gap", "metal", "wide"]
    assert f"property again (band_gap, eV) by ensemble {ensembles['gap'].pk}" in other.describe()


def test_history_and_rejected_tell_requirement_value_and_ensemble(node, ensembles, said, binary):
    campaign = Campaign(node)
    required, second = campaign.decisions(0)
    assert (second.asked, second.decisions.unit) == (required.kept, "probability")
    dropped = required.rejected
    assert required.ensembles == {ensembles["gap"].pk: "gap: 2 x trees_gp"}
    np.testing.assert_array_equal(np.sort(dropped.ids), np.sort(binary.candidates.ids[said["gap"].mean <= LEAST]))
    assert set(campaign.rejected(0).unit) == {"eV", "probability"}
    row = binary.candidates.positions([dropped.ids[0]])[0]
    told = campaign.history(str(dropped.ids[0])).set_index("what")  # one requirement alone: the first has dropped it
    gap = said["gap"]
    assert told.reason["final: gap"] == f"{gap.mean[row]:.3g} ± {gap.sigma[row]:.2g} eV"
    assert told.reason["final: metal"] == f"P(True) = {said['metal'].mean[row]:.2f}"
    assert told.ensemble["final: metal"] == ensembles["metal"].pk
    by = told.loc["final: requirement"]
    assert (by.outcome, by.reason, by.unit) == ("dropped", f"requirement_unmet: gap > {LEAST} eV", "eV")
    np.testing.assert_allclose([by.value, by.threshold, by.margin], [gap.mean[row], LEAST, gap.mean[row] - LEAST])
    assert by.ensemble == ensembles["gap"].pk
    assert told.reason["outcome"] == by.reason
    assert round_in_words(required).endswith("final, requirement: 76 candidates, 59 kept, 17 rejected")


def test_tables_and_reports_have_what_was_predicted(node, said, binary, tmp_path):
    campaign, ids = Campaign(node), binary.candidates.ids
    write_report(campaign, tmp_path)
    for name in ("candidates", "results"):
        table = pd.read_csv(tmp_path / f"{name}.csv")
        rows = binary.candidates.positions(table["id"].to_numpy(dtype=np.str_))
        np.testing.assert_allclose(table["predicted_gap"], said["gap"].mean[rows])
        np.testing.assert_allclose(table["predicted_gap_sigma"], said["gap"].sigma[rows])
        np.testing.assert_allclose(table["predicted_metal_p_True"], said["metal"].mean[rows])
    report = json.loads(campaign.report().to_json())
    columns = report["candidates"]
    assert columns["id"] == ids.tolist()
    np.testing.assert_allclose(columns["predicted_gap"], said["gap"].mean)
    fields = {field["name"]: field for field in report["fields"]}
    assert (fields["predicted_gap"]["unit"], fields["predicted_metal_p_True"]["title"]) == ("eV", "P(metal = True)")
    lost = columns["details"].index(f"gap > {LEAST} eV")
    np.testing.assert_allclose([columns["value"][lost], columns["threshold"][lost]], [said["gap"].mean[lost], LEAST])
    assert columns["unit"][lost] == "eV"
    ledger = campaign.costs().set_index("what")
    assert (ledger.by["models: properties"], ledger.runs["models: properties"]) == ("gap, metal, wide", 3)
    assert ledger.runs["models: predict"] == 1


@pytest.mark.parametrize(
    ("requirement", "why"),
    [
        ({"mass": "> 1"}, "requires properties that no ensemble predicts: mass; .*gap, metal, wide"),
        ({"metal": "> 0.5"}, "tells classes apart"),
        ({"gap": "P(metal) < 0.5"}, "is a number"),
    ],
)
def test_what_no_ensemble_can_tell_is_refused(inputs, requirement, why):
    whole = campaign_settings(settings(**requirement)).model_dump(mode="json")
    assert re.search(why, str(check_inputs(inputs | {"settings": orm.Dict(whole)}, None)))


def test_labels_without_cells_are_asked_of_models_that_read_none(ensembles, binary):
    bare = CandidatesData.from_science(replace(binary.candidates, crystals=None))
    campaign = campaign_settings(settings(gap="> 1"))
    with pytest.raises(CrystalError, match="property gap: trees_gp looks at cells"):
        check_properties(campaign, {"gap": ensembles["gap"]}, [bare])
    check_properties(campaign_settings(settings(metal="P(metal) < 0.5")), {"metal": ensembles["metal"]}, [bare])
    ungated = {"stages": [{"name": "final", "engine": "recorded"}]}
    with pytest.raises(SettingsError, match="no stage has one: metal"):
        check_properties(campaign_settings(ungated), {"metal": ensembles["metal"]}, [bare])
