"""One campaign counted by rows, minima and kinds, by hand."""

from __future__ import annotations

import numpy as np

from aiida_mlhull.science.metrics.counting import counted
from aiida_mlhull.science.types import References

KNOWN = References.from_rows(ids=["Li", "O", "N"], formulas=["Li", "O", "N"], energies=np.zeros(3))
TRUTH = References.from_rows(
    ids=["a", "b", "c", "d", "e"],
    formulas=["LiO", "LiO", "Li2O2", "LiO", "LiNO"],
    energies=np.array([-1.0, -1.0, -0.99, -0.5, -2.0]),
)
"""Twins a and b on the hull, c 10 meV above them in another minimum of the same composition, e on the hull, too."""


def test_found_and_to_be_found_by_hand() -> None:
    counts = counted(TRUTH, KNOWN, found=["b", "d"], kinds={"even": np.array([True, False, True, False, True])})
    assert counts["rows"] == {"on_hull": (1, 3), "within_25mev": (1, 4)}
    assert counts["distinct minima"] == {"on_hull": (1, 2), "within_25mev": (1, 3)}
    assert counts["2 elements"] == {"on_hull": (1, 2), "within_25mev": (1, 3)}
    assert counts["3 elements"] == {"on_hull": (0, 1), "within_25mev": (0, 1)}
    assert counts["even"] == {"on_hull": (0, 2), "within_25mev": (0, 3)}


def test_everything_found_is_everything() -> None:
    counts = counted(TRUTH, KNOWN, found=TRUTH.ids)
    assert all(found == there for by in counts.values() for found, there in by.values())
