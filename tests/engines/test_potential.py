"""Crystals by a universal potential: whatever happens to one of them is a row, lost jobs go on where they ended."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.engines.potential import PotentialEngine
from aiida_mlhull.science.campaign import StageSettings
from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.types import Candidates, Crystals
from tests.arsenides import choice, simplest
from tests.programs import installed, scripted

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")

STAGE = {
    "name": "cheap",
    "engine": "potential",
    "settings": {"relaxation": {"freedom": "full", "max_force": 0.1, "max_steps": 10}},
}
KILLED_ONCE = """
if [ -e "$STATE/tried" ]; then exec "$PROGRAM" "$@"; fi
touch "$STATE/tried"
"$PROGRAM" "$@" &
until [ "$(grep -c '"row"' finished.jsonl 2>/dev/null)" -ge 2 ] 2>/dev/null; do
  kill -0 $! 2>/dev/null || exit 9
  sleep 0.01
done
kill -9 $!
wait $!
"""
"""The first try is killed as soon as it has finished two crystals; later ones run as they are."""


def run(code: Any, cells: Candidates, rows: list[int], **jobs: Any) -> tuple[dict[str, Any], orm.ProcessNode]:
    return run_get_node(
        PotentialEngine,
        code=code,
        cells=CandidatesData.from_science(cells),
        chosen=DecisionsData.from_science(choice(cells, rows)),
        stage=orm.Dict(STAGE),
        jobs=orm.Dict(jobs),
    )


def jobs_of(node: orm.ProcessNode) -> list[orm.CalcJobNode]:
    return sorted((one for one in node.called if isinstance(one, orm.CalcJobNode)), key=lambda one: one.pk)


def test_an_unknown_potential_lists_those_that_are_known() -> None:
    stage = StageSettings(name="cheap", engine="potential", settings={"potential": "chgnut"})
    with pytest.raises(SettingsError, match=r"unknown potential 'chgnut'; known: .*chgnet"):
        PotentialEngine.read_settings(stage)


@pytest.mark.slow
def test_crystals_that_cannot_be_relaxed_are_rows_with_a_reason(aiida_code_installed) -> None:
    cube = np.eye(3) * 4.0
    cells = Candidates.from_rows(
        ids=["a-fermium", "b-overlap", "c-good"],
        formulas=["Fm", "As", "Cd"],
        crystals=Crystals.from_lists(
            [cube, cube, cube], [[100], [33, 33], [48]], [[0, 0, 0], [0, 0, 0, 1e-4, 0, 0], [0, 0, 0]]
        ),
        protostructures=[""] * 3,
        origins=["by hand"] * 3,
    )
    outputs, node = run(installed(aiida_code_installed), cells, [0, 1, 2])
    assert node.is_finished_ok, node.exit_message
    labels = outputs["labels"].to_science()
    assert labels.ids.tolist() == cells.ids.tolist()
    assert labels.failures.tolist() == ["engine_error: CHGNet doesn't know Fm", "unphysical_cell", ""]
    assert np.array_equal(labels.crystals.take([0, 1]).lattices, cells.crystals.take([0, 1]).lattices)


@pytest.mark.slow
def test_rows_do_not_depend_on_how_the_jobs_are_cut(aiida_code_installed) -> None:
    cells = simplest(6).candidates
    rows = [0, 1, 2, 4, 5]
    code = installed(aiida_code_installed)
    (whole, one), (cut, two) = run(code, cells, rows), run(code, cells, rows, rows_per_job=3)
    assert (len(jobs_of(one)), len(jobs_of(two))) == (1, 2)
    together, apart = whole["labels"].to_science(), cut["labels"].to_science()
    assert together.ids.tolist() == apart.ids.tolist() == cells.ids[rows].tolist()
    assert np.array_equal(together.energies, apart.energies)
    assert np.array_equal(together.crystals.frac_coords, apart.crystals.frac_coords)


@pytest.mark.slow
def test_a_job_that_is_killed_goes_on_after_the_rows_that_it_finished(aiida_code_installed, tmp_path: Path) -> None:
    cells = simplest(12).candidates
    rows = list(range(12))
    undisturbed, _ = run(installed(aiida_code_installed), cells, rows)
    outputs, node = run(scripted(aiida_code_installed, tmp_path, KILLED_ONCE), cells, rows)
    assert node.is_finished_ok, node.exit_message
    first, second = jobs_of(node)
    assert not first.is_finished_ok
    assert second.inputs.restart_from.uuid == first.outputs.remote_folder.uuid
    assert 2 <= second.outputs.results["n_done_before"] < len(rows)
    before, after = undisturbed["labels"].to_science(), outputs["labels"].to_science()
    assert after.ids.tolist() == before.ids.tolist()
    assert np.array_equal(after.energies, before.energies)
    assert np.array_equal(after.crystals.lattices, before.crystals.lattices)
    assert np.array_equal(after.crystals.frac_coords, before.crystals.frac_coords)


@pytest.mark.slow
def test_rows_of_a_job_that_is_lost_for_good_are_failures(aiida_code_installed, tmp_path: Path) -> None:
    cells = simplest(6).candidates
    lost = scripted(aiida_code_installed, tmp_path, "exit 3")
    outputs, node = run(lost, cells, [0, 1, 2], rows_per_job=2, max_attempts=3)
    assert node.is_finished_ok, node.exit_message
    assert len(jobs_of(node)) == 2 * 3
    labels = outputs["labels"].to_science()
    assert labels.ids.tolist() == cells.ids[[0, 1, 2]].tolist()
    assert all(reason.startswith("engine_error: ") for reason in labels.failures.tolist())
    assert all("[303]" in reason for reason in labels.failures.tolist())
    assert labels.scheme == PotentialEngine.scheme(StageSettings.model_validate(STAGE), {})


@pytest.mark.slow
def test_one_lost_job_does_not_take_the_others_along(aiida_code_installed, tmp_path: Path) -> None:
    """Tries are counted for every job on its own: a second wave doesn't inherit those of the first."""
    every_second = (
        'n=$(ls "$STATE" | grep -c run); touch "$STATE/run-$n"\n[ $((n % 2)) = 0 ] && exit 3\nexec "$PROGRAM" "$@"'
    )
    cells = simplest(6).candidates
    code = scripted(aiida_code_installed, tmp_path, every_second)
    outputs, node = run(code, cells, [0, 1], rows_per_job=1, max_in_flight=1, max_attempts=2)
    assert node.is_finished_ok, node.exit_message
    assert [job.is_finished_ok for job in jobs_of(node)] == [False, True, False, True]
    assert outputs["labels"].base.attributes.get("n_failed") == 0


@pytest.mark.slow
def test_a_program_that_refuses_is_not_asked_again(aiida_code_installed) -> None:
    _, node = run(installed(aiida_code_installed), simplest(6).candidates, [0], device="cuda:7", max_attempts=3)
    assert node.exit_status == 312
    assert len(jobs_of(node)) == 1
    assert "job_0000: RelaxCalculation<" in node.exit_message
    assert "[208]" in node.exit_message
    assert "labels" not in node.outputs


def test_the_engine_lists_what_is_missing() -> None:
    with pytest.raises(ValueError, match="code"):
        run_get_node(
            PotentialEngine,
            cells=CandidatesData.from_science(simplest(6).candidates),
            chosen=DecisionsData.from_science(choice(simplest(6).candidates, [0])),
            stage=orm.Dict(STAGE),
        )
