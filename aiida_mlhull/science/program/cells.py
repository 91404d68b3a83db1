"""``mlhull-job make_cells``: cells for candidates that were chosen as labels."""

from __future__ import annotations

from typing import Any

from aiida_mlhull.science.campaign.making_cells import make_cells, without_cells_not_made
from aiida_mlhull.science.program.progress import say
from aiida_mlhull.science.program.settings import (
    CHOSEN_FILE,
    LEFT_FILE,
    MADE_FILE,
    POOL_FILE,
    SHARD_FILE,
    TOLD_FILE,
    MakeCellsJob,
)
from aiida_mlhull.science.types import Candidates, Decisions
from aiida_mlhull.science.wire import JobFolder


def run(folder: JobFolder, job: MakeCellsJob) -> tuple[dict[str, int], dict[str, Any]]:
    """Make cells, and tell which candidates have one.

    Returns:
        Row counts by file, and facts for the completion marker.
    """
    chosen = folder.read_table(Decisions, CHOSEN_FILE)
    say(f"cells are made for {int(chosen.keep.sum())} labels")
    made = make_cells(folder.read_table(Candidates, SHARD_FILE), chosen, seed=job.seed)
    left = without_cells_not_made(folder.read_table(Decisions, POOL_FILE), made.chosen)
    (folder.path / MADE_FILE).unlink(missing_ok=True)  # of an earlier try in this folder
    if made.cells is not None:
        folder.write_table(MADE_FILE, made.cells)
    folder.write_table(TOLD_FILE, made.chosen)
    folder.write_table(LEFT_FILE, left)
    n_made = 0 if made.cells is None else len(made.cells)
    return {TOLD_FILE: len(made.chosen), LEFT_FILE: len(left)}, {"device": "cpu", "n_made": n_made}
