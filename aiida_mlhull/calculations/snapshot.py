"""References that grow: the snapshot of yesterday and the results since then make the one of today."""

from __future__ import annotations

from aiida import orm
from aiida.engine import calcfunction

from aiida_mlhull.data import LabelsData, ReferencesData
from aiida_mlhull.science.hull.references import extended, of_elements


@calcfunction
def extend_references(references: ReferencesData, source: orm.Str, **labels: LabelsData) -> ReferencesData:
    """References and finished results in one snapshot.

    Args:
        references: the snapshot that is extended.
        source: where the results come from.
        **labels: finished results.

    Raises:
        MixedSchemesError: if they were not made the same way.
        TableError: if an id is there twice.
    """
    results = [labels[key].to_science() for key in sorted(labels)]
    return ReferencesData.from_science(extended(references.to_science(), results, source=source.value))


@calcfunction
def gather_references(source: orm.Str, **labels: LabelsData) -> ReferencesData:
    """Elements that were relaxed as candidates are, as a snapshot of references.

    Args:
        source: where they come from.
        **labels: their results.

    Raises:
        MixedSchemesError: if they were not made the same way.
    """
    return ReferencesData.from_science(
        of_elements([labels[key].to_science() for key in sorted(labels)], source=source.value)
    )
