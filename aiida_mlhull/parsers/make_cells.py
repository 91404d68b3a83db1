"""Parser ``mlhull.make_cells``: cells, and which candidates have one now."""

from __future__ import annotations

from aiida import orm

from aiida_mlhull.data import CandidatesData, DecisionsData
from aiida_mlhull.parsers.base import JobParser
from aiida_mlhull.science.errors import IncompleteJobError
from aiida_mlhull.science.program.settings import LEFT_FILE, MADE_FILE, TOLD_FILE
from aiida_mlhull.science.types import Candidates, Decisions
from aiida_mlhull.science.wire import decode_table


class MakeCellsParser(JobParser):
    """A row for every candidate of choice and pool, and a cell for each that is still chosen."""

    def read(self) -> tuple[dict[str, orm.Data], dict[str, int]]:
        """The cells, unless none could be made; the choice and the pool."""
        chosen, pool = (decode_table(Decisions, self.content(name), name=name) for name in (TOLD_FILE, LEFT_FILE))
        nodes: dict[str, orm.Data] = {
            "chosen": DecisionsData.from_science(chosen),
            "pool": DecisionsData.from_science(pool),
        }
        made: list[str] = []
        if self.has(MADE_FILE):
            cells = decode_table(Candidates, self.content(MADE_FILE), name=MADE_FILE)
            nodes["cells"], made = CandidatesData.from_science(cells), cells.ids.tolist()
        if made != chosen.ids[chosen.keep].tolist():
            raise IncompleteJobError(f"{int(chosen.keep.sum())} candidates are chosen, {len(made)} have cells")
        return nodes, {TOLD_FILE: len(chosen), LEFT_FILE: len(pool)}

    def expected(self) -> int:
        """Rows of choice and pool."""
        return int(self.node.inputs.chosen.n_rows + self.node.inputs.pool.n_rows)
