"""The campaign file: one YAML that says what to screen, against what, and how.

.. code-block:: yaml

    name: pnictides
    protocol: laptop
    seed: 1
    candidates: candidates.parquet
    references:
      file: references.parquet
      elements: elements.json
      scheme: PBE, as in the record
    overrides:
      start: 0.05

Paths are relative to the file. Everything is checked on reading; nothing here knows AiiDA.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import Field, field_validator

from aiida_mlhull.science.campaign.settings import CampaignSettings, Strict, campaign_settings, validated
from aiida_mlhull.science.candidates.faults import BadRows
from aiida_mlhull.science.candidates.intake import AS_PUBLISHED
from aiida_mlhull.science.errors import SettingsError, WireError, listed

DEFAULT_PROTOCOL: Final = "laptop"
DEFAULT_CODE: Final = "mlhull-job@localhost"


class ReferencesFile(Strict):
    """Where the known phases are.

    Attributes:
        file: table or JSON of known phases, the elements among them or in ``elements``.
        elements: JSON object, element to eV/atom.
        scheme: functional, settings and correction scheme of these energies (and of a record) in words.
            Results of the last stage must be of the same.
    """

    file: Path
    elements: Path | None = None
    scheme: str = Field(default=AS_PUBLISHED, min_length=1)


class CampaignFile(Strict):
    """What the YAML of a campaign may say.

    Attributes:
        name: what the campaign is called in the graph; the protocol's if None.
        protocol: the settings to start from.
        seed: the only source of chance; the protocol's if None.
        candidates: files or folders of candidates.
        bad_rows: whether rows that can't be used are an error (``refuse``) or left out and counted.
        references: known phases; a bare path stands for its ``file``.
        record: published results for the engine ``recorded``; if None they are taken from the candidates.
        code: AiiDA's name of the program ``mlhull-job``.
        jobs: sizes and limits of jobs that differ from the defaults.
        overrides: campaign settings that differ from the protocol's; mappings are merged, lists replaced.
    """

    name: str | None = Field(default=None, min_length=1)
    protocol: str = DEFAULT_PROTOCOL
    seed: int | None = Field(default=None, ge=0)
    candidates: tuple[Path, ...] = Field(min_length=1)
    bad_rows: BadRows = "refuse"
    references: ReferencesFile
    record: Path | None = None
    code: str = DEFAULT_CODE
    jobs: dict[str, Any] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)

    @field_validator("candidates", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str | Path) else value

    @field_validator("references", mode="before")
    @classmethod
    def _bare_path(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str | Path) else value

    def settings(self) -> CampaignSettings:
        """The campaign's settings: the protocol's, and what this file says instead.

        Raises:
            SettingsError: if they don't add up, or something is said twice.
            UnknownNameError: if a protocol, model or rule doesn't exist.
        """
        return campaign_settings(self.differences(), protocol=self.protocol)

    def differences(self) -> dict[str, Any]:
        """What this file says instead of the protocol, name and seed included.

        Raises:
            SettingsError: if something is said twice.
        """
        own = {key: value for key in ("name", "seed") if (value := getattr(self, key)) is not None}
        twice = sorted(set(own) & set(self.overrides))
        if twice:
            raise SettingsError(f"said twice, beside and within overrides: {listed(twice)}; drop one of the two")
        return {**self.overrides, **own}

    def paths(self) -> tuple[Path, ...]:
        """Every file or folder that this one names."""
        named = (*self.candidates, self.references.file, self.references.elements, self.record)
        return tuple(path for path in named if path is not None)


def read_campaign_file(path: Path) -> CampaignFile:
    """Read and check a campaign file.

    Args:
        path: the YAML file; paths in it are relative to its folder.

    Returns:
        The file's content with absolute paths.

    Raises:
        WireError: if the file, or one that it names, is missing or can't be read.
        SettingsError: if it is not valid; the message names every wrong key.
        UnknownNameError: if a protocol, model or rule doesn't exist; the message lists the known ones.
    """
    content = _anchored(read_mapping(path), path.resolve().parent)
    checked = validated(CampaignFile, content, what=path.name)
    missing = [str(named) for named in checked.paths() if not named.exists()]
    if missing:
        raise WireError(f"{path.name} names files that don't exist: {listed(missing)}")
    checked.settings()
    return checked


def read_mapping(path: Path) -> Mapping[str, Any]:
    """Keys and values of a YAML file, not checked yet.

    Raises:
        WireError: if the file is missing or can't be read.
        SettingsError: if it holds something else than keys and values.
    """
    try:
        content = yaml.safe_load(path.read_text())
    except OSError as error:
        raise WireError(f"{path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise WireError(f"{path} is not a text file") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise SettingsError(f"{path.name}{where} is not valid YAML: {getattr(error, 'problem', error)}") from error
    if content is None:
        raise SettingsError(f"{path.name} is empty")
    if not isinstance(content, Mapping):
        raise SettingsError(f"{path.name} holds a {type(content).__name__}, expected keys and values")
    return content


def _anchored(content: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """``content`` with its paths made absolute; values of a wrong type are left for the check."""
    anchored = dict(content)
    given = anchored.get("candidates")
    if isinstance(given, list):
        anchored["candidates"] = [_absolute(item, folder) for item in given]
    else:
        anchored["candidates"] = _absolute(given, folder)
    if given is None:
        anchored.pop("candidates")
    if "record" in anchored:
        anchored["record"] = _absolute(anchored["record"], folder)
    references = anchored.get("references")
    if isinstance(references, Mapping):
        paths = {key: _absolute(references[key], folder) for key in ("file", "elements") if key in references}
        anchored["references"] = {**references, **paths}
    elif references is not None:
        anchored["references"] = _absolute(references, folder)
    return anchored


def _absolute(value: Any, folder: Path) -> Any:
    return folder / Path(value).expanduser() if isinstance(value, str) else value
