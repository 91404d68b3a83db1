"""A campaign on labels without cells: models decide by label, cells are made for what was kept."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.data import CandidatesData, ReferencesData
from aiida_mlhull.graph.history import shards_with
from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.enumeration import Enumeration, EnumerationSettings
from aiida_mlhull.science.relaxation.conventions import MP2020_CORRECTED
from aiida_mlhull.science.types import concatenate
from aiida_mlhull.workflows.screen import Screen
from tests.campaign_inputs import campaign_inputs

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")
pytestmark = pytest.mark.slow

GROUPS = (216, 221, 223, 225, 227)
WREN = {"hidden_width": 8, "layers": 1, "output_widths": [8], "max_epochs": 2}


def tables(namespace: Any) -> Any:
    return concatenate([node.to_science() for node in namespace.values()])


@pytest.fixture(scope="module")
def inputs(code, binary) -> dict[str, Any]:
    """Labels of arsenides; a gate before the only stage, a potential that makes few steps."""
    generator = Enumeration(EnumerationSettings(max_sites=16, max_positions=4, space_groups=GROUPS))
    start = GeneratorInput(formulas=("BeAs", "Be3As2", "CdAs", "Cd3As2", "Cd2As", "Be2As", "CdAs2", "BeAs2"))
    labels = concatenate([shard.candidates for shard in generator.shards(start)])
    excerpt = SimpleNamespace(candidates=labels, references=replace(binary.references, scheme=MP2020_CORRECTED))
    stage = {
        "name": "potential",
        "engine": "potential",
        "settings": {"relaxation": {"freedom": "volume", "max_force": 1.0, "max_steps": 2}},
        "gate": {"rule": "top_n", "rule_settings": {"n": 4}, "rounds": 1, "batch": 4},
    }
    settings = {
        "seed": 5,
        "start": 22,
        "stages": [stage],
        "ensemble": {"model": "wren", "model_settings": WREN, "members": 2},
    }
    program = orm.load_code(code)
    return campaign_inputs(program, excerpt, settings, engines={"potential": {"code": program}}, n_shards=1)


def test_models_that_look_at_cells_are_refused_by_name(inputs) -> None:
    settings = inputs["settings"].get_dict()
    settings["ensemble"] = {"model": "trees_gp", "members": 2}
    refused = Screen.spec().inputs.validate(
        Screen.spec().inputs.pre_process({**inputs, "settings": orm.Dict(settings)})
    )
    assert refused is not None
    assert "trees_gp looks at cells" in refused.message
    assert "wren" in refused.message


def test_cells_are_made_for_what_was_kept_and_everybody_has_a_row(inputs) -> None:
    campaign = run_get_node(Screen, **inputs)[1]
    assert campaign.is_finished_ok, campaign.exit_message
    labels, outcomes = tables(inputs["candidates"]), tables(campaign.outputs.outcomes)
    results = tables(campaign.outputs.results)
    assert labels.crystals is None
    assert outcomes.ids.tolist() == labels.ids.tolist()
    waves = [node for node in campaign.called if node.process_label == "MakeCells"]
    steps = [job for node in waves for job in node.called if job.process_label == "MakeCellsCalculation"]
    assert len(steps) == 2  # the start set, and the round
    cells = concatenate([step.outputs.cells.to_science() for step in steps])
    assert cells.ids.tolist() == results.ids.tolist()
    kept = [step.inputs.chosen.to_science() for step in steps]
    asked = np.concatenate([table.ids[table.keep] for table in kept])
    without = outcomes.take(np.char.startswith(outcomes.reasons, "cell_not_made"))
    assert sorted([*cells.ids.tolist(), *without.ids.tolist()]) == sorted(asked.tolist())
    assert [shard.uuid for shard, _ in shards_with(cells.ids[0])] == [inputs["candidates"]["shard_000"].uuid]
    predicted = [node for node in campaign.called_descendants if node.process_label == "PredictCalculation"]
    assert predicted
    assert all(not node.inputs.cells.base.attributes.get("has_crystals") for node in predicted)


def test_the_shards_say_that_they_are_labels(inputs) -> None:
    (shard,) = inputs["candidates"].values()
    assert isinstance(shard, CandidatesData)
    assert isinstance(inputs["references"], ReferencesData)
    assert not shard.base.attributes.get("has_crystals")
