"""Protocols are listed and shown; a commented campaign file is written."""

from __future__ import annotations

import json

import yaml

from aiida_mlhull.science.campaign import campaign_settings, load_protocol, protocol_names
from tests.cli.conftest import run


def test_list_names_all_and_the_default():
    listed = run("protocols", "list").output
    assert all(name in listed for name in protocol_names())
    assert "campaigns take potential" in listed
    assert [one["name"] for one in json.loads(run("protocols", "list", "--json").output)] == protocol_names()


def test_show_prints_what_a_file_may_hold():
    said = load_protocol("laptop")
    said.pop("description")
    assert yaml.safe_load(run("protocols", "show", "laptop").output) == said
    whole = campaign_settings({}, protocol="laptop").model_dump(mode="json")
    assert yaml.safe_load(run("protocols", "show", "laptop", "--all").output) == whole
    assert json.loads(run("protocols", "show", "laptop", "--json").output)["settings"] == whole


def test_a_name_nearly_right():
    refused = run("protocols", "show", "laptob")
    assert refused.exit_code == 1
    assert "did you mean 'laptop'?" in refused.output


def test_init(tmp_path):
    assert "campaign.schema.json" in run("launch", tmp_path / "campaign.yaml", "--init").output
    assert "candidates: cifs" in (tmp_path / "campaign.yaml").read_text()
    again = run("launch", tmp_path / "campaign.yaml", "--init")
    assert again.exit_code == 1
    assert "there already" in again.output
