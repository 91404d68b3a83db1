"""Candidates of a file filtered into another one, every row with its reason."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aiida_mlhull.science.errors import InputError

if TYPE_CHECKING:
    from aiida_mlhull.science.cleaning.clean import CleaningSettings
    from aiida_mlhull.science.reading import Intake
    from aiida_mlhull.science.types import Candidates, Decisions


def read_limits(settings: Path | None) -> CleaningSettings:
    """Limits of a YAML file; defaults for what it leaves out.

    Raises:
        SettingsError: if it has a key that cleaning doesn't know.
    """
    from aiida_mlhull.science.campaign.file import read_mapping
    from aiida_mlhull.science.cleaning.clean import CleaningSettings
    from aiida_mlhull.science.types.strict import validated

    values = {} if settings is None else read_mapping(settings)
    return validated(CleaningSettings, values, what="cleaning" if settings is None else settings.name)


def decide(intake: Intake, limits: CleaningSettings, *, known: Path | None = None) -> tuple[Candidates, Decisions]:
    """Which candidates pass every filter.

    Args:
        intake: as it was read; where it has a record of energies, of all rows with one label the lowest is kept.
        limits: of the filters.
        known: crystals that need no candidate, in a file or folder.

    Returns:
        The candidates with their labels, and one decision for each.
    """
    from aiida_mlhull.science.cleaning.clean import clean, labeled

    shard = labeled(intake.candidates, tolerance=limits.tolerance)
    labels = [] if known is None else _labels_of(known, limits)
    energies = None if intake.record is None else [intake.record.energies]
    (decided,) = clean([shard], settings=limits, energies=energies, known=labels)
    return shard, decided


def write(intake: Intake, shard: Candidates, decided: Decisions, output: Path) -> None:
    """Write what is left, with the other columns of the file beside it.

    Raises:
        InputError: if nothing is left.
    """
    import pyarrow as pa

    from aiida_mlhull.science.tables.export import written

    if not decided.keep.any():
        raise InputError(f"{shard.source}: no candidate is left; the table above tells where they went")
    beside = None if intake.beside is None else intake.beside.filter(pa.array(decided.keep))
    output.write_bytes(written(shard.take(decided.keep), beside, kind=output.suffix[1:]))


def _labels_of(known: Path, limits: CleaningSettings) -> list[str]:
    """Labels of known crystals, of the cells before and after relaxation where a table has both."""
    from aiida_mlhull.science.cleaning.clean import labeled
    from aiida_mlhull.science.generators.parents import read_parents
    from aiida_mlhull.science.reading.candidates import read_candidates

    after = read_parents(known, tolerance=limits.tolerance)[0].protostructures.tolist()
    before = read_candidates(known, bad_rows="leave_out").candidates
    return [*after, *labeled(before, tolerance=limits.tolerance).protostructures.tolist()]
