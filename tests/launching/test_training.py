"""What people write in a settings file reaches the ensemble: every key, whatever options say beside it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from aiida_mlhull.launching.questions import training
from aiida_mlhull.science.campaign import CampaignSettings
from aiida_mlhull.science.campaign.settings import GateSettings, MergeSettings, StageSettings, StopSettings
from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.ensembles.settings import TransferSettings
from aiida_mlhull.science.errors import MissingEndMembersError, SettingsError
from aiida_mlhull.science.types import References
from tests.science.real_crystals import mp_crystals, mp_energies

TRANSFER = {"mode": "head", "learning_rate_factor": 0.3, "groups": {"embedding": 0.0}}
EVERY: dict[str, Any] = {
    "model": "roost",
    "model_settings": {"max_epochs": 3},
    "members": 4,
    "blind_members": 1,
    "views": [{"energies": [0], "cells": "relaxed"}],
    "loss": "l2",
    "validation_fraction": 0.2,
    "cells": "both",
    "ionic_steps": 0,
    "volume_scaling": True,
    "calibration": "variance",
    "target": "formation",
    "unit": "kJ/mol",
    "classes": (),
    "transfer": TRANSFER,
    "own_weight": 2,
}
ONLY_DEFAULT = {"ionic_steps": "a table has none", "classes": "they come with --classes"}
"""Keys that a table can't have otherwise."""


@pytest.fixture
def table(tmp_path):
    """Energies of real crystals with their cells."""
    path = tmp_path / "energies.parquet"
    crystals = mp_crystals()
    parts = [crystals.arrays(index) for index in range(len(crystals))]
    columns = {
        "formula": crystals.reduced_formulas(),
        "e": mp_energies(),
        "lattice": [lattice.ravel().tolist() for lattice, _, _ in parts],
        "species": [[site.specie.symbol for site in crystals.structure(i)] for i in range(len(crystals))],
        "frac_coords": [coordinates.ravel().tolist() for _, _, coordinates in parts],
    }
    pq.write_table(pa.table(columns), path)
    return path


def settings_of(table, tmp_path, content: dict[str, Any], **options: Any) -> EnsembleSettings:
    path = tmp_path / "settings.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in content.items() if key not in ONLY_DEFAULT}))
    return training.read_training_set(table, target="e", settings_file=path, **options)[1]


def test_every_key_of_a_settings_file_reaches_the_ensemble(table, tmp_path):
    plain = EnsembleSettings().model_dump(mode="json")
    told = {key for key in EVERY if key not in ONLY_DEFAULT}
    assert set(EVERY) == set(EnsembleSettings.model_fields), "say a newcomer here as well"
    for key in told:
        assert EVERY[key] != plain[key], f"{key} is at its default here, so that losing it would not show"
    reached = settings_of(table, tmp_path, EVERY).model_dump(mode="json")
    assert {key: reached[key] for key in told} == {key: EVERY[key] for key in told}


@pytest.mark.parametrize("mode", ["full", "head"])
def test_an_option_for_the_mode_leaves_the_rest_of_the_transfer(table, tmp_path, mode):
    rest = {key: value for key, value in TRANSFER.items() if key != "mode"}
    for said in (TRANSFER, rest):
        reached = settings_of(table, tmp_path, EVERY | {"transfer": said}, transfer=mode).transfer
        assert reached == TransferSettings(**{**rest, "mode": mode})


def test_scratch_beside_a_parent_begins_with_nothing(table, tmp_path):
    assert settings_of(table, tmp_path, EVERY, transfer="scratch").transfer == TransferSettings()


def test_a_transfer_without_a_parent_is_refused(table, tmp_path):
    with pytest.raises(SettingsError, match="belong together"):
        training.check_transfer(settings_of(table, tmp_path, EVERY), None)
    training.check_transfer(settings_of(table, tmp_path, EVERY), "12")


def test_total_energies_become_formation_energies(table, tmp_path):
    elements = sorted({symbol for i in range(len(mp_crystals())) for symbol in mp_crystals().structure(i).symbol_set})
    known = References.from_rows(ids=elements, formulas=elements, energies=-np.arange(len(elements), dtype=float))
    properties, settings = training.read_training_set(table, target="e", references=known)
    assert (settings.target, settings.unit) == ("energy_minus_baseline", "eV/atom")
    energy = dict(zip(elements, known.energies, strict=True))
    for row, formula in enumerate(properties.rows.formulas.tolist()[:10]):
        crystal = properties.rows.crystals.structure(row)
        expected = np.mean([energy[site.specie.symbol] for site in crystal])
        assert properties.rows.baselines[row] == pytest.approx(expected), formula
    with pytest.raises(MissingEndMembersError):
        training.read_training_set(table, target="e", references=known.without(elements[:1]))
    with pytest.raises(SettingsError, match="--elements belongs to --references"):
        training.read_known_phases(None, tmp_path)


def test_every_key_of_a_campaign_file_reaches_its_settings():
    gate = {
        "rule": "discovery",
        "rule_settings": {"window": 0.03},
        "baseline": "hull",
        "rounds": 3,
        "batch": 5,
        "require": {"gap": "> 1.0 eV"},
    }
    stage: dict[str, Any] = {
        "name": "only",
        "engine": "recorded",
        "settings": {"a": 1},
        "gate": gate,
        "merge": {"energy_tolerance": 0.004, "audit_fraction": 0.5},
        "core_minutes": 7.0,
    }
    said: dict[str, Any] = {
        "name": "mine",
        "seed": 3,
        "start": 17,
        "stages": [stage],
        "ensemble": EVERY | {"model_settings": {"max_epochs": 3}},
        "budget": 50,
        "stop": {"quiet_rounds": 2, "min_share": 0.25, "promise": 0.9},
    }
    named = said | {
        "ensembles": {"mine": said["ensemble"], "other": {}},
        "stages": [stage | {"gate": gate | {"ensembles": ["mine"]}}],
    }
    del named["ensemble"]

    def check(mine: Any, theirs: Any, where: str) -> None:
        if isinstance(mine, dict):
            for key, value in mine.items():
                check(value, theirs[key], f"{where}.{key}")
        elif isinstance(mine, list | tuple):
            for place, value in enumerate(mine):
                check(value, theirs[place], f"{where}.{place}")
        else:
            assert theirs == mine, where

    for one in (said, named):
        check(one, CampaignSettings.model_validate(one).model_dump(mode="json"), "campaign")
    kinds = {CampaignSettings: said | named, StageSettings: stage, GateSettings: named["stages"][0]["gate"]}
    kinds |= {MergeSettings: stage["merge"], StopSettings: said["stop"]}
    for kind, content in kinds.items():
        assert set(content) == set(kind.model_fields), "say a newcomer here as well"
        for key in content:
            assert content[key] != kind.model_fields[key].get_default(call_default_factory=True), f"{key} is a default"
