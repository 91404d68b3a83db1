"""Real fits of trees on real arsenides, and what they predict."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from aiida_mlhull.science.ensembles.steps import step_ids
from aiida_mlhull.science.program.predict import read_ensemble
from aiida_mlhull.science.types import Predictions
from tests.arsenides import Excerpt, choice, every_sixth


@pytest.fixture
def arsenides() -> Excerpt:
    """What the jobs are about."""
    return every_sixth()


def members_of(ended) -> dict[int, dict[str, np.ndarray]]:
    """Arrays by member number."""
    return {weights.meta["member"]: weights.arrays for weights in read_ensemble(ended.folder).members}


def test_marker_says_what_was_done(fit_job):
    done = fit_job().run().done
    assert done["rows"] == {"ensemble.json": 1}
    assert done["device"] == "cpu"
    assert done["n_training"] == 59
    assert done["left_out"] == {"failed": 0, "without_cell": 0, "without_baseline": 0}
    assert {"aiida-mlhull", "numpy", "python", "scikit-learn"} <= done["versions"].keys()
    assert 0 < done["members"]["0"]["validation_mae"] < 0.5
    assert done["wall_seconds"] > done["members"]["0"]["seconds"] > 0
    assert 50 < done["peak_memory_mib"] < 5000


@pytest.mark.slow
def test_processes_do_not_change_a_bit(fit_job):
    """Files are compared, so that nothing can differ: not the weights, not the scores, not the settings."""
    one = fit_job("one", members=[0, 1, 2], processes=1).run()
    three = fit_job("three", members=[2, 0, 1], processes=3).run()
    assert one.status == three.status == 0, one.err + three.err
    names = ["ensemble.json", *(f"member_{number:03d}.safetensors" for number in range(3))]
    for name in names:
        assert one.folder.read_bytes(name) == three.folder.read_bytes(name), name


def test_members_fitted_apart_are_those_fitted_together(fit_job):
    together = members_of(fit_job("together", members=[0, 1]).run_here())
    apart = members_of(fit_job("apart", members=[1]).run_here())
    assert apart.keys() == {1}
    for name, array in apart[1].items():
        np.testing.assert_array_equal(array, together[1][name])
    assert any(not np.array_equal(array, together[0].get(name)) for name, array in apart[1].items())


def test_failed_labels_are_left_out_and_counted(fit_job, arsenides):
    energies, failures = arsenides.record.energies.copy(), arsenides.record.failures.astype(object)
    energies[:5], failures[:5] = np.nan, "not_converged_ionically"
    labels = replace(arsenides.record, energies=energies, failures=failures.astype(np.str_))
    done = fit_job(record=labels).run_here().done
    assert (done["n_training"], done["left_out"]["failed"]) == (54, 5)


def test_ionic_steps_are_learned_from_and_counted(fit_job, arsenides):
    """Two cells of every second candidate, of which one is asked for; another file is another job."""
    record = arsenides.record.take(np.arange(0, 59, 2))
    names = [name for one in record.ids.tolist() for name in step_ids(one, "final", 2)]
    steps = replace(
        record,
        ids=np.asarray(names),
        crystals=record.crystals.take(np.repeat(np.arange(len(record)), 2)),
        **{key: np.repeat(getattr(record, key), 2) for key in ("formulas", "energies", "failures", "core_minutes")},
    )
    ensemble = {"model": "trees_gp", "members": 1, "ionic_steps": 1}
    plain = fit_job("plain", ensemble=ensemble).run_here()
    job = fit_job("steps", ensemble=ensemble, steps=["steps_a.parquet"])
    job.folder.write_table("steps_a.parquet", steps)
    done = job.run_here()
    assert (plain.done["n_steps"], done.done["n_steps"]) == (0, len(record))
    assert members_of(plain)[0].keys() == members_of(done)[0].keys()
    assert any(array.tobytes() != members_of(done)[0][name].tobytes() for name, array in members_of(plain)[0].items())


@pytest.fixture
def everything(predict_job) -> Predictions:
    """Predictions for all rows."""
    ended = predict_job("everything").run_here()
    assert ended.done["rows"] == {"predictions.parquet": 59}
    return ended.folder.read_table(Predictions, "predictions.parquet")


def test_predictions_are_energies_of_the_crystals(everything, arsenides):
    """They were learned from: energies of compounds spread over eV/atom, errors must be far below."""
    assert everything.ids.tolist() == arsenides.candidates.ids.tolist()
    assert everything.members.shape == (59, 2)
    errors = np.abs(everything.mean - arsenides.record.energies)
    assert np.median(errors) < 0.1 < arsenides.record.energies.std()


def test_only_the_pool_is_predicted(predict_job, arsenides, everything):
    from_pool = predict_job("pool", pool=choice(arsenides.candidates, [3, 20, 41])).run_here()
    predictions = from_pool.folder.read_table(Predictions, "predictions.parquet")
    assert predictions.ids.tolist() == arsenides.candidates.ids[[3, 20, 41]].tolist()
    # Other rows beside them, other sums in the matrix library, other last bits.
    np.testing.assert_allclose(predictions.members, everything.members[[3, 20, 41]], rtol=0, atol=1e-8)
