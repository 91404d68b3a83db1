"""A campaign whose members begin with the ensemble of the same gate of an earlier one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.graph.models import last_ensembles
from aiida_mlhull.launching.earlier.parents import find_parents
from aiida_mlhull.launching.extension import prepare_extension
from aiida_mlhull.science.campaign import campaign_settings
from aiida_mlhull.science.errors import MixedSchemesError, SettingsError, UnknownNameError
from aiida_mlhull.workflows.inputs import check_inputs
from aiida_mlhull.workflows.screen import Screen
from tests.campaign_inputs import campaign_inputs

pytestmark = pytest.mark.slow

NETWORK = {"max_epochs": 2, "atom_width": 8, "layers": 1, "hidden_width": 8}
GATE = {"rule": "top_n", "rule_settings": {"n": 3}}


def settings(**ensemble: Any) -> dict[str, Any]:
    return {
        "seed": 3,
        "start": 20,
        "stages": [{"name": "final", "engine": "recorded", "core_minutes": 605, "gate": GATE}],
        "ensemble": {"model": "cgcnn", "model_settings": NETWORK, "members": 1, "loss": "l1", **ensemble},
    }


@pytest.fixture(scope="module")
def earlier(code, binary) -> int:
    """A campaign from scratch."""
    inputs = campaign_inputs(orm.load_code(code), binary, settings(), n_shards=1)
    node = run_get_node(Screen, **inputs)[1]
    assert node.is_finished_ok, node.exit_message
    return node.pk


def find(said: Any, binary: Any, *, scheme: str | None = None, **ensemble: Any) -> Any:
    whole = campaign_settings(settings(transfer={"mode": "full"}, **ensemble))
    elements = ["As", "Be", "Cd"]
    return find_parents(said, whole, scheme=binary.references.scheme if scheme is None else scheme, elements=elements)


def test_the_child_begins_with_the_last_ensemble_of_the_same_gate(earlier, code, binary):
    parents, remarks = find(f"campaign:{earlier}", binary)
    assert parents["final"].pk == last_ensembles(earlier)["final"][""].pk
    assert parents["final"].to_science().baseline == "references"
    assert remarks == [f"before final members begin with ensemble {parents['final'].pk} (campaign:{earlier})"]
    slow = settings(transfer={"mode": "full", "learning_rate_factor": 1e-9})
    inputs = campaign_inputs(orm.load_code(code), binary, slow, n_shards=1) | {"parents": parents}
    node = run_get_node(Screen, **inputs)[1]
    assert node.is_finished_ok, node.exit_message
    assert node.inputs.parents.final.pk == parents["final"].pk
    child = last_ensembles(node.pk)["final"][""]
    theirs, ours = parents["final"].to_science().members[0], child.to_science().members[0]
    for name, array in theirs.arrays.items():
        if "running" not in name and "num_batches" not in name:
            np.testing.assert_allclose(ours.arrays[name], array, atol=1e-5)
    further = prepare_extension(node.pk, {"budget": 30}).builder
    assert further.parents["final"].pk == parents["final"].pk


def test_auto_takes_the_campaign_of_related_elements(earlier, binary):
    bare = orm.WorkChainNode(process_type=orm.load_node(earlier).process_type)
    bare.store()  # newer, and without inputs
    parents, remarks = find("auto", binary)
    assert parents["final"].base.attributes.get("model") == "cgcnn"
    assert "(auto)" in remarks[0]
    with pytest.raises(UnknownNameError, match="no campaign of the same scheme"):
        find("auto", binary, scheme="r2SCAN")
    with pytest.raises(UnknownNameError, match="of related elements"):
        find_parents("auto", campaign_settings(settings()), scheme=binary.references.scheme, elements=["Fe", "O"])


def test_what_does_not_match_is_refused(earlier, binary):
    said = f"campaign:{earlier}"
    with pytest.raises(MixedSchemesError, match="r2SCAN"):
        find(said, binary, scheme="r2SCAN")
    hull = settings(transfer={"mode": "full"})
    hull["stages"][0]["gate"] = GATE | {"baseline": "hull"}
    with pytest.raises(SettingsError, match="learned energies from the baseline 'references'"):
        find_parents(said, campaign_settings(hull), scheme=binary.references.scheme, elements=["As"])
    with pytest.raises(SettingsError, match="is of cgcnn, not roost"):
        find(said, binary, model="roost", model_settings={})
    with pytest.raises(SettingsError, match="stages without a gate: coarse"):
        find({"coarse": said}, binary)


def test_parents_and_gates_must_fit_before_anything_runs(earlier, code, binary):
    parent = last_ensembles(earlier)["final"][""]
    inputs = campaign_inputs(orm.load_code(code), binary, settings(transfer={"mode": "full"}), n_shards=1)
    assert check_inputs(inputs | {"parents": {"final": parent}}, None) is None
    assert "without a gate: coarse" in str(check_inputs(inputs | {"parents": {"coarse": parent}}, None))
    both = inputs | {"parents": {"final": parent}, "parent": parent}
    assert "give one of the two" in str(check_inputs(both, None))
    assert "no parent ensemble" in str(check_inputs(inputs, None))
