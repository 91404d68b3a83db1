"""The campaign file to start from, and the schema that editors check it with."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from aiida_mlhull.launching.editor import campaign_schema, template, write_start
from aiida_mlhull.science.campaign.file import DEFAULT_PROTOCOL, CampaignFile, read_campaign_file
from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.types.strict import described

jsonschema = pytest.importorskip("jsonschema")


def uncommented(text: str) -> dict:
    """The keys behind a #, each with its lines: ``# key: value`` and ``#   deeper``."""
    return yaml.safe_load(
        "\n".join(line[2:] for line in text.splitlines() if re.match(r"# (?:[a-z_]+:(?: |$)|  )", line))
    )


def test_the_file_is_valid_as_it_is(tmp_path):
    (tmp_path / "cifs").mkdir()
    written, schema = write_start(tmp_path / "mine.yaml")
    read = read_campaign_file(written)
    assert (read.name, read.protocol, read.references.shipped) == ("mine", DEFAULT_PROTOCOL, "mp-elements")
    assert f"$schema={schema.name}" in written.read_text()
    jsonschema.validate(yaml.safe_load(written.read_text()), json.loads(schema.read_text()))


def test_nothing_is_overwritten(tmp_path):
    (tmp_path / "mine.yaml").write_text("name: precious")
    with pytest.raises(WireError, match="there already"):
        write_start(tmp_path / "mine.yaml")
    assert (tmp_path / "mine.yaml").read_text() == "name: precious"


def test_every_key_is_there_with_words_and_its_default():
    _, _, keys = template().partition("shipped: mp-elements")
    shown = uncommented(keys)
    assert set(shown) == set(CampaignFile.model_fields) - {"name", "candidates", "references"}
    assert (shown["protocol"], shown["seed"], shown["code"]) == (DEFAULT_PROTOCOL, None, "mlhull-job@localhost")
    assert set(described(CampaignFile)) == set(CampaignFile.model_fields)
    assert CampaignFile.model_validate({"candidates": "c", "references": "r", **shown}).settings().start == 0.05


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        ({}, ""),
        ({"overrides": {"start": "3%", "stages": {"final": {"gate": {"batch": 0.1}}}}}, ""),
        ({"candidates": ["a.cif", {"group": "mine"}], "references": {"node": "12"}}, ""),
        ({"properties": {"gap": 12, "metal": "a label"}}, ""),
        ({"protokol": "laptop"}, "protokol"),
        ({"protocol": "laptob"}, "laptob"),
        ({"overrides": {"start": "3 percent"}}, "3 percent"),
        ({"overrides": {"stages": {"final": {"engine": "qe"}}}}, "qe"),
        ({"overrides": {"ensemble": {"model": "oracle"}}}, "oracle"),
        ({"jobs": {"processes": 0}}, "0"),
    ],
)
def test_editors_see_what_is_wrong(content, wrong):
    whole = {"candidates": "cifs", "references": "phases.json", **content}
    found = list(jsonschema.Draft7Validator(campaign_schema()).iter_errors(whole))
    assert [wrong in str(error) for error in found] == ([True] if wrong else [])


def test_keys_of_the_schema_have_words():
    schema = campaign_schema()
    keys = {**schema["properties"], **schema["properties"]["jobs"]["properties"]}
    assert len(keys) > 15
    assert all(key.get("description") for key in keys.values())
