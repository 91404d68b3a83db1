"""The campaign file: one YAML file: what to screen, against what, and how.

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
      start: 5%
      stages:
        final: {gate: {batch: 20}}

Paths are relative to the file. What is stored already is named instead of a file: ``references: {node: 117}``,
``candidates: [new.parquet, {group: substituted}]``. Everything is checked on reading; nothing here knows AiiDA,
so whether such a node exists is only known when it is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, TypeVar

import yaml
from pydantic import BeforeValidator, Field, WithJsonSchema, field_validator, model_validator

from aiida_mlhull.science.campaign.recipes import RecipesRequest
from aiida_mlhull.science.campaign.settings import CampaignSettings, EnsembleName, campaign_settings
from aiida_mlhull.science.errors import MlhullError, Problems, SettingsError, WireError, listed
from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
from aiida_mlhull.science.reading.phases.mp2020 import Guesses
from aiida_mlhull.science.reading.phases.resolution import Corrections
from aiida_mlhull.science.reading.phases.shipped import SHIPPED
from aiida_mlhull.science.reading.sieve import BadRows
from aiida_mlhull.science.types.strict import Strict, keys_in, validated

DEFAULT_PROTOCOL: Final = "potential"
"""Needs nothing but crystals and competing phases: no record, no code of another program."""
DEFAULT_CODE: Final = "mlhull-job@localhost"


S = TypeVar("S", bound=Strict)


class CandidatesSource(Strict):
    """Where candidates are: exactly one of the three.

    Attributes:
        file: file or folder.
        node: pk, UUID or label of a stored ``mlhull.candidates``.
        group: label of a group of such nodes, or of structures.
    """

    file: Path | None = None
    node: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)
    group: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _one_place(self) -> CandidatesSource:
        return _only_one(self, "file", "node", "group")


class RecordSource(Strict):
    """Where published results are: exactly one of the four.

    Attributes:
        file: table of candidates with relaxed cells and energies, for one stage.
        levels: a file or folder for every stage that looks results up, cheapest first; or one table with a column
            ``stage``. See :mod:`aiida_mlhull.science.reading.levels`.
        campaign: pk, UUID or label of an earlier campaign, whose results are looked up stage by stage.
        group: label of a group of ``mlhull.labels``, one stage or several.
    """

    file: Path | None = None
    levels: tuple[Path, ...] | None = Field(default=None, min_length=1)
    campaign: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)
    group: str | None = Field(default=None, min_length=1)

    @field_validator("levels", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str | Path) else value

    @model_validator(mode="after")
    def _one_place(self) -> RecordSource:
        return _only_one(self, "file", "levels", "campaign", "group")

    @property
    def paths(self) -> tuple[Path, ...]:
        """Files and folders."""
        return tuple(filter(None, (self.file, *(self.levels or ()))))


class ResultsSource(Strict):
    """Where calculations are that exist already, for one stage: exactly one of the first three.

    Attributes:
        file: folder of VASP's calculations (one folder a candidate, named by its id), or a table or file of structures
            with their energies; see :mod:`aiida_mlhull.science.reading.levels`.
        group: label of a group of ``mlhull.labels``, of finished WorkChains of VASP, or of structures with energies.
        campaign: pk, UUID or label of an earlier campaign.
        scheme: of the energies where the source doesn't say it: an id, or words; the references' if empty.
        corrections: what becomes of the energies of VASP's calculations; None takes them as they are.
    """

    file: Path | None = None
    group: str | None = Field(default=None, min_length=1)
    campaign: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)
    scheme: str = ""
    corrections: Corrections | None = None

    @model_validator(mode="after")
    def _one_place(self) -> ResultsSource:
        return _only_one(self, "file", "group", "campaign")


class ReferencesSource(Strict):
    """Where the known phases are: in a file, in a node that says everything itself, or in the package.

    Attributes:
        file: table or JSON of known phases, the elements among them or in ``elements``.
        elements: JSON object, element to eV/atom.
        scheme: functional, settings and correction scheme of these energies (and of a record): an id, or words.
            Results of the last stage must be of the same.
        corrections: what becomes of the energies of computed entries; None takes them as they stand in the file.
        only: functional (``PBE``) or thermo type of the Materials Project (``GGA_GGA+U``) that is taken from the file.
        guesses: what becomes of entries without a structure whose correction depends on it: ``leave_out`` or ``keep``.
        node: pk, UUID or label of a stored ``mlhull.references``.
        shipped: name of phases that come with the package: ``mp-elements``, 89 elements of the Materials Project.
    """

    file: Path | None = None
    elements: Path | None = None
    scheme: str = Field(default=AS_PUBLISHED, min_length=1)
    corrections: Corrections | None = None
    only: str = ""
    guesses: Guesses = "leave_out"
    node: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)
    shipped: str | None = None

    @model_validator(mode="after")
    def _one_place(self) -> ReferencesSource:
        own = self.shipped or self.node
        also = sorted(self.model_fields_set - {"node", "shipped"})
        if own is not None and self.file is None and also:
            raise ValueError(f"a node holds all of this itself; {listed(also)} belongs to a file")
        if self.shipped is not None and self.shipped not in SHIPPED:
            raise ValueError(f"the package ships no {self.shipped!r}; it ships {', '.join(SHIPPED)}")
        return _only_one(self, "file", "node", "shipped")


def pks_as_text(value: Any) -> Any:
    """Pks, alone or in mappings, as the text that UUIDs and labels are."""
    if isinstance(value, Mapping):
        return {key: pks_as_text(word) for key, word in value.items()}
    return str(value) if isinstance(value, int) else value


def _only_one(source: S, *places: str) -> S:
    """``source`` itself, if it names exactly one of these places."""
    named = [place for place in places if getattr(source, place) is not None]
    if len(named) != 1:
        raise ValueError(f"name exactly one of {', '.join(places)} (here: {', '.join(named) or 'none'})")
    return source


def _in_a_file(place: Any) -> Any:
    """What a bare path stands for."""
    return {"file": place} if isinstance(place, str | Path) else place


def _at_places(places: Any) -> Any:
    """What one place, or bare paths among several, stand for."""
    return [_in_a_file(place) for place in (places if isinstance(places, list | tuple) else [places])]


CandidatesSources = Annotated[tuple[CandidatesSource, ...], BeforeValidator(_at_places)]
ReferencesPlace = Annotated[ReferencesSource, BeforeValidator(_in_a_file)]
EnsemblesOfProperties = dict[EnsembleName, Annotated[str, WithJsonSchema({"type": ["string", "integer"]})]]
ResultsPlace = Annotated[ResultsSource, BeforeValidator(_in_a_file)]


class CampaignFile(Strict):
    """What the YAML of a campaign may say.

    Attributes:
        name: what the campaign is called in the graph; the protocol's if None.
        protocol: the settings to start from; ``aiida-mlhull protocols list`` names them.
        seed: the only source of chance; the protocol's if None.
        candidates: where candidates are, at one place or several; a bare path stands for a ``file``.
        bad_rows: whether rows that can't be used are an error (``refuse``) or left out and counted.
        references: known phases; a bare path stands for its ``file``.
        record: published results for the engine ``recorded``; a bare path stands for its ``file``, a list of paths
            for its ``levels``; if None they are taken from the candidates.
        results: calculations that exist already, by the stage whose results they are, ``{STAGE: FOLDER}``: none of them is
            done again, and models learn from them. Rows are told by the candidates' ids.
        parent: pk, UUID or label of a stored ``mlhull.ensemble`` whose members all ensembles begin with;
            ``overrides`` then say how, in ``ensemble: {transfer: {mode: full}}``.
        parents: the same gate by gate, ``{STAGE: NODE}``, or one word for all gates: an ensemble, ``campaign:PK`` for the
            last ensemble of the same gate of an earlier campaign, or ``auto`` for that of the most related campaign. Of
            several ensembles, ``{STAGE: {NAME: NODE}}``; one word is for all that don't start from scratch.
        properties: ensembles of other properties than energies, ``{gap: PK}``, by pk, UUID or label of a ``mlhull.ensemble``
            that was fitted before: their predictions are reported, and gates may ``require`` something of them.
        warm: earlier campaigns, ``[campaign:PK, ...]``, whose labels at the same stages models learn from as well.
        code: AiiDA's name of the program ``mlhull-job``.
        jobs: sizes and limits of jobs that differ from the defaults.
        engines: what engines take from here, by their names: ``{vasp: {code: vasp@cluster, ...}}``.
        overrides: campaign settings that differ from the protocol's; mappings are merged, lists replaced, and stages
            may be named: ``{start: 5%, stages: {final: {gate: {batch: 20}}}}``.
        recipes: what to ask for the phases that are found, when the campaign ends; ``{}`` for all defaults.
    """

    name: str | None = Field(default=None, min_length=1)
    protocol: str = DEFAULT_PROTOCOL
    seed: int | None = Field(default=None, ge=0)
    candidates: CandidatesSources = Field(min_length=1)
    bad_rows: BadRows = "refuse"
    references: ReferencesPlace
    record: RecordSource | None = None
    results: dict[str, ResultsPlace] = Field(default_factory=dict)
    parent: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)
    parents: str | dict[str, str | dict[str, str]] | None = None
    properties: EnsemblesOfProperties = Field(default_factory=dict)
    warm: tuple[str, ...] = ()
    code: str = DEFAULT_CODE
    jobs: dict[str, Any] = Field(default_factory=dict)
    engines: dict[str, dict[str, Any]] = Field(default_factory=dict)
    overrides: dict[str, Any] = Field(default_factory=dict)
    recipes: RecipesRequest | None = None

    @field_validator("record", mode="before")
    @classmethod
    def _path_or_paths(cls, value: Any) -> Any:
        return {"levels": value} if isinstance(value, list | tuple) else _in_a_file(value)

    @field_validator("warm", mode="before")
    @classmethod
    def _one_or_several(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("parents", "properties", mode="before")
    @classmethod
    def _pks_as_text(cls, value: Any) -> Any:
        return pks_as_text(value)

    def settings(self) -> CampaignSettings:
        """The campaign's settings: the protocol's, with this file's overrides.

        Raises:
            SettingsError: if they don't add up, a model or rule doesn't exist, or something is said twice.
            UnknownNameError: if the protocol doesn't exist.
        """
        return campaign_settings(self.differences(), protocol=self.protocol)

    def differences(self) -> dict[str, Any]:
        """This file's overrides of the protocol, name and seed included.

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
        named = (
            *(place.file for place in self.candidates),
            self.references.file,
            self.references.elements,
            *(self.record.paths if self.record is not None else ()),
            *(place.file for place in self.results.values()),
            None if self.recipes is None or self.recipes.literature is None else self.recipes.literature.file,
        )
        return tuple(path for path in named if path is not None)


def read_campaign_file(path: Path) -> CampaignFile:
    """Read and check a campaign file.

    Args:
        path: the YAML file; paths in it are relative to its folder.

    Returns:
        The file's content with absolute paths.

    Raises:
        WireError: if the file, or one that it names, is missing or can't be read.
        SettingsError: if it is not valid; the message names every wrong key, and lists the models or rules there
            are where one doesn't exist.
        UnknownNameError: if the protocol doesn't exist; the message lists the known ones.
    """
    return check_campaign(read_mapping(path), folder=path.resolve().parent, name=path.name)


def check_campaign(content: Mapping[str, Any], *, folder: Path, name: str = "campaign") -> CampaignFile:
    """Check what a campaign file holds, wherever it comes from.

    Args:
        content: keys and values, as in the file.
        folder: that its paths are relative to.
        name: of the file, for messages.

    Returns:
        The content with absolute paths.

    Raises:
        WireError: if a file that it names is missing.
        SettingsError: if it is not valid; the message names every wrong key, and lists the models or rules there
            are where one doesn't exist.
        UnknownNameError: if the protocol doesn't exist; the message lists the known ones.
    """
    problems, anchored = Problems(), _anchored(content, folder)
    with problems:
        checked = validated(CampaignFile, anchored, what=name)
    if problems.found:
        checked = validated(CampaignFile, _sound_part(anchored, problems.found[0], folder), what=name)
    with problems:
        missing = [str(path) for path in checked.paths() if not path.exists()]
        if missing:
            raise WireError(f"{name} names files that don't exist: {listed(missing)}")
    with problems:
        checked.settings()
    problems.refuse_any()
    return checked


def _sound_part(content: Mapping[str, Any], error: MlhullError, folder: Path) -> dict[str, Any]:
    """A file without the keys that an error is about, so that the others can be checked in the same go."""
    needed = {
        key: {"file": folder} for key in ("candidates", "references")
    }  # a folder that exists raises no other error
    wrong = keys_in(error)
    return needed | {key: value for key, value in content.items() if key not in wrong}


def read_mapping(path: Path) -> Mapping[str, Any]:
    """Keys and values of a YAML file, not checked yet.

    Raises:
        WireError: if the file is missing or can't be read.
        SettingsError: if it holds something else than keys and values.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
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
    places = anchored.get("candidates")
    if isinstance(places, list | tuple):
        anchored["candidates"] = [_place(item, folder) for item in places]
    elif places is not None:
        anchored["candidates"] = _place(places, folder)
    else:
        anchored.pop("candidates", None)
    if anchored.get("record") is not None:
        anchored["record"] = _record(anchored["record"], folder)
    if "results" in anchored:
        anchored["results"] = results_in(anchored["results"], folder)
    if anchored.get("references") is not None:
        anchored["references"] = _place(anchored["references"], folder)
    asked = anchored.get("recipes")
    if isinstance(asked, Mapping) and "literature" in asked:
        anchored["recipes"] = {**asked, "literature": _place(asked["literature"], folder)}
    return anchored


def results_in(places: Any, folder: Path) -> Any:
    """Where existing results are, with absolute paths; anything but a mapping is left for the check."""
    return {stage: _place(place, folder) for stage, place in places.items()} if isinstance(places, Mapping) else places


def _record(value: Any, folder: Path) -> Any:
    """A path, a list of paths, or a mapping with these in it."""
    if isinstance(value, list | tuple):
        return [_absolute(item, folder) for item in value]
    if isinstance(value, Mapping):
        return {key: _record(item, folder) if key in {"file", "levels"} else item for key, item in value.items()}
    return _absolute(value, folder)


def _place(value: Any, folder: Path) -> Any:
    """A path, or a mapping with paths in it."""
    if not isinstance(value, Mapping):
        return _absolute(value, folder)
    paths = {key: _absolute(value[key], folder) for key in ("file", "elements") if key in value}
    return {**value, **paths}


def _absolute(value: Any, folder: Path) -> Any:
    return folder / Path(value).expanduser() if isinstance(value, str | Path) else value
