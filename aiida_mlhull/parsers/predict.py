"""Parser ``mlhull.predict``: predictions for a shard."""

from __future__ import annotations

from aiida import orm

from aiida_mlhull.data import PredictionsData
from aiida_mlhull.parsers.base import JobParser
from aiida_mlhull.science.program.settings import PREDICTIONS_FILE
from aiida_mlhull.science.types import Predictions
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.wire import decode_table


class PredictParser(JobParser):
    """One row for every candidate that was asked about."""

    def read(self) -> tuple[dict[str, orm.Data], dict[str, int]]:
        """The predictions."""
        predictions = decode_table(Predictions, self.content(PREDICTIONS_FILE), name=PREDICTIONS_FILE)
        self.check_asked(predictions.ids, self._asked())
        return {"predictions": PredictionsData.from_science(predictions)}, {PREDICTIONS_FILE: len(predictions)}

    def _asked(self) -> Strings:
        """Ids of these rows."""
        if "pool" not in self.node.inputs:
            ids: Strings = self.node.inputs.cells.columns("ids")["ids"]
            return ids
        pool = self.node.inputs.pool.columns("ids", "keep")
        kept: Strings = pool["ids"][pool["keep"] == (self.node.inputs.pool_rows.value == "kept")]
        return kept

    def expected(self) -> int:
        """Rows of the pool that were asked about, or all."""
        if "pool" in self.node.inputs:
            rows = self.node.inputs.pool_rows.value
            return int(self.node.inputs.pool.base.attributes.get(f"n_{rows}"))
        return int(self.node.inputs.cells.n_rows)
