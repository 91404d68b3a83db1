"""Members that begin with what others have learned."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from pydantic import ValidationError

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.fit import start_from
from aiida_mlhull.science.errors import SettingsError, WeightsError
from aiida_mlhull.science.types import ModelRows
from aiida_mlhull.science.wire import decode_ensemble, encode_ensemble
from tests.science.real_crystals import pnictides

NETWORK = {"atom_width": 16, "layers": 2, "hidden_width": 16, "max_epochs": 30, "batch_size": 16}
PLAIN = EnsembleSettings(model="cgcnn", model_settings=NETWORK, members=2, loss="l1")


def child(mode="full", **changes):
    transfer = {"mode": mode, **{key: changes.pop(key) for key in ("groups", "learning_rate_factor") if key in changes}}
    values = PLAIN.model_dump(mode="json") | {"transfer": transfer} | changes
    return EnsembleSettings.model_validate(values)


def short(epochs):
    return {"model_settings": NETWORK | {"max_epochs": epochs, "schedule": "constant"}}


@pytest.fixture(scope="module")
def rows():
    return pnictides().take(np.arange(0, 354, 2))


@pytest.fixture(scope="module")
def parent(rows):
    return gather([fit_member(rows, PLAIN, member=k, seed=0) for k in range(2)], settings=PLAIN)


@pytest.fixture(scope="module")
def shifted(rows):
    """The same quantity by another functional: a little off, as energies of two functionals are."""
    return replace(rows, energies=rows.energies + 0.05 * np.abs(rows.energies)).take(np.arange(0, len(rows), 3))


def of_body(weights):
    return {name: array for name, array in weights.arrays.items() if not name.startswith(("hidden", "output"))}


def test_with_a_vanishing_rate_the_child_is_its_parent(rows, parent):
    settings = child(learning_rate_factor=1e-9, **short(1))
    same = fit_member(rows, settings, member=1, seed=0, parent=parent)
    for name, array in parent.members[1].arrays.items():
        if "running" not in name:
            np.testing.assert_allclose(same.arrays[name], array, atol=1e-6)
    assert same.meta["center"] == parent.members[1].meta["center"]


def test_a_parent_is_a_better_start_than_none(shifted, parent):
    scratch = fit_member(shifted, PLAIN, member=0, seed=4).scores["history"]
    full = fit_member(shifted, child(learning_rate_factor=0.3), member=0, seed=4, parent=parent).scores["history"]
    assert full[0] < 0.8 * scratch[0]
    assert min(full) < min(scratch)


def test_head_leaves_the_body_as_it_is(shifted, parent):
    head = fit_member(shifted, child("head", **short(5)), member=0, seed=4, parent=parent)
    body, before = of_body(head), of_body(parent.members[0])
    assert body.keys() == before.keys()
    assert all(body[name].tobytes() == before[name].tobytes() for name in body)
    assert (head.arrays["output.weight"] != parent.members[0].arrays["output.weight"]).any()


def test_layer_groups_freeze_and_slow(shifted, parent):
    groups = {"embedding": 0, "convolutions.0": 0}
    moved = fit_member(shifted, child(groups=groups, **short(3)), member=0, seed=4, parent=parent)
    before = parent.members[0].arrays
    for name, array in moved.arrays.items():
        still = name.startswith(("embedding", "convolutions.0"))
        assert (array.tobytes() == before[name].tobytes()) == still, name


def test_another_target_gets_a_scale_of_its_own_and_another_loss_a_new_output(shifted, parent):
    volumes = replace(shifted, energies=shifted.relaxed.volumes_per_atom, baselines=np.zeros(len(shifted)))
    settings = child(target="volume", unit="Å³/atom", loss="robust_l1")
    members = [fit_member(volumes, settings, member=k, seed=1, parent=parent) for k in range(2)]
    assert members[0].meta["center"] > 5
    assert members[0].arrays["output.weight"].shape[0] == 2
    ensemble = gather(members, settings=settings)
    assert (ensemble.target, ensemble.unit) == ("volume", "Å³/atom")
    asked = ModelRows(
        ids=volumes.ids, formulas=volumes.formulas, crystals=volumes.crystals, baselines=np.zeros(len(volumes))
    )
    said = predict(ensemble, asked)
    assert np.abs(said.mean - volumes.energies).mean() < 0.6 * np.abs(volumes.energies - volumes.energies.mean()).mean()


def test_a_third_member_begins_where_the_first_does(shifted, parent):
    settings = child("head", members=3, **short(1))
    third = of_body(fit_member(shifted, settings, member=2, seed=4, parent=parent))
    assert all(third[name].tobytes() == array.tobytes() for name, array in of_body(parent.members[0]).items())


def test_parents_that_do_not_fit_are_refused(shifted, parent):
    wide = child(model_settings=NETWORK | {"atom_width": 24})
    with pytest.raises(WeightsError, match=r"other settings: convolutions\.0.* differ"):
        fit_member(shifted, wide, member=0, seed=0, parent=parent)
    trees = replace(parent, model="trees_gp")
    with pytest.raises(WeightsError, match="an ensemble of trees_gp, which a cgcnn can't"):
        fit_member(shifted, child(), member=0, seed=0, parent=trees)
    with pytest.raises(SettingsError, match="no layer is called pooling"):
        fit_member(shifted, child(groups={"pooling": 0.1}), member=0, seed=0, parent=parent)


def test_modes_that_make_no_sense_are_refused():
    with pytest.raises(ValidationError, match="learns in a single step"):
        EnsembleSettings(model="trees_gp", transfer={"mode": "full"})
    with pytest.raises(ValidationError, match="belong to the modes"):
        child("scratch", groups={"embedding": 0})


@pytest.mark.parametrize(
    ("before", "now", "kept"),
    [("references", "references", True), ("references", "hull", False), ("", "hull", True), ("references", "", True)],
)
def test_the_scale_is_handed_on_where_the_quantity_is_measured_from_the_same(parent, before, now, kept):
    start = start_from(replace(parent, baseline=before), child(), member=0, baseline=now)
    assert start.keep_scale == kept


def test_another_target_or_unit_is_another_quantity(parent):
    for change in ({"target": "gap"}, {"unit": "meV/atom"}):
        assert not start_from(parent, child(**change), member=0).keep_scale


def test_the_baseline_travels_with_the_weights_and_older_files_have_none(parent):
    told = decode_ensemble(encode_ensemble(replace(parent, baseline="hull")))
    assert told.baseline == "hull"
    files = encode_ensemble(parent)
    assert "baseline" not in json.loads(files["ensemble.json"])
    assert decode_ensemble(files).baseline == ""
