"""What a campaign is given: read from files, checked whole, and only then stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.science.errors import InputError, listed

if TYPE_CHECKING:
    from aiida.engine import ProcessBuilder

    from aiida_mlhull.science.campaign import CampaignSettings
    from aiida_mlhull.science.candidates.faults import BadRows
    from aiida_mlhull.science.types import Candidates, Labels, References

RECORDED: Final = "recorded"


@dataclass(frozen=True)
class Given:
    """The nouns that a campaign starts from, and what was said while reading them.

    Attributes:
        candidates: all of them, in one table.
        references: known phases that can matter to the candidates, the elements among them.
        record: published results; None if there are none.
        remarks: lines for people: rows read, used, left out and why.
    """

    candidates: Candidates
    references: References
    record: Labels | None
    remarks: tuple[str, ...] = ()


def read(
    candidates: tuple[Path, ...],
    references: Path,
    *,
    elements: Path | None = None,
    record: Path | None = None,
    bad_rows: BadRows = "refuse",
    scheme: str | None = None,
) -> Given:
    """Read everything that a campaign is given.

    Args:
        candidates: files or folders; their ids must not meet.
        references: known phases.
        elements: elemental references, if they stand in a file of their own.
        record: published results; the candidates' own if None.
        bad_rows: whether candidates that can't be used are an error, or left out and counted.
        scheme: functional, settings and corrections of references and record, as far as known.

    Raises:
        WireError: if a file can't be read.
        InputError: if what it holds can't be used; the message names the rows.
    """
    from aiida_mlhull.science.candidates.competing import read_references, relevant
    from aiida_mlhull.science.candidates.intake import AS_PUBLISHED, read_candidates
    from aiida_mlhull.science.types import concatenate

    said = scheme or AS_PUBLISHED
    intakes = [read_candidates(path, bad_rows=bad_rows, scheme=said) for path in candidates]
    whole = concatenate([intake.candidates for intake in intakes])
    # Single lines of a large reference file that nobody can use are no reason to stop a campaign.
    known = read_references(references, elements=elements, bad_rows="leave_out", scheme=said)
    published = None
    if record is not None:
        published = read_candidates(record, bad_rows="leave_out", scheme=said).require_record()
    elif all(intake.record is not None for intake in intakes):
        published = concatenate([intake.require_record() for intake in intakes])
    return Given(
        candidates=whole,
        references=relevant(known.references, whole),
        record=published,
        remarks=(*(intake.summary() for intake in intakes), known.summary()),
    )


def check(given: Given, settings: CampaignSettings) -> None:
    """Refuse what needs another word than the campaign itself would have for it; it checks the rest.

    Raises:
        UnknownNameError: if an engine doesn't exist.
        SettingsError: if an engine's settings are wrong.
        InputError: if an engine needs a record and there is none, or the record has to answer twice.
    """
    from aiida_mlhull.engines import ENGINES

    for stage in settings.stages:
        ENGINES[stage.engine].read_settings(stage)
    recorded = [stage.name for stage in settings.stages if stage.engine == RECORDED]
    if len(recorded) > 1:
        raise InputError(f"a record knows one stage, but several look it up: {listed(recorded)}")
    if recorded and given.record is None:
        raise InputError(
            f"stage {recorded[0]} looks up published results, but none were given: name a file with 'record', give "
            f"candidates with relaxed cells and energies, or take a protocol that relaxes ('protocol: potential')"
        )


def nodes(given: Given) -> dict[str, Any]:
    """The nouns as unstored nodes: ``candidates`` by shard, ``references``, ``record`` where there is one."""
    from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData

    shards = {
        key: CandidatesData.from_science(given.candidates.take(rows))
        for key, rows in shard_rows(len(given.candidates)).items()
    }
    made: dict[str, Any] = {"candidates": shards, "references": ReferencesData.from_science(given.references)}
    if given.record is not None:
        ids = given.candidates.ids
        made["record"] = LabelsData.from_science(given.record.select(ids[given.record.has(ids)]))
    return made


def shard_rows(total: int) -> dict[str, range]:
    """Rows of every shard, by key; equal shares as far as the largest shard allows."""
    from aiida_mlhull.data import MAX_SHARD_ROWS

    size = MAX_SHARD_ROWS
    return {
        f"shard_{index:03d}": range(first, min(first + size, total))
        for index, first in enumerate(range(0, total, size))
    }


def store(made: Mapping[str, Any]) -> None:
    """Store the nodes of :func:`nodes` in one transaction."""
    from aiida.manage import get_manager

    with get_manager().get_profile_storage().transaction():
        for node in (*made["candidates"].values(), made["references"], *filter(None, [made.get("record")])):
            node.store()


def builder(
    made: Mapping[str, Any], *, protocol: str, overrides: Mapping[str, Any], code: Any, jobs: Mapping[str, Any]
) -> ProcessBuilder:
    """The campaign, checked and ready to run; nothing has been stored yet.

    Raises:
        SettingsError: if overrides or jobs are wrong.
        UnknownNameError: if a name is unknown.
        InputError: if what is given doesn't fit together.
    """
    from aiida_mlhull.engines import ENGINES
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.workflows.screen import Screen

    offers = {"code": code, "record": made.get("record")}
    engines = {}
    for name in {stage.engine for stage in campaign_settings(overrides, protocol=protocol).stages}:
        wanted = ENGINES[name].spec().inputs
        engines[name] = {key: value for key, value in offers.items() if key in wanted and value is not None}
    whole = Screen.get_builder_from_protocol(
        code,
        made["candidates"],
        made["references"],
        engines=engines,
        protocol=protocol,
        overrides=overrides,
        jobs=jobs,
    )
    ports = Screen.spec().inputs
    refused = ports.validate(ports.pre_process(whole._inputs(prune=True)))  # noqa: SLF001  (as AiiDA itself does)
    if refused is not None:
        raise InputError(f"{refused.message}{_hint(refused.message)}")
    return whole


def _hint(message: str) -> str:
    """What people can do about it in their campaign file."""
    if "don't meet in one hull" in message:
        return "; if they were, say so in the campaign file, with 'scheme' under 'references'"
    return ""
