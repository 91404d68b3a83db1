"""What has been explored, as a map in two columns and a color, and in words."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aiida_mlhull.launching import profile

if TYPE_CHECKING:
    from aiida_mlhull.science.reading.columns import Columns


def mapped(
    table: str,
    output: Path,
    *,
    reference: Path | None = None,
    candidates: Path | None = None,
    best: list[str] | None = None,
    bins: int = 12,
    profile_name: str | None = None,
    **words: Any,
) -> Iterator[str]:
    """Draw a map, and tell about it line by line.

    Args:
        table: a file, or pk, UUID or label of a campaign that has ended well.
        output: picture that is written.
        reference: table that has a column which ``table`` lacks.
        candidates: table with rows to be placed on the map.
        best: columns in which only the best of every cluster is shown.
        bins: cells along each axis.
        profile_name: AiiDA's profile, where one is needed.
        words: more of :func:`~aiida_mlhull.science.maps.points.read_points`.

    Raises:
        MlhullError: if a table or column doesn't exist or can't be used.
    """
    from aiida_mlhull.science.maps.points import read_points
    from aiida_mlhull.science.maps.selection import best_points
    from aiida_mlhull.science.maps.territory import explore
    from aiida_mlhull.science.maps.words import best_in_words, estimates_in_words, regions_in_words
    from aiida_mlhull.science.plots.maps import write_map
    from aiida_mlhull.science.reading.columns import Columns

    whole = _columns(table, profile_name)
    known = None if reference is None else Columns.read(reference)
    points, made = read_points(whole, **words, reference=known)
    if made is not None:
        yield estimates_in_words(made, words["by"] or "family")
    if best:
        chosen = best_points(points, whole, best)
        yield best_in_words(chosen)
        points = points.take(chosen.chosen)
    placed = None
    if candidates is not None:
        placed, _ = read_points(Columns.read(candidates), **words, reference=known)
    shown = points.shown
    territory = explore(points.x[shown], points.y[shown], bins=bins)
    yield f"{int(shown.sum()):,} of {len(points):,} rows on the map"
    yield regions_in_words(territory, points, placed)
    write_map(output, points, territory, candidates=placed, title=Path(whole.name).stem)


def _columns(name: str, profile_name: str | None) -> Columns:
    """A file's columns, or a campaign's."""
    from aiida_mlhull.science.reading.columns import Columns

    path = Path(name)
    if path.exists() or path.suffix:
        return Columns.read(path)
    profile.load(profile_name)
    from aiida_mlhull.graph import campaigns
    from aiida_mlhull.graph.mapped import columns

    return columns(campaigns.find(name))
