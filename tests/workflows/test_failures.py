"""What fails is a row with a reason or an exit code that says what and where; nothing is silently missing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.data import CandidatesData, DecisionsData, EnsembleData, LabelsData, ReferencesData
from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather
from aiida_mlhull.science.ensembles.rows import training_rows
from aiida_mlhull.science.errors import IncompleteJobError
from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED
from aiida_mlhull.science.types import Labels, concatenate
from aiida_mlhull.workflows.fit import FitEnsemble
from aiida_mlhull.workflows.predict import PredictShards
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import choice, simplest
from tests.forks import quick_program
from tests.programs import dying, installed, scripted

pytestmark = pytest.mark.slow

N = 24
SHARDS = {"left": range(N // 2), "right": range(N // 2, N)}
MODELS = {"model": "trees_gp", "members": 2}
ONE_TRY = {"max_attempts": 1}


def shards_of(table: Any, node: Any) -> dict[str, Any]:
    return {key: node.from_science(table.take(rows)) for key, rows in SHARDS.items()}


def with_failures(rows: Any, reason: str = "not_converged_electronically") -> Labels:
    """The record, but these rows failed."""
    record = simplest(N).record
    energies, failures = record.energies.copy(), record.failures.astype(object)
    energies[rows], failures[rows] = np.nan, reason
    return replace(record, energies=energies, failures=failures.astype(np.str_))


def screen(code: Any, record: Labels | None = None, *, jobs: Any = ONE_TRY, **changes: Any) -> orm.ProcessNode:
    """Run a campaign: on a record if there is one, else by potential and without models."""
    excerpt = simplest(N)
    stage: dict[str, Any] = {"name": "final", "engine": "potential"}
    references, engines = replace(excerpt.references, scheme=MP2020_CORRECTED), {"potential": {"code": code}}
    if record is not None:
        stage = {"name": "final", "engine": "recorded", "gate": {"rounds": 1}, "core_minutes": 605.0}
        references, engines = excerpt.references, {"recorded": {"record": LabelsData.from_science(record)}}
    return run_get_node(
        Screen,
        code=code,
        candidates=shards_of(excerpt.candidates, CandidatesData),
        references=ReferencesData.from_science(references),
        engines=engines,
        settings=orm.Dict({"seed": 1, "start": 16, "stages": [stage], "ensemble": MODELS} | changes),
        jobs=orm.Dict({"members_per_job": 2} | jobs),
    )[1]


def test_a_job_whose_folder_vanishes_is_done_again(aiida_code_installed, tmp_path: Path) -> None:
    """As where old files are cleaned up, or a node loses its disk: nothing comes back, and the second try is a new folder."""
    vanish = '[ ! -e "$STATE/once" ] && touch "$STATE/once" && rm -rf "$PWD" && exit 1\nexec "$PROGRAM" "$@"'
    excerpt = simplest(N)
    _, node = run_get_node(
        FitEnsemble,
        code=scripted(aiida_code_installed, tmp_path, vanish, program=quick_program()),
        cells=shards_of(excerpt.candidates, CandidatesData),
        results=shards_of(excerpt.record, LabelsData),
        references=ReferencesData.from_science(excerpt.references),
        settings=orm.Dict({"model": "mean", "members": 1}),
        baseline=orm.Str("references"),
        seed=orm.Int(0),
        jobs=orm.Dict({"max_attempts": 2}),
    )
    assert node.is_finished_ok, node.exit_message
    jobs = [one for one in node.called if one.process_label == "FitCalculation"]
    assert sorted(job.exit_status for job in jobs) == [0, IncompleteJobError.status]


def test_members_that_could_not_be_fitted_are_named(aiida_code_installed, tmp_path: Path) -> None:
    excerpt = simplest(N)
    _, node = run_get_node(
        FitEnsemble,
        code=dying(aiida_code_installed, tmp_path, "fit"),
        cells=shards_of(excerpt.candidates, CandidatesData),
        results=shards_of(excerpt.record, LabelsData),
        references=ReferencesData.from_science(excerpt.references),
        settings=orm.Dict(MODELS),
        baseline=orm.Str("references"),
        seed=orm.Int(0),
        jobs=orm.Dict(ONE_TRY),
    )
    assert node.exit_status == 510
    assert "members_000: FitCalculation<" in node.exit_message
    assert "members_001: FitCalculation<" in node.exit_message
    assert "the program has not said that it is done" in node.exit_message


def test_too_few_labels_are_told_once_and_not_tried_again(aiida_code_installed) -> None:
    excerpt = simplest(N)
    _, node = run_get_node(
        FitEnsemble,
        code=installed(aiida_code_installed),
        cells={"left": CandidatesData.from_science(excerpt.candidates)},
        results={"left": LabelsData.from_science(with_failures(range(12)))},
        references=ReferencesData.from_science(excerpt.references),
        settings=orm.Dict(MODELS),
        baseline=orm.Str("references"),
        seed=orm.Int(0),
        jobs=orm.Dict({"members_per_job": 2, "max_attempts": 3}),
    )
    assert node.exit_status == 510
    assert "[207] 12 labels are too few to fit an ensemble; it needs at least 16" in node.exit_message
    assert len(node.called) == 1


def test_shards_that_could_not_be_predicted_are_named(aiida_code_installed, tmp_path: Path) -> None:
    excerpt, settings = simplest(N), EnsembleSettings(**MODELS)
    rows = training_rows(excerpt.candidates, excerpt.record, excerpt.references, baseline="references").rows
    ensemble = gather([fit_member(rows, settings, member=one, seed=0) for one in range(2)], settings=settings)
    everybody = choice(excerpt.candidates, range(N))
    _, node = run_get_node(
        PredictShards,
        code=dying(aiida_code_installed, tmp_path, "predict"),
        ensemble=EnsembleData.from_science(ensemble),
        cells=shards_of(excerpt.candidates, CandidatesData),
        waiting=shards_of(everybody, DecisionsData),
        references=ReferencesData.from_science(excerpt.references),
        baseline=orm.Str("references"),
        jobs=orm.Dict(ONE_TRY),
    )
    assert node.exit_status == 512
    assert "left: PredictCalculation<" in node.exit_message
    assert "right: PredictCalculation<" in node.exit_message


def test_a_campaign_hands_on_what_failed_and_where(aiida_code_installed, tmp_path: Path) -> None:
    node = screen(dying(aiida_code_installed, tmp_path, "fit"), simplest(N).record)
    assert node.exit_status == 510
    for told in ("before stage final", "Round<", "FitEnsemble<", "members_000_001", "FitCalculation<", "[303]"):
        assert told in node.exit_message


def test_a_start_set_of_failures_only_ends_the_campaign_early(aiida_code_installed, tmp_path: Path) -> None:
    """Not every candidate is spent on learning that nothing works."""
    node = screen(dying(aiida_code_installed, tmp_path, "fit"), with_failures(range(N)))
    assert node.exit_status == 521
    assert "nothing came of the last draw" in node.exit_message
    assert "stage final: 16 not_converged_electronically" in node.exit_message
    assert sum(one.process_label == "choose_start" for one in node.called) == 1


def test_failures_in_the_start_set_are_made_good_and_stay_rows(aiida_code_installed) -> None:
    """Whichever 16 are drawn, at least 10 go well and more are drawn."""
    node = screen(installed(aiida_code_installed), with_failures(range(0, 18, 3)))
    assert node.is_finished_ok, node.exit_message
    draws = [one for one in node.called if one.process_label == "choose_start"]
    assert len(draws) > 1
    outcomes = concatenate([one.to_science() for one in node.outputs.outcomes.values()])
    results = concatenate([one.to_science() for one in node.outputs.results.values()])
    failed = results.ids[~results.succeeded]
    assert outcomes.ids.tolist() == simplest(N).candidates.ids.tolist()
    assert set(outcomes.select(failed).reasons.tolist()) == {"failed: not_converged_electronically"}
    funnel = node.outputs.summary["funnel"]
    assert funnel["failed"] == len(failed) > 0
    assert funnel["relaxed"] + funnel["failed"] == len(results)
    assert node.outputs.summary["stages"]["final"]["failed"] == len(failed)


def test_what_is_drawn_later_goes_through_the_stages_alone(aiida_code_installed) -> None:
    """Rows of the first draw, which have gone through both stages, are not relaxed again."""
    pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
    code, excerpt = installed(aiida_code_installed), simplest(N)
    first = {"relaxation": {"freedom": "full", "max_force": 0.1, "max_steps": 40}}
    stages = [
        {"name": "first", "engine": "potential", "settings": first, "gate": {"rounds": 1}},
        {"name": "final", "engine": "recorded", "core_minutes": 605.0},
    ]
    _, node = run_get_node(
        Screen,
        code=code,
        candidates=shards_of(excerpt.candidates, CandidatesData),
        references=ReferencesData.from_science(excerpt.references),
        engines={
            "potential": {"code": code},
            "recorded": {"record": LabelsData.from_science(with_failures(range(0, 18, 3)))},
        },
        settings={"seed": 1, "start": 16, "stages": stages, "ensemble": MODELS},
        jobs={"members_per_job": 2} | ONE_TRY,
    )
    assert node.is_finished_ok, node.exit_message
    assert sum(one.process_label == "choose_start" for one in node.called) > 1
    relaxed = [one for one in node.called if one.process_label == "PotentialEngine"]
    ids = [name for one in relaxed for name in one.outputs.labels.to_science().ids.tolist()]
    assert len(ids) == len(set(ids)) == node.outputs.summary["stages"]["first"]["rows"]


def test_an_engine_that_refuses_is_named_with_stage_and_shard(aiida_code_installed) -> None:
    node = screen(installed(aiida_code_installed), jobs={"device": "cuda:7"})
    assert node.exit_status == 520
    for told in ("stage final", "left: PotentialEngine<", "right: PotentialEngine<", "job_0000: RelaxCalculation<"):
        assert told in node.exit_message


def test_a_campaign_whose_jobs_are_all_lost_still_says_what_became_of_everybody(
    aiida_code_installed, tmp_path: Path
) -> None:
    stages = [{"name": "first", "engine": "potential"}, {"name": "second", "engine": "potential"}]
    jobs = ONE_TRY | {"same_failures": None}  # else it would pause and wait for a person
    node = screen(scripted(aiida_code_installed, tmp_path, "exit 3"), jobs=jobs, stages=stages)
    assert node.exit_status == 522
    assert "stage first: 24 engine_error" in node.exit_message
    outcomes = concatenate([one.to_science() for one in node.outputs.outcomes.values()])
    assert outcomes.ids.tolist() == simplest(N).candidates.ids.tolist()
    assert all(reason.startswith("failed: engine_error") for reason in outcomes.reasons.tolist())
    assert node.outputs.summary["funnel"]["failed"] == N
