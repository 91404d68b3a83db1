"""Parser ``mlhull.relax``: labels of relaxed crystals."""

from __future__ import annotations

from aiida import orm

from aiida_mlhull.data import LabelsData
from aiida_mlhull.parsers.base import JobParser
from aiida_mlhull.science.program.settings import LABELS_FILE
from aiida_mlhull.science.types import Labels
from aiida_mlhull.science.wire import decode_table


class RelaxParser(JobParser):
    """One row for every chosen crystal; a crystal that failed is a row with a reason."""

    def read(self) -> tuple[dict[str, orm.Data], dict[str, int]]:
        """The labels."""
        labels = decode_table(Labels, self.content(LABELS_FILE), name=LABELS_FILE)
        chosen = self.node.inputs.chosen.columns("ids", "keep")
        self.check_asked(labels.ids, chosen["ids"][chosen["keep"]])
        return {"labels": LabelsData.from_science(labels)}, {LABELS_FILE: len(labels)}

    def expected(self) -> int:
        """Rows that were chosen."""
        return int(self.node.inputs.chosen.base.attributes.get("n_kept"))
