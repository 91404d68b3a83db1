"""What WorkChains keep between their steps is written down, little, and comes back from a checkpoint."""

from __future__ import annotations

import inspect
import re

import pytest
from aiida.common.extendeddicts import AttributeDict
from aiida.engine import WorkChain
from aiida.orm.utils.serialize import deserialize_unsafe, serialize
from aiida.plugins import WorkflowFactory

from aiida_mlhull import names

AT_MOST = 8
CHAINS = [name for name in names.PROCESSES if name.group == names.WORKFLOWS]


def documented(process: type) -> set[str]:
    """Names that the docstrings of a WorkChain and its bases list."""
    listed: set[str] = set()
    for base in inspect.getmro(process):
        _, _, part = (base.__doc__ or "").partition("Names in the context")
        listed |= set(re.findall(r"^ {8}(\w+):", part, re.MULTILINE))
    return listed


def used(process: type) -> set[str]:
    """Names that their code puts into the context, also those that wait for processes."""
    own = (base for base in inspect.getmro(process) if issubclass(base, WorkChain) and base is not WorkChain)
    code = "".join(inspect.getsource(base) for base in own if base.__module__.startswith("aiida_mlhull"))
    awaited = re.findall(r"ToContext\((\w+)=", code) + re.findall(r'f?"(\w+)\.[\w{}]+"[\]:]', code)
    return set(re.findall(r"self\.ctx\.(?!get\b)(\w+)", code)) | set(awaited)


@pytest.mark.parametrize("name", CHAINS, ids=lambda name: name.entry_point)
def test_the_context_is_written_down(name):
    process = WorkflowFactory(name.entry_point)
    assert used(process) == documented(process)
    assert len(documented(process)) <= AT_MOST


def test_processes_that_were_waited_for_come_back_from_a_checkpoint():
    """AiiDA adds to a part of the context only if it is its own kind of dictionary."""
    context = AttributeDict({"at": {"stage": 1}, "running": AttributeDict({"round": 3})})
    loaded = deserialize_unsafe(serialize(context))
    assert type(loaded["running"]) is AttributeDict
    assert loaded == context


def test_settings_are_checked_once_per_loaded_process(monkeypatch, build):
    from aiida.engine.utils import instantiate_process
    from aiida.manage import get_manager

    from aiida_mlhull.science.campaign.settings import CampaignSettings

    process = instantiate_process(get_manager().get_runner(), build())
    checked = []
    genuine = CampaignSettings.model_validate
    monkeypatch.setattr(CampaignSettings, "model_validate", lambda *given: checked.append(1) or genuine(*given))
    assert process.settings.name == process.settings.name == "binary"
    assert len(checked) == 1


@pytest.mark.parametrize("port", ["settings", "jobs"])
def test_inputs_take_python_values(port):
    from aiida import orm

    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.workflows.screen import Screen

    stages = [{"name": "final", "engine": "recorded", "core_minutes": 1}]
    values = {
        "settings": campaign_settings({"stages": stages}).model_dump(mode="json"),
        "jobs": JobSettings().model_dump(),
    }
    builder = Screen.get_builder()
    builder[port] = values[port]
    assert isinstance(builder[port], orm.Dict)
    assert builder[port].get_dict() == values[port]
