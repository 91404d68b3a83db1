"""Ensembles through AiiDA: a killed fit goes on where it was, and a child leads back to its parent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.data import CandidatesData, EnsembleData, LabelsData, ReferencesData
from aiida_mlhull.job_pool import pool
from aiida_mlhull.science.wire import encode_ensemble
from aiida_mlhull.workflows.fit import FitEnsemble
from tests.arsenides import simplest
from tests.forks import PROGRAM
from tests.programs import installed, scripted

pytestmark = pytest.mark.slow

NETWORK = {"atom_width": 12, "layers": 1, "hidden_width": 12, "max_epochs": 40, "patience": 40, "batch_size": 16}
MODELS = {"model": "cgcnn", "model_settings": NETWORK, "members": 2}

KILLED_ONCE = """
if [ "$1" != fit ] || [ -e "$STATE/tried" ]; then exec "$PROGRAM" "$@"; fi
touch "$STATE/tried"
"$PROGRAM" "$@" &
until [ -e checkpoint_001.safetensors ]; do
  kill -0 $! 2>/dev/null || exit 9
  sleep 0.01
done
kill -9 $!
wait $!
"""
"""The first try is killed as soon as its second member has come through an epoch."""


def fit(code: Any, **changes: Any) -> tuple[dict[str, Any], orm.ProcessNode]:
    excerpt = simplest(30)
    inputs = {
        "code": code,
        "cells": {"all": CandidatesData.from_science(excerpt.candidates)},
        "results": {"all": LabelsData.from_science(excerpt.record)},
        "references": ReferencesData.from_science(excerpt.references),
        "settings": orm.Dict(MODELS),
        "baseline": orm.Str("references"),
        "seed": orm.Int(0),
        "jobs": orm.Dict({"members_per_job": 2}),
    }
    return run_get_node(FitEnsemble, **inputs | changes)


def test_long_fits_tell_how_far_they_are(aiida_code_installed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool, "QUIET_SECONDS", 0)
    _, node = fit(
        installed(aiida_code_installed, program=PROGRAM),
        settings=orm.Dict({"model": "mean", "members": 3}),
        jobs=orm.Dict({"max_in_flight": 1}),
    )
    assert node.is_finished_ok, node.exit_message
    told = [log.message.partition("]: ")[2] for log in orm.Log.collection.get_logs_for(node)]
    assert told == ["1 of 3 jobs are done", "2 of 3 jobs are done"]


def test_a_killed_fit_goes_on_and_children_know_their_parent(aiida_code_installed, tmp_path: Path) -> None:
    code = installed(aiida_code_installed, program=PROGRAM)
    straight, _ = fit(code)
    outputs, node = fit(scripted(aiida_code_installed, tmp_path, KILLED_ONCE))
    assert node.is_finished_ok, node.exit_message
    first, second = sorted(node.called_descendants, key=lambda called: called.pk)[:2]
    assert first.exit_status == 303
    assert second.inputs.restart_from.uuid == first.outputs.remote_folder.uuid
    parent = outputs["ensemble"]
    assert encode_ensemble(parent.to_science()) == encode_ensemble(straight["ensemble"].to_science())

    settings = MODELS | {"transfer": {"mode": "head"}, "members": 1}
    found, node = fit(code, settings=orm.Dict(settings), parent=parent)
    assert node.is_finished_ok, node.exit_message
    jobs = [called for called in node.called if called.process_label == "FitCalculation"]
    assert [job.inputs.parent.uuid for job in jobs] == [parent.uuid]
    child = found["ensemble"].to_science().members[0]
    before = parent.to_science().members[0]
    assert child.arrays["embedding.weight"].tobytes() == before.arrays["embedding.weight"].tobytes()

    query = orm.QueryBuilder()
    query.append(EnsembleData, filters={"uuid": parent.uuid}, tag="parent")
    query.append(EnsembleData, with_ancestors="parent", filters={"uuid": found["ensemble"].uuid})
    assert query.count() >= 1

    with pytest.raises(ValueError, match="transfer.mode is 'scratch'"):
        fit(code, parent=parent)
