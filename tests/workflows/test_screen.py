"""A whole campaign through the graph, on the production path, against published results."""

from __future__ import annotations

import numpy as np
import pytest
from aiida import orm
from aiida.engine import run_get_node

from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData
from aiida_mlhull.science.hull import distances, with_results


@pytest.fixture(scope="session")
def code(aiida_profile):
    """The program mlhull-job on this machine."""
    import sys
    from pathlib import Path

    computer = orm.Computer(
        label="here", hostname="localhost", transport_type="core.local", scheduler_type="core.direct", workdir="/tmp/mlhull-tests"
    ).store()
    computer.set_minimum_job_poll_interval(0)
    computer.set_default_mpiprocs_per_machine(1)
    computer.configure()
    program = Path(sys.executable).parent / "mlhull-job"
    return orm.InstalledCode(label="mlhull-job", computer=computer, filepath_executable=str(program)).store()


@pytest.fixture(scope="session")
def campaign(code, binary, recorded_campaign):
    """The finished campaign's node."""
    from aiida_mlhull.workflows.screen import Screen

    middle = len(binary.candidates) // 2
    shards = {"shard_000": binary.candidates.take(range(middle)), "shard_001": binary.candidates.take(range(middle, len(binary.candidates)))}
    builder = Screen.get_builder_from_protocol(
        code,
        {key: CandidatesData.from_science(shard) for key, shard in shards.items()},
        ReferencesData.from_science(binary.references),
        engines={"recorded": {"record": LabelsData.from_science(binary.record)}},
        protocol="laptop",
        overrides=recorded_campaign,
    )
    _, node = run_get_node(builder)
    return node


@pytest.mark.slow
def test_it_ends_well_and_every_candidate_has_a_row(campaign, binary) -> None:
    assert campaign.is_finished_ok, campaign.exit_message
    verdicts = [node.to_science() for node in campaign.outputs.verdicts.values()]
    ids = np.concatenate([table.ids for table in verdicts])
    assert sorted(ids.tolist()) == sorted(binary.candidates.ids.tolist())
    funnel = campaign.outputs.summary["funnel"]
    assert funnel["candidates"] == len(binary.candidates)
    assert funnel["relaxed"] + funnel["failed"] + funnel["merged"] + funnel["dropped_by_rule"] == len(binary.candidates)
