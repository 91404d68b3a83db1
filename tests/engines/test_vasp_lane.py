"""A lane whose calculation is lost, not judged: it is tried again, and then its candidate is a row with the reason."""

from __future__ import annotations

from typing import Any

import pytest
from aiida import orm
from aiida.common.links import LinkType
from aiida.engine import run_get_node
from aiida_vasp.workchains.v2.vasp import VaspWorkChain

from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.engines.vasp.lane import VaspLane
from tests.arsenides import choice
from tests.changed_processes import redefined
from tests.engines.test_vasp import OPTIONS, POTENTIALS, rock_salts
from tests.vasp_codes import placeholders, replayed

STAGE = {"name": "preprerelax", "engine": "vasp", "settings": {"protocol": "ekstrom-2022"}}


class LostError(RuntimeError):
    """What a worker's machine might come to grief with in the midst of a WorkChain."""


@pytest.fixture
def tried(monkeypatch) -> list[str]:
    """Candidates in the order in which aiida-vasp's WorkChain took them up: CaO's is lost once, MgO's always."""
    seen: list[str] = []
    genuine = VaspWorkChain.init_inputs

    def sometimes_lost(self: VaspWorkChain) -> Any:
        seen.append(self.node.label)
        if self.node.label == "MgO_rock_salt" or seen.count(self.node.label) == 1:
            raise LostError("the disk is gone")
        return genuine(self)

    redefined(monkeypatch, VaspWorkChain, init_inputs=sometimes_lost)
    return seen


@pytest.mark.slow
def test_what_was_lost_is_tried_again_and_then_given_up(aiida_code_installed, tmp_path, tried) -> None:
    cells = rock_salts(CaO=4.9, MgO=4.3)
    outputs, lane = run_get_node(
        VaspLane,
        code=replayed(aiida_code_installed, tmp_path, "resilience"),
        potential_family=orm.Str(placeholders(tmp_path / "potentials", *POTENTIALS)),
        cells=CandidatesData.from_science(cells),
        chosen=DecisionsData.from_science(choice(cells, [0, 1])),
        stage=orm.Dict(STAGE),
        options=orm.Dict(OPTIONS),
        jobs=orm.Dict({"max_attempts": 3}),
    )
    assert lane.is_finished_ok, lane.exit_message
    assert tried == ["CaO_rock_salt"] * 2 + ["MgO_rock_salt"] * 3
    links = lane.base.links.get_outgoing(link_type=LinkType.CALL_WORK).all()
    chains = {link.link_label: link.node for link in links}
    assert sorted(chains) == [
        *(f"row_00000_try_{number}" for number in range(2)),
        *(f"row_00001_try_{number}" for number in range(3)),
    ]
    ended = {label: chain.is_finished_ok for label, chain in chains.items()}
    assert [label for label, well in ended.items() if well] == ["row_00000_try_1"]
    labels = outputs["labels"].to_science()
    assert labels.ids.tolist() == ["CaO_rock_salt", "MgO_rock_salt"]
    assert labels.failures[0] == ""
    assert labels.failures[1].startswith("engine_error: ")
    assert "the disk is gone" in labels.failures[1]
    told = [entry.message for entry in orm.Log.collection.get_logs_for(lane)]
    assert any("CaO_rock_salt, try 1 of 3" in message and "the disk is gone" in message for message in told)
