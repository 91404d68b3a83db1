"""What people write a campaign file with: a commented one to start from, and a JSON schema for their editor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import wrap
from typing import Any, Final

import yaml
from pydantic import BaseModel

from aiida_mlhull.science.campaign.file import CampaignFile, CandidatesSource, ReferencesSource
from aiida_mlhull.science.campaign.settings import CampaignSettings, StageSettings, protocol_names
from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.types.strict import described

SCHEMA_URL: Final = "http://json-schema.org/draft-07/schema#"
WIDTH: Final = 96

HEAD: Final = """\
# yaml-language-server: $schema={schema}
# A campaign of aiida-mlhull: what to screen, against what, and how.
#
#   aiida-mlhull launch {name} --dry-run     checks everything and stores nothing
#   aiida-mlhull launch {name} --foreground  runs it in this terminal
#   aiida-mlhull protocols list              settings to start from
#
# Paths are relative to this file. Lines behind a # are at their defaults: take the # away and change them.

name: {campaign}

# {candidates}
# A folder of CIF or POSCAR files, a table (.parquet, .csv), extxyz, pymatgen's JSON; or {{group: LABEL}} of
# structures in AiiDA. A list of several is fine, too.
candidates: cifs

# {references}
# A table or pymatgen's entries (references: {{file: phases.json, scheme: mp-pbe-2020}}), what 'aiida-mlhull references
# import' has stored ({{node: PK}}), or the elements that come with the package, for a first look:
references:
  shipped: mp-elements
"""
EXAMPLES: Final[Mapping[str, Any]] = {
    "record": "record.parquet",
    "parent": "PK or label of an ensemble",
    "parents": "auto",
    "properties": {"gap": "PK or label of an ensemble of band gaps"},
    "engines": {"vasp": {"code": "vasp@cluster"}},
    "overrides": {"start": "5%", "stages": {"final": {"settings": {"relaxation": {"max_steps": 300}}}}},
}


def template(*, name: str = "campaign.yaml", schema: str = "campaign.schema.json") -> str:
    """A campaign file that runs on a folder ``cifs``, every other key commented out at its default."""
    says = described(CampaignFile)
    parts = [
        HEAD.format(
            name=name,
            schema=schema,
            campaign=Path(name).stem,
            candidates=_sentence(says["candidates"]),
            references=_sentence(says["references"]),
        )
    ]
    written = {"name", "candidates", "references"}
    for key, field in CampaignFile.model_fields.items():
        if key not in written:
            value = EXAMPLES.get(key, field.get_default(call_default_factory=True))
            shown = yaml.safe_dump({key: _jobs() if key == "jobs" else value}, sort_keys=False).splitlines()
            parts.append("\n".join([*_comment(_sentence(says[key])), *(f"# {line}" for line in shown), ""]))
    return "\n".join(parts)


def write_start(path: Path) -> list[Path]:
    """Write a campaign file to start from, and the schema beside it.

    Raises:
        WireError: if the file is there already.
    """
    if path.exists():
        raise WireError(f"{path} is there already: take another name, or remove it")
    beside = path.with_name(f"{path.stem}.schema.json")
    path.write_text(template(name=path.name, schema=beside.name), encoding="utf-8")
    beside.write_text(json.dumps(campaign_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return [path, beside]


def campaign_schema() -> dict[str, Any]:
    """The campaign file as a JSON schema (draft 7): what editors complete and check while one types."""
    from aiida_mlhull.engines import ENGINES
    from aiida_mlhull.job_pool.settings import JobSettings
    from aiida_mlhull.science.models import MODELS
    from aiida_mlhull.science.triage import RULES

    schema = _with_words(CampaignFile.model_json_schema(mode="validation"), CampaignFile)
    definitions = schema.setdefault("$defs", {})
    for kind in (CandidatesSource, ReferencesSource):
        definitions[kind.__name__] = _with_words(definitions[kind.__name__], kind)
    settings = _with_words(CampaignSettings.model_json_schema(mode="validation"), CampaignSettings)
    definitions |= settings.pop("$defs")
    definitions["StageSettings"] = _with_words(definitions["StageSettings"], StageSettings)
    definitions["StageSettings"]["properties"]["engine"]["enum"] = list(ENGINES)
    definitions["GateSettings"]["properties"]["rule"]["enum"] = list(RULES)
    definitions["EnsembleSettings"]["properties"]["model"]["enum"] = list(MODELS)
    definitions["StageChanges"] = {**definitions["StageSettings"], "required": [], "title": "StageChanges"}
    by_name = {"type": "object", "additionalProperties": {"$ref": "#/$defs/StageChanges"}}
    stages = settings["properties"]["stages"]
    settings["properties"]["stages"] = {"anyOf": [stages, by_name]}
    keys = schema["properties"]
    keys["overrides"] = {**settings, "required": [], "title": "Overrides"}
    keys["jobs"] = _with_words(JobSettings.model_json_schema(mode="validation"), JobSettings)
    keys["protocol"]["enum"] = protocol_names()
    place = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/CandidatesSource"}]}
    keys["candidates"] = {"anyOf": [*place["anyOf"], {"type": "array", "items": place, "minItems": 1}]}
    keys["references"] = {"anyOf": [{"type": "string"}, {"$ref": "#/$defs/ReferencesSource"}]}
    for key, words in described(CampaignFile).items():
        keys[key]["description"] = _sentence(words)
    return {"$schema": SCHEMA_URL, **schema}


def _jobs() -> dict[str, Any]:
    from aiida_mlhull.job_pool.settings import JobSettings

    return JobSettings().model_dump()


def _with_words(schema: dict[str, Any], kind: type[BaseModel]) -> dict[str, Any]:
    """The schema with the docstring's words at every key."""
    for key, words in described(kind).items():
        schema["properties"][key].setdefault("description", _sentence(words))
    return schema


def _sentence(words: str) -> str:
    """Words of a docstring as a sentence of a page."""
    return words[:1].upper() + words[1:].replace("``", "'").replace("None", "null")


def _comment(words: str) -> list[str]:
    return [f"# {line}" for line in wrap(words, width=WIDTH)]
