"""Shifts between two levels of theory, element by element."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.models.regressors.stage_correction import StageCorrection, element_fractions
from aiida_mlhull.science.types import Crystals

CUBE = np.eye(3) * 4.0


def fractions(rows: list[dict[int, float]]) -> np.ndarray:
    table = np.zeros((len(rows), 118))
    for row, parts in enumerate(rows):
        for z, share in parts.items():
            table[row, z - 1] = share
    return table


def random_rows(n: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return fractions([dict(zip((3, 11, 33), rng.dirichlet([1, 1, 1]), strict=True)) for _ in range(n)])


def test_known_shifts_are_found_in_spite_of_outliers() -> None:
    table = random_rows(300)
    shifts = np.zeros(118)
    shifts[[2, 10, 32]] = [0.1, -0.2, 0.4]
    differences = table @ shifts
    differences[:30] -= 2.0  # a tenth relaxed into another basin
    found = StageCorrection.fit(table, differences)
    assert found(table[30:]) == pytest.approx(table[30:] @ shifts, abs=0.02)


def test_an_element_that_was_never_seen_gets_the_mean() -> None:
    found = StageCorrection({3: 0.1, 33: 0.3})
    assert found(fractions([{8: 1.0}, {3: 0.5, 33: 0.5}])) == pytest.approx([0.2, 0.2])


def test_json_there_and_back() -> None:
    found = StageCorrection({3: 0.1, 33: -0.3})
    assert StageCorrection.from_json(found.to_json()) == found


def test_element_fractions_count_sites() -> None:
    crystals = Crystals.from_lists([CUBE, CUBE], [[3, 3, 8], [11]], [np.arange(9) / 10, [0, 0, 0]])
    table = element_fractions(crystals)
    assert table[0, 2] == pytest.approx(2 / 3)
    assert table[0, 7] == pytest.approx(1 / 3)
    assert table[1, 10] == 1.0
    assert table.sum(axis=1) == pytest.approx([1.0, 1.0])
