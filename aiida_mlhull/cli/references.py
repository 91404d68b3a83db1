"""``aiida-mlhull references``: snapshots of known phases, from files and from what campaigns have found."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import click

from aiida_mlhull.cli import paths, text
from aiida_mlhull.launching import profile, stored

if TYPE_CHECKING:
    from aiida_mlhull.data import LabelsData, ReferencesData
    from aiida_mlhull.science.reading import LeftOut
    from aiida_mlhull.science.reading.entries import Corrections

SHOWN: Final = 10


@click.group()
def references() -> None:
    """Store the phases that candidates compete with, as snapshots that never change."""


@references.command("import")
@click.argument("file", type=paths.KNOWN)
@click.option("--elements", type=paths.KNOWN, metavar="FILE", help="Elemental references (.json), if they stand apart.")
@click.option("--scheme", default="", metavar="TEXT", help="Functional and settings of all these energies.")
@click.option(
    "--corrections",
    type=click.Choice(["mp2020", "none", "included"]),
    help="Of computed entries: apply MP2020, take the energies without any, or as they are corrected in the file. "
    "[default: mp2020]",
)
@click.pass_obj
def import_file(
    profile_name: str | None, file: Path, elements: Path | None, scheme: str, corrections: str | None
) -> None:
    """Import FILE: a table (.parquet, .csv), or pymatgen's computed entries (.json, .json.gz).

    MP2020 corrections are applied by pymatgen with run type, U values and pseudopotentials of every
    entry's own parameters. Entries that it refuses are left out; how many, and why, is said.
    """
    from aiida_mlhull.science.reading import read_references
    from aiida_mlhull.science.reading.candidates import AS_PUBLISHED
    from aiida_mlhull.science.reading.columns import TABLE_SUFFIXES

    wanted = corrections or (None if file.suffix in TABLE_SUFFIXES else "mp2020")
    intake = read_references(
        file,
        elements=elements,
        bad_rows="leave_out",
        scheme=scheme or AS_PUBLISHED,
        corrections=cast("Corrections | None", wanted),
    )
    profile.load(profile_name)
    from aiida_mlhull.data import ReferencesData

    node = ReferencesData.from_science(intake.references, label=file.name).store()
    click.echo(describe(node, left_out=intake.left_out))


@references.command("from-campaign")
@click.argument("campaign", metavar="PK")
@click.pass_obj
def from_campaign(profile_name: str | None, campaign: str) -> None:
    """Add what campaign PK has found to the references that it started from.

    Failed relaxations are left out.
    """
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns

    node = campaigns.find(campaign)
    if not node.is_finished_ok:
        raise click.ClickException(
            f"campaign {node.pk} ({node.label}) is {campaigns.process_state(node)}: only campaigns that have ended "
            f"well have results to add"
        )
    shards = dict(node.outputs.results.items())
    _extend(node.inputs.references, shards, source=f"results of campaign {node.label or node.uuid[:8]}")


@references.command("from-group")
@click.argument("group")
@click.option("--references", "known", required=True, metavar="PK", help="The snapshot that they are added to.")
@click.option("--stage", metavar="NAME", help="Only results of this stage.")
@click.pass_obj
def from_group(profile_name: str | None, group: str, known: str, stage: str | None) -> None:
    """Add the mlhull.labels nodes of a GROUP to a snapshot.

    All of them have to be of one stage: energies of a cheap one are not those of the last.
    """
    profile.load(profile_name)
    from aiida_mlhull.data import LabelsData

    filters = {} if stage is None else {"attributes.stage": stage}
    tables = stored.in_group(group, LabelsData, filters)
    stages = sorted({table.base.attributes.get("stage") for table in tables})
    if not tables:
        where = f" of stage {stage}" if stage else ""
        raise click.ClickException(f"group {group!r} holds no mlhull.labels{where}")
    if len(stages) > 1:
        raise click.ClickException(f"group {group!r} holds results of stages {', '.join(stages)}: choose with --stage")
    shards = {f"labels_{index:04d}": table for index, table in enumerate(tables)}
    _extend(stored.references(known), shards, source=f"results in group {group}")


def describe(node: ReferencesData, *, left_out: LeftOut | None = None, failed: int = 0) -> str:
    """A snapshot for people: pk, counts, scheme, hash, and what is not in it."""
    facts = node.base.attributes
    lines = [
        ("from", facts.get("origin")),
        ("phases", facts.get("n_rows")),
        ("compositions", facts.get("n_compositions")),
        ("elements", f"{len(facts.get('end_members'))}: {' '.join(facts.get('end_members'))}"),
        ("scheme", facts.get("scheme")),
        ("pymatgen", facts.get("pymatgen_version")),
        ("content hash", facts.get("content_hash")),
        *([("failed", f"{text.count(failed, 'result')} without an energy left out")] if failed else []),
    ]
    said = f"References {node.pk}\n{text.pairs(lines)}"
    if left_out is None or not len(left_out):
        return said
    return f"{said}\n\nLeft out: {text.count(len(left_out), 'phase')}\n{_reasons(left_out)}"


def _reasons(left_out: LeftOut) -> str:
    """Rows by reason and detail, the most frequent first, with an example each."""
    pairs = list(zip(left_out.reasons.tolist(), left_out.details.tolist(), strict=True))
    example = dict(zip(reversed(pairs), reversed(left_out.ids.tolist()), strict=True))
    ordered = sorted(Counter(pairs).items(), key=lambda item: (-item[1], item[0]))
    rows = [(count, reason, detail or None, example[reason, detail]) for (reason, detail), count in ordered[:SHOWN]]
    more = f"\n  ... and {len(ordered) - SHOWN} more reasons" if len(ordered) > SHOWN else ""
    return text.table(("phases", "reason", "detail", "for example"), rows, indent="  ") + more


def _extend(known: ReferencesData, shards: dict[str, LabelsData], *, source: str) -> None:
    from aiida import orm

    from aiida_mlhull.calculations.snapshot import extend_references
    from aiida_mlhull.science.hull.references import extended

    # What doesn't fit together is refused here, before the graph gets a failed process.
    extended(known.to_science(), [table.to_science() for table in shards.values()], source=source)
    node = extend_references(references=known, source=orm.Str(source), **shards)
    failed = sum(table.base.attributes.get("n_failed") for table in shards.values())
    click.echo(describe(node, failed=failed))
