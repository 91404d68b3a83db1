"""Calculations that exist already, as results of a campaign's stages: files, folders of VASP, groups, earlier campaigns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from aiida_mlhull.science.errors import InputError, MixedSchemesError, SettingsError, listed
from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
from aiida_mlhull.science.reading.levels.level_runs import holds_runs, read_level_runs
from aiida_mlhull.science.reading.levels.staged import read_level
from aiida_mlhull.science.types.reasons import Reason, with_detail

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.campaign.file import ResultsSource
    from aiida_mlhull.science.reading.levels.level import Level
    from aiida_mlhull.science.types import Candidates, Labels, References

WRITTEN: Final = ("vasprun.xml", "OUTCAR")
"""What is read of a finished calculation in the graph."""


def existing_results(
    sources: Mapping[str, ResultsSource], candidates: Candidates, references: References, settings: CampaignSettings
) -> tuple[dict[str, Labels], list[str]]:
    """Results that the stages begin with, and what is to be said of them; rows are told by the candidates' ids.

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
    from aiida_mlhull.science.reading.levels.level import labels_of
    from aiida_mlhull.science.schemes import difference, same_scheme

    stages = {stage.name: stage for stage in settings.stages}
    unknown = sorted(set(sources) - set(stages))
    if unknown:
        raise SettingsError(f"results of {listed(unknown)}, but the stages are {listed(stages)}")
    found, remarks = {}, []
    for name, source in sources.items():
        level = _level(source, stage=name, scheme=source.scheme or references.scheme)
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
    return found, remarks


def _level(source: ResultsSource, *, stage: str, scheme: str) -> Level:
    from aiida_mlhull.launching.materials.levels import of_campaign, of_group
    from aiida_mlhull.launching.stored import in_group

    if source.file is not None:
        if source.file.is_dir() and holds_runs(source.file):
            return _of_runs(source.file, source)
        return read_level(source.file, scheme=scheme, bad_rows="leave_out")
    if source.campaign is not None:
        return _called(of_campaign(source.campaign), stage)
    from aiida import orm

    label = str(source.group)
    chains = in_group(label, orm.WorkChainNode)
    return (
        _of_chains(chains, source) if chains else _called(of_group(label, bad_rows="leave_out", scheme=scheme), stage)
    )


def _called(levels: list[Level], stage: str) -> Level:
    """The only level, or that of the stage's name."""
    named = levels if len(levels) == 1 else [level for level in levels if level.name == stage]
    if not named:
        raise InputError(f"no level is called {stage}; there are {listed(level.name for level in levels)}")
    return named[0]


def _of_runs(folder: Path, source: ResultsSource) -> Level:
    """VASP's calculations, their energies corrected and their scheme told as those of references are."""
    from aiida_mlhull.science.reading.phases.vasp_runs import load_runs
    from aiida_mlhull.science.reading.references import from_loaded
    from aiida_mlhull.science.representations.composition import SYMBOLS

    level = read_level_runs(folder, scheme="", bad_rows="leave_out")
    known = from_loaded(
        folder.name,
        load_runs(folder),
        scheme=source.scheme or AS_PUBLISHED,
        corrections=source.corrections,
        guesses="keep",
        elsewhere=frozenset(SYMBOLS),
    )
    energies = np.full(len(level.energies), np.nan)
    there = np.isin(level.sieve.ids, known.references.ids)
    energies[there] = known.references.energies[known.references.positions(level.sieve.ids[there])]
    lost = with_detail(Reason.ENGINE_ERROR, "its energy can't be told from those of other settings")
    failures = np.where((level.failures == "") & ~there, lost, level.failures)
    return replace(level, energies=energies, failures=failures, scheme=known.references.scheme)


def _of_chains(chains: list[orm.WorkChainNode], source: ResultsSource) -> Level:
    """Finished WorkChains of VASP: what their last calculations left is read as a folder of such files is.

    Candidates are told by the label of the structure that went in, or of the WorkChain; of several of one label the newest
    counts.

    Raises:
        InputError: if none has such files and a label.
    """
    found, remarks = _files_of(chains)
    if not found:
        raise InputError(
            f"group {source.group!r}: no WorkChain in it has a label, or a structure with one, and a calculation "
            f"that left {WRITTEN[0]}"
        )
    with TemporaryDirectory() as name:
        for label, files in found.items():
            place = Path(name) / label
            place.mkdir(parents=True, exist_ok=True)
            for written in set(WRITTEN) & set(files.list_object_names()):
                (place / written).write_bytes(files.get_object_content(written, mode="rb"))
        level = _of_runs(Path(name), source)
    return replace(level, remarks=(*level.remarks, *remarks))


def _files_of(chains: list[orm.WorkChainNode]) -> tuple[dict[str, Any], list[str]]:
    """What WorkChains' last calculations left, by candidate, and which WorkChains are not among them."""
    found: dict[str, Any] = {}
    older, unusable = [], []
    for chain in sorted(chains, key=lambda one: one.pk or 0, reverse=True):
        given: Any = chain.inputs.structure if "structure" in chain.inputs else chain
        label, files = given.label or chain.label, _files_left(chain)
        if files is None or not _is_relative(label):
            unusable.append(chain.pk)
        elif label in found:
            older.append(chain.pk)
        else:
            found[label] = files
    remarks = [f"{len(unusable)} WorkChains left no {WRITTEN[0]}, or name no candidate: {listed(unusable)}"]
    remarks += [f"{len(older)} WorkChains are older than another one of the same candidate: {listed(older)}"]
    return found, [line for line, rows in zip(remarks, (unusable, older), strict=True) if rows]


def _files_left(chain: orm.WorkChainNode) -> Any:
    """The repository with what is read of a WorkChain's last calculation; None if there is none."""
    from aiida import orm

    jobs = [
        node for node in chain.called_descendants if isinstance(node, orm.CalcJobNode) and "retrieved" in node.outputs
    ]
    if not jobs:
        return None
    files = max(jobs, key=lambda job: job.pk or 0).outputs.retrieved.base.repository
    return files if set(WRITTEN) & set(files.list_object_names()) else None


def _is_relative(label: str) -> bool:
    """Whether a label is a path inside of any folder, as ids of folders' calculations are."""
    path = PurePosixPath(label)
    return bool(path.parts) and not path.is_absolute() and ".." not in path.parts
