"""Calculations that exist already, as results of a campaign's stages: files, folders of VASP, groups, earlier campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from aiida_mlhull.science.errors import InputError, MixedSchemesError, SettingsError, listed
from aiida_mlhull.science.reading.levels.level_runs import holds_runs
from aiida_mlhull.science.reading.levels.staged import read_level

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import LabelsData
    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.campaign.file import ResultsSource
    from aiida_mlhull.science.reading.levels.level import Level
    from aiida_mlhull.science.types import Candidates, Labels, References


@dataclass(frozen=True)
class FinishedRuns:
    """Calculations in the graph that a stage's results are read from.

    Attributes:
        folders: what they left, by the candidates' ids.
        settings: how it is read, for :func:`~aiida_mlhull.calculations.gathering.gather_results`.
    """

    folders: Mapping[str, orm.FolderData]
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class StoredTables:
    """Tables in the graph that a stage's results are taken from.

    Attributes:
        tables: of results; of a candidate in several of them the first counts.
        settings: what is said of them, for :func:`~aiida_mlhull.calculations.gathering.gather_tables`.
    """

    tables: Sequence[LabelsData]
    settings: Mapping[str, Any]


class ExistingResults(NamedTuple):
    """Results that stages begin with.

    Attributes:
        labels: by the stage's name.
        remarks: what is to be said of them.
        origins: what in the graph they were read from, of the stages where it was so.
    """

    labels: dict[str, Labels]
    remarks: list[str]
    origins: dict[str, FinishedRuns | StoredTables]


def existing_results(
    sources: Mapping[str, ResultsSource], candidates: Candidates, references: References, settings: CampaignSettings
) -> ExistingResults:
    """Results that the stages begin with; rows are told by the candidates' ids.

    Args:
        sources: where they are, by the stage's name.
        candidates: of the campaign.
        references: known phases, whose scheme the last stage's results have to have.
        settings: of the campaign.

    Raises:
        SettingsError: if there is no such stage.
        MixedSchemesError: if the last stage's energies can't meet the references.
        InputError: if a source holds nothing of the candidates.
    """
    from aiida_mlhull.science.reading.levels.level import labels_of, level_of_labels
    from aiida_mlhull.science.schemes import difference, same_scheme

    stages = {stage.name: stage for stage in settings.stages}
    unknown = sorted(set(sources) - set(stages))
    if unknown:
        raise SettingsError(f"results of {listed(unknown)}, but the stages are {listed(stages)}")
    found, remarks = {}, []
    origins: dict[str, FinishedRuns | StoredTables] = {}
    for name, source in sources.items():
        chains, (word, tables) = _chains(source), _tables(source)
        if chains:
            folders, left = _folders_of(chains, source, candidates)
            level = _of_folders(folders, source, remarks=left)
            how = {"scheme": source.scheme, "corrections": source.corrections}
            origins[name] = FinishedRuns(folders, {"stage": name, "engine": stages[name].engine, **how})
        elif tables:
            theirs, nodes = _called(tables, name)
            level = level_of_labels([node.to_science() for node in nodes], name=theirs, source=word)
            how = {"of_stage": theirs, "source": word}
            origins[name] = StoredTables(nodes, {"stage": name, "engine": stages[name].engine, **how})
        else:
            level = _level(source, scheme=source.scheme or references.scheme)
        labels, said = labels_of(level, candidates)
        last = name == settings.stages[-1].name
        if last and not same_scheme(labels.scheme, references.scheme):
            raise MixedSchemesError(
                f"results of {name} are {labels.scheme!r}, references {references.scheme!r} "
                f"({difference(labels.scheme, references.scheme)}): energies of different schemes don't meet in one "
                "hull; say how they were made with 'scheme', or have them corrected with 'corrections', beside the source"
            )
        found[name] = replace(labels, stage=name, engine=stages[name].engine)
        good = int(labels.succeeded.sum())
        remarks += [f"stage {name} begins with {good:,} results and {len(labels) - good:,} failures", *said]
    return ExistingResults(found, remarks, origins)


def _chains(source: ResultsSource) -> list[Any]:
    """WorkChains in the group that a source names, if it names one."""
    from aiida import orm

    from aiida_mlhull.launching.stored import in_group

    return [] if source.group is None else in_group(source.group, orm.WorkChainNode)


def _tables(source: ResultsSource) -> tuple[str, dict[str, list[LabelsData]]]:
    """What a source in the graph is called, and its tables of results by their stages; none of another source."""
    from aiida_mlhull.launching.materials.levels import tables_of_campaign, tables_of_group

    if source.campaign is not None:
        return tables_of_campaign(source.campaign)
    return ("", {}) if source.group is None else tables_of_group(source.group)


def _level(source: ResultsSource, *, scheme: str) -> Level:
    from aiida_mlhull.launching.materials.levels import of_group
    from aiida_mlhull.science.reading.levels.known_runs import read_known_runs

    if source.file is not None:
        if source.file.is_dir() and holds_runs(source.file):
            return read_known_runs(source.file, scheme=source.scheme, corrections=source.corrections)
        return read_level(source.file, scheme=scheme, bad_rows="leave_out")
    (level,) = of_group(str(source.group), bad_rows="leave_out", scheme=scheme)  # structures
    return level


def _called(tables: Mapping[str, list[LabelsData]], stage: str) -> tuple[str, list[LabelsData]]:
    """The only stage's, or those of the stage's name."""
    name = next(iter(tables)) if len(tables) == 1 else stage
    if name not in tables:
        raise InputError(f"no level is called {stage}; there are {listed(tables)}")
    return name, tables[name]


def _of_folders(folders: Mapping[str, orm.FolderData], source: ResultsSource, *, remarks: list[str]) -> Level:
    from aiida_mlhull.calculations.gathering import read_folders

    level = read_folders(folders, scheme=source.scheme, corrections=source.corrections)
    return replace(level, remarks=(*level.remarks, *remarks))


def _folders_of(
    chains: list[orm.WorkChainNode], source: ResultsSource, candidates: Candidates
) -> tuple[dict[str, orm.FolderData], list[str]]:
    """What WorkChains' last calculations left, by candidate, and which WorkChains are not among them.

    Candidates are told by the label of the structure that went in, or of the WorkChain; of several of one label the newest
    counts.

    Raises:
        InputError: if none has such files and the label of a candidate.
    """
    from aiida_mlhull.calculations.gathering import WRITTEN

    found: dict[str, orm.FolderData] = {}
    older, unusable, strangers = [], [], {}
    own = set(candidates.ids.tolist())
    for chain in sorted(chains, key=lambda one: one.pk or 0, reverse=True):
        given: Any = chain.inputs.structure if "structure" in chain.inputs else chain
        label, folder = given.label or chain.label, _folder_left(chain)
        if folder is None or not _is_relative(label):
            unusable.append(chain.pk)
        elif label not in own:
            strangers[chain.pk] = label
        elif label in found:
            older.append(chain.pk)
        else:
            found[label] = folder
    if not found:
        others = f"; those that have both are of no candidate: {listed(strangers.values(), 3)}" if strangers else ""
        raise InputError(
            f"group {source.group!r}: no WorkChain in it has the label of a candidate ({listed(sorted(own), 3)}), or a "
            f"structure with one, and a calculation that left {' or '.join(WRITTEN)}{others}"
        )
    remarks = {
        f"{len(unusable)} WorkChains left no {WRITTEN[0]}, or name no candidate: {listed(unusable)}": unusable,
        f"{len(strangers)} WorkChains are of no candidate: {listed(strangers.values())}": strangers,
        f"{len(older)} WorkChains are older than another one of the same candidate: {listed(older)}": older,
    }
    return found, [line for line, rows in remarks.items() if rows]


def _folder_left(chain: orm.WorkChainNode) -> orm.FolderData | None:
    """What a WorkChain's last calculation left; None if nothing of it is read."""
    from aiida import orm

    from aiida_mlhull.calculations.gathering import WRITTEN

    jobs = [
        node for node in chain.called_descendants if isinstance(node, orm.CalcJobNode) and "retrieved" in node.outputs
    ]
    if not jobs:
        return None
    folder: orm.FolderData = max(jobs, key=lambda job: job.pk or 0).outputs.retrieved
    return folder if set(WRITTEN) & set(folder.base.repository.list_object_names()) else None


def _is_relative(label: str) -> bool:
    """Whether a label is a path inside of any folder, as ids of folders' calculations are."""
    path = PurePosixPath(label)
    return bool(path.parts) and path.as_posix() == label and not path.is_absolute() and ".." not in path.parts
