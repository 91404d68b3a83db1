"""Settings are checked once per process and node; what is wrong is refused each time."""

from __future__ import annotations

import pytest
from aiida import orm
from pydantic import ValidationError

from aiida_mlhull.calculations import settings
from aiida_mlhull.calculations.settings import settings_of
from aiida_mlhull.job_pool.settings import JobSettings
from aiida_mlhull.science.ensembles import EnsembleSettings

pytestmark = pytest.mark.usefixtures("aiida_profile")


def test_a_stored_node_is_read_once():
    node = orm.Dict({"processes": 3}).store()
    first = settings_of(node, JobSettings)
    assert first.processes == 3
    assert settings_of(orm.load_node(node.pk), JobSettings) is first


def test_each_node_and_each_kind_has_its_own():
    empty, other = orm.Dict({}).store(), orm.Dict({"max_in_flight": 7}).store()
    assert isinstance(settings_of(empty, EnsembleSettings), EnsembleSettings)
    assert settings_of(empty, JobSettings) == JobSettings()
    assert settings_of(other, JobSettings).max_in_flight == 7


def test_a_node_that_may_still_change_is_read_again():
    node = orm.Dict({"processes": 1})
    assert settings_of(node, JobSettings).processes == 1
    node["processes"] = 2
    assert settings_of(node, JobSettings).processes == 2


def test_what_is_wrong_is_refused_every_time():
    node = orm.Dict({"processes": 0}).store()
    for _ in range(2):
        with pytest.raises(ValidationError):
            settings_of(node, JobSettings)


def test_the_oldest_are_forgotten(monkeypatch):
    monkeypatch.setattr(settings, "MOST", 2)
    nodes = [orm.Dict({"processes": count}).store() for count in (1, 2, 3)]
    first, *_, last = [settings_of(node, JobSettings) for node in nodes]
    assert len(settings._checked) == 2
    assert settings_of(nodes[2], JobSettings) is last
    again = settings_of(nodes[0], JobSettings)
    assert again == first
    assert again is not first
