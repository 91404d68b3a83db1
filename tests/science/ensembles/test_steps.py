"""Ionic steps as further cells to learn from: whose they are, which, and that none leaks into validation."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member
from aiida_mlhull.science.ensembles.preparation import Preparation
from aiida_mlhull.science.ensembles.settings import View
from aiida_mlhull.science.ensembles.steps import Steps, candidate_of, spread, step_ids, steps_to_learn
from aiida_mlhull.science.ensembles.training_set import training_set
from aiida_mlhull.science.errors import TableError
from aiida_mlhull.science.types import Crystals, Labels, TrainingRows
from tests.science.real_crystals import pnictides

QUICK = {"model": "trees_gp", "model_settings": {"trees": 10}}
ON_THE_WAY = (0.2, 0.6, 0.9)


@pytest.fixture(scope="module")
def rows() -> TrainingRows:
    return pnictides().take(np.arange(60))


def kept(rows: TrainingRows, *, stage: str = "final") -> Labels:
    """Three cells of every row between the unrelaxed and the relaxed volume, as an engine would keep them."""
    structures, ids = [], []
    for index, name in enumerate(rows.ids.tolist()):
        before, after = rows.crystals.volumes[index], rows.relaxed.volumes[index]
        for share, step in zip(ON_THE_WAY, step_ids(name, stage, len(ON_THE_WAY)), strict=True):
            structures.append(rows.crystals.structure(index).scale_lattice(before + share * (after - before)))
            ids.append(step)
    crystals = Crystals.from_structures(structures)
    return Labels.from_rows(
        ids=ids,
        formulas=np.repeat(rows.formulas, len(ON_THE_WAY)),
        energies=np.zeros(len(ids)),
        crystals=crystals,
        failures=[""] * len(ids),
        core_minutes=np.zeros(len(ids)),
        stage=stage,
        engine="vasp",
        scheme="PBE",
    )


def test_whose_a_step_is() -> None:
    assert candidate_of(step_ids("TiN/rock salt", "final", 3)[2]) == "TiN/rock salt"


@given(n=st.integers(1, 60), count=st.integers(0, 80))
def test_spread_keeps_the_last_and_even_distances(n: int, count: int) -> None:
    chosen = spread(np.arange(100, 100 + n), count)
    assert len(chosen) == min(n, count)
    if not len(chosen):
        return
    assert chosen[-1] == 99 + n
    gaps = np.diff(np.concatenate([[99], chosen]))
    assert gaps.min() >= 1
    assert gaps.max() - gaps.min() <= math.ceil(n / len(chosen)) - n // len(chosen)


def test_steps_of_candidates_without_a_label_are_left_out(rows) -> None:
    known = rows.take(np.arange(0, 60, 2))
    steps = steps_to_learn([kept(rows), kept(rows, stage="prerelax")], known, at_most=100)
    assert steps is not None
    assert set(steps.candidates.tolist()) == set(known.ids.tolist())
    assert len(steps) == len(known) * 2 * len(ON_THE_WAY)


def test_no_more_of_a_candidate_than_asked_for_all_stages_together(rows) -> None:
    steps = steps_to_learn([kept(rows), kept(rows, stage="prerelax")], rows, at_most=2)
    assert steps is not None
    names, counts = np.unique(steps.candidates, return_counts=True)
    assert len(names) == len(rows)
    assert (counts == 2).all()
    assert {name.split("/", 1)[1] for name in steps.ids[steps.candidates == rows.ids[0]]} == {
        "final/0002",
        "prerelax/0002",
    }
    assert steps_to_learn([kept(rows)], rows, at_most=0) is None
    assert steps_to_learn([], rows, at_most=3) is None


def test_steps_of_another_composition_are_refused(rows) -> None:
    wrong = kept(rows)
    formulas = wrong.formulas.astype(object)
    formulas[4] = "NaCl"
    broken = Labels(**{**vars(wrong), "formulas": formulas.astype(np.str_)})
    with pytest.raises(TableError, match=f"another composition than their candidates: {wrong.ids[4]}"):
        steps_to_learn([broken], rows, at_most=9)


@pytest.fixture(scope="module")
def steps(rows) -> Steps:
    found = steps_to_learn([kept(rows)], rows, at_most=2)
    assert found is not None
    return found


@pytest.mark.parametrize(("cells", "each"), [("unrelaxed", 3), ("relaxed", 3), ("both", 4)])
def test_all_cells_of_a_candidate_are_on_one_side_and_have_its_relaxed_energy(rows, steps, cells, each) -> None:
    settings = EnsembleSettings(**QUICK, cells=cells, ionic_steps=2)
    taught = training_set(rows, settings, Preparation.fit(rows, settings), seed=3, steps=steps)
    owners = np.asarray([name.rsplit(" ", 1)[0] if " " in name else candidate_of(name) for name in taught.rows.ids])
    learned, counts = np.unique(owners[taught.train], return_counts=True)
    assert set(learned).isdisjoint(owners[taught.validation])
    assert (counts == each).all()
    assert len(learned) + len(taught.validation) == len(rows)
    asked = {name.rsplit(" ", 1)[-1] for name in taught.rows.ids[taught.validation]}
    assert asked == {"relaxed" if cells == "relaxed" else "unrelaxed"}
    assert owners[taught.validation].tolist() == taught.held_out.tolist()
    expected = (rows.energies - rows.baselines)[rows.positions(owners)]
    assert np.array_equal(taught.targets, expected)


def test_cells_on_the_way_get_the_volumes_that_models_are_asked_about(rows, steps) -> None:
    for scaling in (True, False):
        settings = EnsembleSettings(**QUICK, volume_scaling=scaling, ionic_steps=2)
        preparation = Preparation.fit(rows, settings)
        taught = training_set(rows, settings, preparation, seed=3, steps=steps)
        volumes = taught.rows.crystals.volumes_per_atom[taught.rows.positions(steps.ids)]
        fitted = None if preparation.volumes is None else preparation.volumes.per_atom(steps.crystals)
        assert np.allclose(volumes, fitted if scaling else steps.crystals.volumes_per_atom)


def test_what_else_is_known_of_a_candidate_goes_with_its_steps(rows, steps) -> None:
    told = np.linspace(-6, -3, len(rows))[:, None]
    after_a_stage = TrainingRows(**{**vars(rows), "stage_energies": told, "unrelaxed": rows.crystals})
    settings = EnsembleSettings(**QUICK, volume_scaling=False, ionic_steps=2)
    preparation = Preparation.fit(after_a_stage, settings)
    seen = training_set(after_a_stage, settings, preparation, seed=3, steps=steps).rows
    at, owners = seen.positions(steps.ids), rows.positions(steps.candidates)
    assert np.array_equal(seen.stage_energies[at], told[owners])
    assert np.allclose(seen.unrelaxed.volumes[at], rows.crystals.volumes[owners])
    blind = training_set(after_a_stage, settings, preparation, seed=3, steps=steps, view=View(energies=())).rows
    assert blind.stage_energies is None
    assert blind.unrelaxed is None


def test_a_member_learns_from_them(rows, steps) -> None:
    settings = EnsembleSettings(**QUICK, ionic_steps=2)
    without, with_steps, again = (
        fit_member(rows, settings, member=0, seed=1, steps=given) for given in (None, steps, steps)
    )
    assert with_steps.scores["validation_mae"] != without.scores["validation_mae"]
    assert {k: v.tobytes() for k, v in again.arrays.items()} == {k: v.tobytes() for k, v in with_steps.arrays.items()}
