"""What a campaign is given: read from files or found in the graph, checked whole, and only then stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull.science.errors import InputError, SettingsError, listed

if TYPE_CHECKING:
    from aiida.engine import ProcessBuilder

    from aiida_mlhull.data import CandidatesData, ReferencesData
    from aiida_mlhull.science.campaign.file import CampaignFile, CandidatesGiven, ReferencesGiven
    from aiida_mlhull.science.reading import Intake
    from aiida_mlhull.science.reading.sieve import BadRows
    from aiida_mlhull.science.types import Candidates, Labels, References


@dataclass(frozen=True)
class Given:
    """The nouns that a campaign starts from, and what was said while reading them.

    Attributes:
        candidates: all of them, in one table.
        references: known phases, the elements among them; from a file those that can matter to the candidates.
        record: published results; None if there are none.
        remarks: lines for people: rows read, used, left out and why.
        shards: stored ``mlhull.candidates`` whose rows are among the candidates.
        snapshot: the stored ``mlhull.references``, where they were named so.
    """

    candidates: Candidates
    references: References
    record: Labels | None
    remarks: tuple[str, ...] = ()
    shards: tuple[CandidatesData, ...] = ()
    snapshot: ReferencesData | None = None


def read(candidates: Path, references: Path, *, elements: Path | None = None, bad_rows: BadRows = "refuse") -> Given:
    """What a campaign is given by files alone.

    Args:
        candidates: file or folder.
        references: known phases.
        elements: elemental references, if they stand in a file of their own.
        bad_rows: whether candidates that can't be used are an error, or left out and counted.

    Raises:
        WireError: if a file can't be read.
        InputError: if what it holds can't be used; the message names the rows.
    """
    from aiida_mlhull.science.campaign.file import CampaignFile, CandidatesGiven, ReferencesGiven

    return gather(
        CampaignFile(
            candidates=(CandidatesGiven(file=candidates),),
            references=ReferencesGiven(file=references, elements=elements),
            bad_rows=bad_rows,
        )
    )


def gather(wish: CampaignFile) -> Given:
    """Everything that a campaign file names.

    Raises:
        WireError: if a file can't be read.
        InputError: if what it holds can't be used; the message names the rows.
        click.ClickException: if a node or group doesn't exist, or is of another kind.
    """
    from aiida_mlhull.science.reading import relevant
    from aiida_mlhull.science.reading.candidates import read_candidates
    from aiida_mlhull.science.types import concatenate

    scheme = wish.references.scheme
    shards, intakes = _candidates(wish.candidates, bad_rows=wish.bad_rows, scheme=scheme)
    whole = concatenate([*(node.to_science() for node in shards), *(intake.candidates for intake in intakes)])
    known, snapshot, remark = _references(wish.references)
    published = None
    if wish.record is not None:
        published = read_candidates(wish.record, bad_rows="leave_out", scheme=scheme).require_record()
    elif not shards and all(intake.record is not None for intake in intakes):
        published = concatenate([intake.require_record() for intake in intakes])
    return Given(
        candidates=whole,
        references=relevant(known, whole) if snapshot is None else known,
        record=published,
        remarks=(*(_headline(node) for node in shards), *(intake.summary() for intake in intakes), remark),
        shards=tuple(shards),
        snapshot=snapshot,
    )


def _candidates(
    places: tuple[CandidatesGiven, ...], *, bad_rows: BadRows, scheme: str
) -> tuple[list[CandidatesData], list[Intake]]:
    """Shards that are stored, and tables that are not."""
    from aiida_mlhull.launching import stored
    from aiida_mlhull.science.reading.candidates import read_candidates

    shards: list[CandidatesData] = []
    intakes: list[Intake] = []
    for place in places:
        if place.file is not None:
            intakes.append(read_candidates(place.file, bad_rows=bad_rows, scheme=scheme))
        elif place.group is not None:
            found, intake = stored.candidates_in(place.group, bad_rows=bad_rows)
            shards += found
            intakes += [] if intake is None else [intake]
        else:
            shards.append(stored.candidates(str(place.node)))
    return shards, intakes


def _references(place: ReferencesGiven) -> tuple[References, ReferencesData | None, str]:
    """Known phases, the node that holds them if there is one, and what is to be said of them."""
    from aiida_mlhull.launching import stored
    from aiida_mlhull.science.reading import read_references

    if place.file is None:
        node = stored.references(str(place.node))
        return node.to_science(), node, _headline(node)
    # Single lines of a large reference file that nobody can use are no reason to stop a campaign.
    known = read_references(
        place.file, elements=place.elements, bad_rows="leave_out", scheme=place.scheme, corrections=place.corrections
    )
    return known.references, None, known.summary()


def _headline(node: CandidatesData | ReferencesData) -> str:
    return f"node {node.pk}: {node.headline(node.base.attributes.all)}"


def nodes(given: Given) -> dict[str, Any]:
    """The nouns as nodes, stored ones as they are: ``candidates`` by shard, ``references``, ``record`` if any."""
    from aiida_mlhull.data import CandidatesData, LabelsData, ReferencesData

    known = [name for node in given.shards for name in node.to_science().ids.tolist()]
    fresh = given.candidates.without(known)
    parts = [*given.shards, *(CandidatesData.from_science(fresh.take(rows)) for rows in shard_rows(len(fresh)))]
    made: dict[str, Any] = {
        "candidates": {f"shard_{index:03d}": node for index, node in enumerate(parts)},
        "references": given.snapshot or ReferencesData.from_science(given.references),
    }
    if given.record is not None:
        ids = given.candidates.ids
        made["record"] = LabelsData.from_science(given.record.select(ids[given.record.has(ids)]))
    return made


def shard_rows(total: int) -> list[range]:
    """Rows of every shard."""
    from aiida_mlhull.data import MAX_SHARD_ROWS

    size = MAX_SHARD_ROWS
    return [range(first, min(first + size, total)) for first in range(0, total, size)]


def store(made: Mapping[str, Any]) -> None:
    """Store the nodes of :func:`nodes` in one transaction."""
    from aiida.manage import get_manager

    with get_manager().get_profile_storage().transaction():
        for node in (*made["candidates"].values(), made["references"], *filter(None, [made.get("record")])):
            node.store()


def builder(
    made: Mapping[str, Any],
    *,
    protocol: str,
    overrides: Mapping[str, Any],
    code: Any,
    jobs: Mapping[str, Any],
    words: Mapping[str, Mapping[str, Any]] | None = None,
) -> ProcessBuilder:
    """The campaign, checked and ready to run; nothing has been stored yet.

    Args:
        made: of :func:`nodes`; also ``parent``, where members begin with another ensemble's.
        protocol: name of the protocol.
        overrides: what differs from it.
        code: the program mlhull-job.
        jobs: sizes and limits.
        words: what the campaign file says of engines, by their names.

    Raises:
        SettingsError: if overrides, jobs or words are wrong.
        UnknownNameError: if a name is unknown.
        InputError: if what is given doesn't fit together.
    """
    from aiida_mlhull.engines import ENGINES
    from aiida_mlhull.science.campaign import campaign_settings
    from aiida_mlhull.workflows.inputs import check_stages
    from aiida_mlhull.workflows.screen import Screen

    settings = campaign_settings(overrides, protocol=protocol)
    check_stages(settings)
    said, names = words or {}, sorted({stage.engine for stage in settings.stages})
    idle = sorted(set(said) - set(names))
    if idle:
        raise SettingsError(f"said of engines that no stage names: {listed(idle)}; stages name {listed(names)}")
    offers = {"code": code, "record": made.get("record"), "references": made["references"]}
    engines = {}
    for name in names:
        wanted = ENGINES[name].spec().inputs
        offered = {key: value for key, value in offers.items() if key in wanted and value is not None}
        engines[name] = offered | ENGINES[name].load_inputs(said.get(name, {}))
    whole = Screen.get_builder_from_protocol(
        code,
        made["candidates"],
        made["references"],
        engines=engines,
        protocol=protocol,
        overrides=overrides,
        jobs=jobs,
    )
    if "parent" in made:
        whole.parent = made["parent"]
    ports = Screen.spec().inputs
    refused = ports.validate(ports.pre_process(whole._inputs(prune=True)))  # noqa: SLF001  (as AiiDA itself does)
    if refused is not None:
        raise InputError(f"{refused.message}{_hint(refused.message)}")
    return whole


def _hint(message: str) -> str:
    """What people can do about it in their campaign file."""
    if "don't meet in one hull" in message:
        return "; if they were, say so in the campaign file, with 'scheme' under 'references'"
    if "engines.recorded" in message:
        return (
            "; it looks up published results, but none were given: name a file with 'record', give candidates with "
            "relaxed cells and energies, or take a protocol that relaxes ('protocol: potential')"
        )
    return ""
