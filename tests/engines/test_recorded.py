"""Published results: what the record says is handed over, what it lacks is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData
from aiida_mlhull.engines.recorded import RecordedEngine
from aiida_mlhull.science.campaign.settings import StageSettings
from aiida_mlhull.science.errors import InputError, TableError
from aiida_mlhull.science.types import Labels
from tests.arsenides import choice, simplest

STAGE = {"name": "final", "engine": "recorded", "core_minutes": 605.0}


def run(record, rows):
    cells = simplest(6).candidates
    return run_get_node(
        RecordedEngine,
        cells=CandidatesData.from_science(cells),
        chosen=DecisionsData.from_science(choice(cells, rows)),
        stage=orm.Dict(STAGE),
        record=LabelsData.from_science(record),
    )


def test_rows_are_the_records_at_the_stages_nominal_cost() -> None:
    record = simplest(6).record
    outputs, node = run(record, [1, 4])
    assert node.is_finished_ok
    labels = outputs["labels"].to_science()
    assert np.array_equal(labels.energies, record.energies[[1, 4]])
    assert labels.core_minutes.tolist() == [605.0, 605.0]
    assert (labels.stage, labels.engine, labels.cost_basis) == ("final", "recorded", "nominal")


def test_a_recorded_failure_stays_one() -> None:
    record = simplest(6).record
    energies, failures = record.energies.copy(), record.failures.astype(object)
    energies[1], failures[1] = np.nan, "not_converged_electronically"
    outputs, node = run(replace(record, energies=energies, failures=failures.astype(np.str_)), [1, 4])
    assert node.is_finished_ok
    labels = outputs["labels"].to_science()
    assert labels.failures.tolist() == ["not_converged_electronically", ""]
    assert np.isnan(labels.energies[0])


def test_a_chosen_id_that_the_record_lacks_is_named() -> None:
    lacking = simplest(6).record.ids[4]
    _, node = run(simplest(6).record.without([lacking]), [1, 4])
    assert node.exit_status == TableError.status
    assert node.exit_message == f"ERROR_INVALID_TABLE: the record has no result for 1 candidates: {lacking}"


def test_the_record_of_other_compounds_is_refused() -> None:
    excerpt = simplest(60)
    shard = excerpt.candidates
    first, second = shard.ids[shard.formulas == "RbAs"][0], shard.ids[shard.formulas == "BeAs2"][0]
    formulas = excerpt.record.formulas.copy()
    formulas[excerpt.record.positions([first])] = "BeAs2"
    inputs = {"record": LabelsData.from_science(replace(excerpt.record, formulas=formulas))}
    with pytest.raises(TableError, match=rf"1 candidates as other compounds: {first} \(RbAs is BeAs2 there\)"):
        RecordedEngine.check(inputs, [shard.select([first]), shard.select([second])], [])


def staged() -> dict[str, Labels]:
    """Two levels of the same six: the second one after a failure at the first."""
    record = simplest(6).record
    energies, failures = record.energies.copy(), record.failures.astype(object)
    energies[1], failures[1] = np.nan, "out_of_time"
    own = np.arange(6, dtype=float) + 1
    coarse = replace(
        record,
        energies=energies,
        failures=failures.astype(np.str_),
        core_minutes=own,
        cost_basis="measured",
        stage="coarse",
    )
    return {"coarse": coarse, "final": replace(record.without([record.ids[1]]), stage="final")}


def look_up(stage: str, rows: list[int]):
    cells = simplest(6).candidates
    return run_get_node(
        RecordedEngine,
        cells=CandidatesData.from_science(cells),
        chosen=DecisionsData.from_science(choice(cells, rows)),
        stage=orm.Dict({"name": stage, "engine": "recorded"}),
        levels={name: LabelsData.from_science(table) for name, table in staged().items()},
    )


def test_every_stage_is_answered_by_its_level_at_its_own_cost() -> None:
    outputs, _ = look_up("coarse", [1, 4])
    labels = outputs["labels"].to_science()
    assert labels.failures.tolist() == ["out_of_time", ""]
    assert labels.core_minutes.tolist() == [2.0, 5.0]
    assert (labels.stage, labels.cost_basis) == ("coarse", "measured")
    final = look_up("final", [0, 4])[0]["labels"].to_science()
    assert np.array_equal(final.energies, simplest(6).record.energies[[0, 4]])
    assert final.stage == "final"


def test_a_failure_needs_no_row_at_the_next_stage_but_everything_else_does() -> None:
    stages = [StageSettings(name=name, engine="recorded") for name in ("coarse", "final")]
    candidates = simplest(6).candidates
    levels = staged()
    inputs = {"levels": {name: LabelsData.from_science(table) for name, table in levels.items()}}
    RecordedEngine.check(inputs, [candidates], stages)
    lost = candidates.ids[3]
    inputs["levels"]["final"] = LabelsData.from_science(levels["final"].without([lost]))
    with pytest.raises(TableError, match=f"level final has no row of 1: {lost}"):
        RecordedEngine.check(inputs, [candidates], stages)


def test_one_table_does_not_answer_for_two_stages() -> None:
    stages = [StageSettings(name=name, engine="recorded") for name in ("coarse", "final")]
    with pytest.raises(InputError, match="one stage, but several look it up: coarse, final"):
        RecordedEngine.check({"record": LabelsData.from_science(simplest(6).record)}, [simplest(6).candidates], stages)
    with pytest.raises(InputError, match="no level for the stages final; it has coarse"):
        RecordedEngine.check(
            {"levels": {"coarse": LabelsData.from_science(staged()["coarse"])}}, [simplest(6).candidates], stages
        )
