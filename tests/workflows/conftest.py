"""A small campaign on published results, run once on the production path and asked many things."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aiida_mlhull.science.reading.candidates import read_candidates
from aiida_mlhull.science.reading.references import read_references
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.types import Candidates, Labels, References
from tests.campaign_inputs import campaign_inputs
from tests.forks import quick_program
from tests.programs import on_this_machine

DEMO = Path(str(resources.files("aiida_mlhull") / "demo_data"))
SYSTEMS = ({"As", "Be"}, {"As", "Cd"})


@dataclass(frozen=True)
class Excerpt:
    """Candidates with their published results, and what they compete with."""

    candidates: Candidates
    record: Labels
    references: References


@pytest.fixture(scope="session")
def binary() -> Excerpt:
    """The hypothetical arsenides of beryllium and cadmium of the demo's data."""
    intake = read_candidates(DEMO / "hypothetical_pnictides.parquet", bad_rows="leave_out")
    references = read_references(DEMO / "competing_phases.parquet", elements=DEMO / "elements.json").references
    inside = np.array([set(reduce_formula(f).symbols) in SYSTEMS for f in intake.candidates.formulas.tolist()])
    return Excerpt(intake.candidates.take(inside), intake.record.take(inside), references)


@pytest.fixture(scope="session")
def code(aiida_profile, tmp_path_factory):
    """Label of the code for the program mlhull-job on this machine."""
    return on_this_machine(tmp_path_factory.mktemp("jobs"), program=quick_program()).full_label


@pytest.fixture(scope="session")
def settings() -> dict[str, Any]:
    """Two rounds on a record, with trees that are fitted in a second."""
    gate = {"rule": "two_sigma", "rounds": 2, "batch": 10}
    return {
        "name": "binary",
        "seed": 3,
        "start": 20,
        "stages": [{"name": "final", "engine": "recorded", "core_minutes": 605, "gate": gate}],
        "ensemble": {"model": "trees_gp", "members": 2},
        "budget": None,
    }


@pytest.fixture(scope="session")
def build(code, binary, settings):
    """A function that makes the campaign's builder, in two shards."""
    from aiida import orm

    from aiida_mlhull.workflows.screen import Screen

    def make() -> Any:
        builder = Screen.get_builder()
        builder._update(campaign_inputs(orm.load_code(code), binary, settings))
        return builder

    return make


@pytest.fixture(scope="session")
def checkpoint_sizes() -> list[int]:
    """Length of every checkpoint that the campaign's WorkChain wrote; filled while it runs."""
    return []


@pytest.fixture(scope="session")
def finished(build, checkpoint_sizes) -> int:
    """Run the campaign once."""
    from aiida.engine import run_get_node
    from aiida.orm import ProcessNode

    write = ProcessNode.set_checkpoint

    def measured(node: ProcessNode, checkpoint: str) -> None:
        if node.process_label == "Screen":
            checkpoint_sizes.append(len(checkpoint))
        write(node, checkpoint)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ProcessNode, "set_checkpoint", measured)
        return run_get_node(build())[1].pk


@pytest.fixture
def campaign(finished):
    """The finished campaign's node, loaded anew: a test may have switched profiles in between."""
    from aiida import orm

    return orm.load_node(finished)
