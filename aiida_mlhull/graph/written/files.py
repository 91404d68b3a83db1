"""Tables and pictures of a campaign in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

    from aiida_mlhull.graph.campaign import Campaign


def write_report(campaign: Campaign, folder: Path) -> list[Path]:
    """Everything that a campaign which has ended well can be looked at with.

    Returns:
        The files, in the order in which people want them.
    """
    from aiida_mlhull.graph.placed import beside
    from aiida_mlhull.graph.properties import predicted
    from aiida_mlhull.graph.written import pictures
    from aiida_mlhull.science.tables.export import to_cif, to_csv
    from aiida_mlhull.science.tables.export import written as written_table

    folder.mkdir(parents=True, exist_ok=True)
    phases, outcomes, done = campaign.phases(), campaign.outcomes(), campaign.results()
    of_results = with_properties(beside(campaign.node), predicted.beside(campaign.pk, done.ids))
    written = [
        *pictures.draw_diagrams(campaign, folder),
        pictures.draw_funnel(campaign, folder / "funnel.png"),
        _bytes(
            folder / "candidates.csv", written_table(outcomes, predicted.beside(campaign.pk, outcomes.ids), kind="csv")
        ),
        _bytes(folder / "results.csv", written_table(done, of_results, kind="csv")),
    ]
    if len(phases):
        written += [
            _bytes(folder / "phases.csv", to_csv(phases)),
            _bytes(folder / "phases.cif", to_cif(phases)),
        ]
    rounds = campaign.rounds()
    if not rounds.empty:
        rounds.to_csv(folder / "rounds.csv", index=False)
        written.append(folder / "rounds.csv")
    return written


def with_properties(columns: pa.Table, others: pa.Table | None) -> pa.Table:
    """Columns with those of properties behind them, if there are some."""
    if others is not None:
        for name in others.column_names:
            columns = columns.append_column(name, others.column(name))
    return columns


def _bytes(path: Path, content: bytes) -> Path:
    path.write_bytes(content)
    return path
