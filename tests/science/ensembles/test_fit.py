"""Fitting members: splits, both cells on one side, the same bits, too few labels."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, needed_labels, predict
from aiida_mlhull.science.ensembles.fit import member_seed
from aiida_mlhull.science.ensembles.preparation import Preparation
from aiida_mlhull.science.ensembles.training_set import split, training_set
from aiida_mlhull.science.errors import TooFewLabelsError
from aiida_mlhull.science.representations.volumes import fit_atomic_volumes
from tests.science.real_crystals import pnictides

QUICK = {"model": "trees_gp", "model_settings": {"trees": 10}}


@pytest.fixture(scope="module")
def rows():
    return pnictides().take(np.arange(0, 120))


@pytest.mark.parametrize("cells", ["unrelaxed", "relaxed", "both"])
def test_every_label_is_on_one_side(rows, cells):
    settings = EnsembleSettings(**QUICK, cells=cells)
    train, validation = split(rows, settings, seed=5)
    assert np.array_equal(np.sort(np.concatenate([train, validation])), np.arange(len(rows)))
    assert abs(len(validation) - 0.15 * len(rows)) <= 6


def test_members_and_seeds_split_differently(rows):
    settings = EnsembleSettings(**QUICK)
    drawn = {split(rows, settings, seed=member_seed(s, m))[1].tobytes() for s in (0, 1) for m in range(5)}
    assert len(drawn) == 10


@given(seed=st.integers(0, 2**31), member=st.integers(0, 50))
def test_member_seeds_fit_everywhere(seed, member):
    assert 0 <= member_seed(seed, member) < 2**32


def test_crystals_that_relaxed_to_the_same_are_no_test_of_each_other(rows):
    energies = rows.energies.copy()
    energies[1::2] = energies[0::2]
    twins = replace(rows, energies=energies, formulas=np.full(len(rows), "RbAs"))
    for seed in range(5):
        train, validation = split(twins, EnsembleSettings(**QUICK, cells="relaxed"), seed=seed)
        assert set((validation // 2).tolist()).isdisjoint((train // 2).tolist())
    _, alone = split(twins, EnsembleSettings(**QUICK, cells="unrelaxed"), seed=0)
    assert len(set((alone // 2).tolist())) > len(alone) // 2 + 1


def test_both_cells_of_an_id_are_on_the_same_side(rows):
    settings = EnsembleSettings(**QUICK, cells="both")
    taught = training_set(rows, settings, Preparation.fit(rows, settings), seed=3)
    names = np.asarray([name.rsplit(" ", 1) for name in taught.rows.ids])
    assert set(names[taught.validation, 1]) == {"unrelaxed"}
    assert set(names[taught.train, 0]).isdisjoint(names[taught.validation, 0])
    learned, counts = np.unique(names[taught.train, 0], return_counts=True)
    assert (counts == 2).all()
    assert len(learned) + len(taught.validation) == len(rows)


def test_both_cells_have_the_relaxed_energy_as_label(rows):
    settings = EnsembleSettings(**QUICK, cells="both")
    preparation = Preparation.fit(rows, settings)
    taught = training_set(rows, settings, preparation, seed=3)
    for row in (0, 17, 239):
        name, cell = taught.rows.ids[row].rsplit(" ", 1)
        place = rows.positions([name])[0]
        assert taught.targets[row] == rows.energies[place] - rows.baselines[place]
        if cell == "relaxed":
            expected = rows.relaxed.volumes_per_atom[place]
        else:
            expected = preparation.volumes.per_atom(rows.crystals)[place]
        assert taught.rows.crystals.volumes_per_atom[row] == pytest.approx(expected)


def test_preparation_is_the_same_for_all_members(rows):
    settings = EnsembleSettings(**QUICK, members=2)
    members = [fit_member(rows, settings, member=k, seed=8) for k in range(2)]
    volumes = fit_atomic_volumes(rows.relaxed).to_json()
    assert [weights.meta["preparation"]["atomic_volumes"] for weights in members] == [volumes, volumes]
    assert members[0].seed != members[1].seed


def test_volumes_are_scaled_only_where_it_helps(rows):
    already = replace(rows, crystals=rows.crystals.with_volumes_per_atom(rows.relaxed.volumes_per_atom))
    automatic = EnsembleSettings(**QUICK)
    assert Preparation.fit(rows, automatic).volumes is not None
    assert Preparation.fit(already, automatic).volumes is None
    assert Preparation.fit(already, EnsembleSettings(**QUICK, volume_scaling=True)).volumes is not None
    assert Preparation.fit(rows, EnsembleSettings(**QUICK, volume_scaling=False)).volumes is None


def test_preparation_survives_json(rows):
    for scaling in (True, False):
        made = Preparation.fit(rows, EnsembleSettings(**QUICK, volume_scaling=scaling))
        again = Preparation.from_json(json.loads(json.dumps(made.to_json())))
        assert again.to_json() == made.to_json()


@pytest.mark.parametrize("fraction", [0.05, 0.15, 0.5, 0.9])
def test_too_few_labels_says_how_many_are_needed(rows, fraction):
    settings = EnsembleSettings(**QUICK, validation_fraction=fraction)
    needed = needed_labels(settings)
    with pytest.raises(TooFewLabelsError, match=f"at least {needed}"):
        fit_member(rows.take(np.arange(needed - 1)), settings, member=0, seed=0)
    assert fit_member(rows.take(np.arange(needed)), settings, member=0, seed=0).scores["epochs"] == 1


def test_unknown_models_and_settings_are_refused_with_the_known_ones():
    with pytest.raises(ValidationError, match="known: .*cgcnn.*, trees_gp"):
        EnsembleSettings(model="oracle")
    with pytest.raises(ValidationError, match="trunks"):
        EnsembleSettings(model="trees_gp", model_settings={"trunks": 3})
    with pytest.raises(ValidationError):
        EnsembleSettings(members=0)


MEMBER_ELSEWHERE = """
import sys
from pathlib import Path
import numpy as np
from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member
from aiida_mlhull.science.wire.weights import encode_member
from tests.science.real_crystals import pnictides
settings = EnsembleSettings.model_validate_json(sys.argv[1])
weights = fit_member(pnictides().take(np.arange(120)), settings, member=int(sys.argv[2]), seed=4)
Path(sys.argv[3]).write_bytes(encode_member(weights))
"""


def test_a_member_of_another_process_is_the_same_member(rows, tmp_path):
    from aiida_mlhull.science.wire.weights import decode_member

    settings = EnsembleSettings(**QUICK, members=2)
    here = [fit_member(rows, settings, member=k, seed=4) for k in range(2)]
    file = tmp_path / "member.safetensors"
    command = [sys.executable, "-c", MEMBER_ELSEWHERE, settings.model_dump_json(), "1", str(file)]
    subprocess.run(command, check=True)
    there = decode_member(file.read_bytes())
    assert {k: v.tobytes() for k, v in there.arrays.items()} == {k: v.tobytes() for k, v in here[1].arrays.items()}
    mixed = gather([there, here[0]], settings=settings)
    ours = predict(gather(here, settings=settings), rows)
    assert np.array_equal(predict(mixed, rows).members, ours.members)
