"""Parser ``mlhull.fit``: fitted members as an ensemble."""

from __future__ import annotations

from aiida import orm

from aiida_mlhull.data import EnsembleData
from aiida_mlhull.parsers.base import JobParser
from aiida_mlhull.science.wire import decode_ensemble
from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE, member_file


class FitParser(JobParser):
    """The rows of an ensemble are its members."""

    def read(self) -> tuple[dict[str, orm.Data], dict[str, int]]:
        """The members' ensemble."""
        names = [ENSEMBLE_FILE, *(member_file(place) for place in range(self.expected()))]
        files = {name: self.content(name) for name in names}
        ensemble = decode_ensemble(files)
        return {"ensemble": EnsembleData.from_science(ensemble, files=files)}, {ENSEMBLE_FILE: len(ensemble.members)}

    def expected(self) -> int:
        """Members that were asked for."""
        return len(self.node.inputs.members)
