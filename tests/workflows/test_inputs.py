"""Whatever a campaign would stumble over later is refused before any node is stored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run

from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData
from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import Excerpt, simplest

N = 24


@pytest.fixture
def given(code) -> dict[str, Any]:
    """A campaign that would run."""
    return inputs_of(simplest(N), code)


def inputs_of(excerpt: Excerpt, code: str, **stage: Any) -> dict[str, Any]:
    final = {"name": "final", "engine": "recorded", "gate": {"rounds": 1}} | stage
    program = orm.load_code(code)
    return {
        "code": program,
        "candidates": {"shard_000": CandidatesData.from_science(excerpt.candidates)},
        "references": ReferencesData.from_science(excerpt.references),
        "engines": {"recorded": {"record": LabelsData.from_science(excerpt.record)}, "potential": {"code": program}},
        "settings": orm.Dict({"start": 20, "stages": [final], "ensemble": {"members": 2}}),
    }


def why_refused(inputs: dict[str, Any]) -> str:
    """The message, once it is sure that nothing was stored."""
    before = orm.QueryBuilder().append(orm.Node).count()
    with pytest.raises(ValueError) as refused:  # noqa: PT011  (the caller looks at the message)
        run(Screen, **inputs)
    assert orm.QueryBuilder().append(orm.Node).count() == before
    return str(refused.value)


def with_settings(inputs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return inputs | {"settings": orm.Dict(inputs["settings"].get_dict() | changes)}


def with_stage(inputs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    settings = inputs["settings"].get_dict()
    return with_settings(inputs, stages=[settings["stages"][0] | changes])


def test_no_candidates(given) -> None:
    assert "no candidates" in why_refused(given | {"candidates": {}})


def test_a_single_candidate(given) -> None:
    alone = CandidatesData.from_science(simplest(N).candidates.take([3]))
    assert "a single candidate" in why_refused(given | {"candidates": {"shard_000": alone}})


def test_fewer_candidates_than_the_models_need(given) -> None:
    few = CandidatesData.from_science(simplest(N).candidates.take(range(10)))
    told = why_refused(given | {"candidates": {"shard_000": few}})
    assert "10 candidates to start with (10 are open), but this ensemble needs at least 16 labels" in told


def test_a_start_set_that_is_too_small(given) -> None:
    assert "12 candidates to start with (24 are open)" in why_refused(with_settings(given, start=12))


def test_ids_that_lie_in_two_shards(given) -> None:
    cells = simplest(N).candidates
    shards = {
        "one": CandidatesData.from_science(cells.take(range(14))),
        "two": CandidatesData.from_science(cells.take(range(12, N))),
    }
    told = why_refused(given | {"candidates": shards})
    assert f"2 candidates lie in several shards: {cells.ids[12]}, {cells.ids[13]}" in told


def test_ids_that_are_references_too(given) -> None:
    known = simplest(N).references
    shared = simplest(N).candidates.ids[5]
    more = type(known).from_rows(
        ids=np.append(known.ids, shared),
        formulas=np.append(known.formulas, "As"),
        energies=np.append(known.energies, 0.0),
        source=known.source,
        scheme=known.scheme,
    )
    told = why_refused(given | {"references": ReferencesData.from_science(more)})
    assert f"1 candidates have ids that are references' too: {shared}" in told


def test_references_that_lack_elements(given) -> None:
    known = simplest(N).references
    lacking = known.take(~np.isin(known.formulas, ["Rb", "As"]))
    told = why_refused(given | {"references": ReferencesData.from_science(lacking)})
    assert "the references hold no pure As, Rb" in told


def test_candidates_without_cells(given) -> None:
    bare = CandidatesData.from_science(replace(simplest(N).candidates, crystals=None))
    assert "trees_gp looks at cells, and these candidates are labels without cells" in why_refused(
        given | {"candidates": {"shard_000": bare}}
    )


def test_a_record_and_references_of_different_schemes(given) -> None:
    other = LabelsData.from_science(replace(simplest(N).record, scheme="PBEsol"))
    told = why_refused(given | {"engines": {"recorded": {"record": other}}})
    assert "stage final gives energies that are 'PBEsol'" in told
    assert "don't meet in one hull" in told


def test_a_potential_and_references_of_different_schemes(given) -> None:
    told = why_refused(with_stage(given, engine="potential"))
    assert f"stage final gives energies that are {MP2020_CORRECTED!r}" in told


def test_a_record_that_lacks_candidates(given) -> None:
    record = simplest(N).record
    given["engines"]["recorded"]["record"] = LabelsData.from_science(record.take(range(2, N)))
    told = why_refused(given)
    assert f"the record has no result for 2 candidates: {record.ids[0]}, {record.ids[1]}" in told


def test_a_record_of_other_compounds(given) -> None:
    record = simplest(N).record
    formulas = record.formulas.astype(object)
    formulas[4] = "RbAs3"
    given["engines"]["recorded"]["record"] = LabelsData.from_science(replace(record, formulas=formulas.astype(np.str_)))
    assert "the record knows 1 candidates as other compounds" in why_refused(given)


def test_an_engine_without_its_inputs(given) -> None:
    told = why_refused(given | {"engines": {"potential": given["engines"]["potential"]}})
    assert "inputs for the engines are missing: engines.recorded" in told


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"engine": "vapour"}, "unknown engine 'vapour'; known: potential, quantumespresso, recorded"),
        ({"settings": {"color": 1}}, "stage final, engine recorded: color: unknown key"),
        ({"gate": {"rule": "three_sigma"}}, "unknown keep-rule 'three_sigma'; known: "),
        ({"gate": {"baseline": "stage"}}, "the first stage has no stage before it"),
        ({"color": 1}, "stages.final.color: unknown key"),
    ],
)
def test_wrong_stages(given, change, told) -> None:
    assert told in why_refused(with_stage(given, **change))


def test_a_wrong_ensemble(given) -> None:
    told = why_refused(with_settings(given, ensemble={"model": "crystal_ball"}))
    assert "unknown model 'crystal_ball'; known: " in told


def test_ionic_steps_that_nobody_keeps(given) -> None:
    told = why_refused(with_settings(given, ensemble={"members": 2, "ionic_steps": 4}))
    assert "learn from ionic_steps, but no stage keeps any; say keep_steps: true" in told


def test_wrong_job_sizes(given) -> None:
    told = why_refused(given | {"jobs": orm.Dict({"rows_per_jobs": 3})})
    assert "rows_per_jobs" in told
