"""The known side of the hull: references and the campaign's own results in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from aiida_mlhull.science.errors import MixedSchemesError
from aiida_mlhull.science.schemes import difference, same_scheme
from aiida_mlhull.science.types import Labels, References


def with_results(references: References, labels: Labels) -> References:
    """Add finished relaxations to the references; failed ones are left out, ids stay.

    Raises:
        MixedSchemesError: if the two say different things about functional and corrections.
        TableError: if an id is in both.
    """
    if not same_scheme(references.scheme, labels.scheme):
        raise MixedSchemesError(
            f"references are {references.scheme or 'of unknown scheme'!r}, results of stage {labels.stage!r} are "
            f"{labels.scheme or 'of unknown scheme'!r} ({difference(references.scheme, labels.scheme)}): energies of "
            f"different schemes don't meet in one hull; take references that were made as the results are"
        )
    done = labels.take(labels.succeeded)
    return References.from_rows(
        ids=np.concatenate([references.ids, done.ids]),
        formulas=np.concatenate([references.formulas, done.formulas]),
        energies=np.concatenate([references.energies, done.energies]),
        source=references.source,
        scheme=references.scheme,
    )


def extended(references: References, results: Sequence[Labels], *, source: str) -> References:
    """A new snapshot: the references and the finished relaxations of several tables.

    Args:
        references: known before.
        results: tables whose ids don't meet; each has to be of the references' scheme.
        source: where the results come from; the snapshot names both sources.

    Raises:
        MixedSchemesError: see :func:`with_results`.
        TableError: if an id is there twice.
    """
    whole = references
    for table in results:
        whole = with_results(whole, table)
    return replace(whole, source=f"{references.source} + {source}")


def of_elements(results: Sequence[Labels], *, source: str) -> References:
    """A snapshot of nothing but finished relaxations.

    Args:
        results: tables whose ids don't meet, all of one scheme.
        source: where they come from.

    Raises:
        MixedSchemesError: see :func:`with_results`.
        TableError: if an id is there twice.
    """
    first = results[0].take(results[0].succeeded)
    start = References(
        ids=first.ids, formulas=first.formulas, energies=first.energies, source=source, scheme=first.scheme
    )
    for table in results[1:]:
        start = with_results(start, table)
    return start
