"""Several campaigns under one daemon with as few slots as they need: none waits for ever, and no more are let in."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiida import orm
from aiida.engine import submit

from aiida_mlhull import Campaign
from aiida_mlhull.launching.services import daemon
from aiida_mlhull.science.errors import NotReadyError
from aiida_mlhull.workflows.screen import Screen
from tests.arsenides import simplest
from tests.campaign_inputs import campaign_inputs
from tests.campaigns.daemons import running_daemon, wait_until
from tests.programs import on_this_machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

N = 18
CAMPAIGNS = 3
LEAST = 4
"""Slots of one campaign of two shards alone."""
SLOTS = CAMPAIGNS * (LEAST - 1) + 1


def inputs(code: orm.AbstractCode, seed: int) -> dict[str, Any]:
    gate = {"rule": "two_sigma", "rounds": 1, "batch": 2}
    final = {"name": "final", "engine": "recorded", "core_minutes": 605, "gate": gate}
    settings = {"seed": seed, "start": 16, "stages": [final], "ensemble": {"members": 2}}
    return campaign_inputs(code, simplest(N), settings)


def test_three_campaigns_share_the_slots_of_one_daemon(aiida_config, aiida_profile_factory, tmp_path: Path) -> None:
    aiida_config.set_option("daemon.worker_process_slots", SLOTS)
    try:
        with running_daemon(aiida_config, aiida_profile_factory, name="together"):
            code = on_this_machine(tmp_path)
            nodes: list[orm.ProcessNode] = []
            for seed in range(CAMPAIGNS):
                held = daemon.held_by_campaigns()
                assert held == dict.fromkeys([node.pk for node in reversed(nodes)], LEAST - 1)
                daemon.require(daemon.look(), shards=2, max_in_flight=2, held=held)
                nodes.append(submit(Screen, inputs(code, seed)))
            with pytest.raises(NotReadyError, match=f"need {SLOTS + LEAST - 1} or they might all wait"):
                daemon.require(daemon.look(), shards=2, max_in_flight=2, held=daemon.held_by_campaigns())
            wait_until(lambda: all(node.is_terminated for node in nodes), what="the end of all campaigns")
            assert [len(Campaign(node).outcomes()) for node in nodes] == [N] * CAMPAIGNS
            assert daemon.held_by_campaigns() == {}
    finally:
        aiida_config.unset_option("daemon.worker_process_slots")
