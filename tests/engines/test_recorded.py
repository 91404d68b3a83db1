"""Published results: what the record says is handed over, what it lacks is named."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.data import CandidatesData, DecisionsData, LabelsData
from aiida_mlhull.engines.recorded import RecordedEngine
from aiida_mlhull.science.errors import TableError
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
