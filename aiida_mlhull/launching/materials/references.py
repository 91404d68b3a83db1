"""Snapshots of known phases: read from files and databases, extended by what campaigns have found."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.launching import stored
from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.tables import text

if TYPE_CHECKING:
    from aiida import orm

    from aiida_mlhull.data import LabelsData, ReferencesData
    from aiida_mlhull.science.reading import LeftOut
    from aiida_mlhull.science.reading.phases.mp2020 import Guesses
    from aiida_mlhull.science.reading.phases.resolution import Corrections
    from aiida_mlhull.science.reading.references import ReferenceIntake
    from aiida_mlhull.science.sources.phases import ThermoType

SHOWN: Final = 10
MP_ENDPOINT: Final = "MP_API_ENDPOINT"
"""Environment variable: another server that speaks the Materials Project's API."""


def read_file(
    file: Path, *, elements: Path | None, scheme: str, corrections: Corrections | None, only: str, guesses: Guesses
) -> ReferenceIntake:
    """Phases of a table, of computed entries, or of a folder of VASP's calculations.

    Args:
        file: file or folder.
        elements: elemental references, if they stand apart.
        scheme: of all these energies; as published if empty.
        corrections: of computed entries; None chooses by what they carry.
        only: functional whose phases are taken; all if empty.
        guesses: of entries without a structure whose correction depends on it.

    Raises:
        WireError: if it can't be read.
        InputError: if what it holds can't be used.
    """
    from aiida_mlhull.science.reading import read_references
    from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
    from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES

    return read_references(
        file,
        elements=elements,
        bad_rows="leave_out",
        scheme=scheme or AS_PUBLISHED,
        corrections=corrections or (None if file.suffix in TABLE_SUFFIXES else "auto"),
        only=only,
        guesses=guesses,
    )


def from_materials_project(elements: Sequence[str], *, thermo_type: ThermoType, partial: bool) -> ReferenceIntake:
    """Phases of a chemical system, and of the systems in it, from the Materials Project."""
    from aiida_mlhull.science.sources import phases

    endpoint = os.environ.get(MP_ENDPOINT)
    return phases.from_materials_project(elements, thermo_type=thermo_type, endpoint=endpoint, partial=partial)


def from_optimade(
    url: str, *, energy: str, pause: float, query: str, page_size: int, partial: bool, **words: Any
) -> ReferenceIntake:
    """Phases that a filter finds in an OPTIMADE database, with a column of the provider's as energies.

    Args:
        url: of the database.
        energy: the provider's column.
        pause: seconds between requests.
        query: filter; everything if empty.
        page_size: structures per request.
        partial: whether less than was announced is taken.
        words: what the energies are, see :func:`aiida_mlhull.science.sources.phases.from_optimade`.
    """
    from aiida_mlhull.science.sources import phases
    from aiida_mlhull.science.sources.client import Client
    from aiida_mlhull.science.sources.optimade import Optimade

    client = Client(pause=pause)
    keep = phases.columns_for(energy, list(Optimade(url, client=client).properties()))
    source = Optimade(url, query=query, page_size=page_size, keep=keep, client=client, partial=partial)
    return phases.from_optimade(source, energy=energy, **words)


def store(intake: ReferenceIntake, *, label: str) -> ReferencesData:
    """What was read as a stored snapshot; guesses stay with it as extras."""
    from aiida_mlhull.data import ReferencesData

    node = ReferencesData.from_science(intake.references, label=label)
    if intake.remarks:
        node.base.extras.set("remarks", intake.remarks)
    return node.store()


def from_campaign(node: orm.ProcessNode) -> tuple[ReferencesData, int]:
    """What a campaign started from and what it has found, as one snapshot.

    Returns:
        The snapshot, and how many results without an energy are not in it.

    Raises:
        InputError: if the campaign hasn't ended well.
    """
    from aiida_mlhull.graph.campaigns import process_state

    if not node.is_finished_ok:
        raise InputError(
            f"campaign {node.pk} ({node.label}) is {process_state(node)}: only campaigns that have ended well have "
            f"results to add, or new phases"
        )
    source = f"results of campaign {node.label or node.uuid[:8]}"
    return extend(node.inputs.references, dict(node.outputs.results.items()), source=source)


def from_group(group: str, known: str, *, stage: str | None = None) -> tuple[ReferencesData, int]:
    """A snapshot and the results of one stage in a group, as one snapshot.

    Args:
        group: label.
        known: the snapshot, as people name it.
        stage: only results of this one.

    Returns:
        The snapshot, and how many results without an energy are not in it.

    Raises:
        InputError: if the group holds no results, or those of several stages: energies of a cheap one are not those of
            the last.
    """
    from aiida_mlhull.data import LabelsData

    tables = stored.in_group(group, LabelsData, {} if stage is None else {"attributes.stage": stage})
    if not tables:
        raise InputError(f"group {group!r} holds no mlhull.labels{f' of stage {stage}' if stage else ''}")
    stages = sorted({table.base.attributes.get("stage") for table in tables})
    if len(stages) > 1:
        raise InputError(f"group {group!r} holds results of stages {listed(stages)}: choose with --stage")
    shards = {f"labels_{index:04d}": table for index, table in enumerate(tables)}
    return extend(stored.references(known), shards, source=f"results in group {group}")


def extend(known: ReferencesData, shards: Mapping[str, LabelsData], *, source: str) -> tuple[ReferencesData, int]:
    """A snapshot with results added, and how many of these have no energy.

    Raises:
        InputError: if they don't fit together.
    """
    from aiida import orm

    from aiida_mlhull.calculations.snapshot import extend_references
    from aiida_mlhull.science.hull.references import extended

    # What doesn't fit together is refused here, before the graph gets a failed process.
    extended(known.to_science(), [table.to_science() for table in shards.values()], source=source)
    node: ReferencesData = extend_references(references=known, source=orm.Str(source), **shards)
    return node, sum(table.base.attributes.get("n_failed") for table in shards.values())


def describe(
    node: ReferencesData,
    *,
    left_out: LeftOut | None = None,
    remarks: Mapping[str, str] | None = None,
    failed: int = 0,
) -> str:
    """A snapshot for people: pk, counts, scheme, hash, and what is not in it."""
    from aiida_mlhull.science.schemes import described

    facts = node.base.attributes
    lines = [
        ("from", facts.get("origin")),
        ("phases", facts.get("n_rows")),
        ("compositions", facts.get("n_compositions")),
        ("elements", f"{len(facts.get('end_members'))}: {' '.join(facts.get('end_members'))}"),
        ("scheme", described(facts.get("scheme"))),
        ("pymatgen", facts.get("pymatgen_version")),
        ("content hash", facts.get("content_hash")),
        *([("failed", f"{text.count(failed, 'result')} without an energy left out")] if failed else []),
    ]
    said = f"References {node.pk}\n{text.pairs(lines)}"
    if remarks:
        rows = [(name, words) for name, words in list(remarks.items())[:SHOWN]]
        more = f"\n  ... and {len(remarks) - SHOWN} more" if len(remarks) > SHOWN else ""
        head = f"Corrected by a guess: {text.count(len(remarks), 'phase')}"
        said += f"\n\n{head}\n{text.table(('phase', 'guessed'), rows, indent='  ')}{more}"
    if left_out is None or not len(left_out):
        return said
    return f"{said}\n\nLeft out: {text.count(len(left_out), 'phase')}\n{_reasons(left_out)}"


def _reasons(left_out: LeftOut) -> str:
    """Rows by reason and detail, the most frequent first, with an example each."""
    ordered = left_out.examples()
    rows = [(count, reason, detail or None, example) for count, reason, detail, example in ordered[:SHOWN]]
    more = f"\n  ... and {len(ordered) - SHOWN} more reasons" if len(ordered) > SHOWN else ""
    return text.table(("phases", "reason", "detail", "for example"), rows, indent="  ") + more
