"""How near two chemistries are, by hand."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.campaign.relatedness import relatedness


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (["Hf", "Zn", "N"], ["Hf", "Zn", "N"], 1.0),
        (["Hf", "Zn", "N"], ["Zr", "Zn", "N"], 5 / 6),
        (["Hf", "Cd", "P"], ["Zr", "Zn", "N"], 1 / 2),
        (["Hf", "Zn", "N"], ["Zr", "Zn", "O"], 0.0),
        (["Zn", "N"], ["Zr", "Zn", "N"], 1.0),
        ([], ["Zr"], 0.0),
    ],
)
def test_elements_count_whole_and_groups_half(ours, theirs, expected):
    assert relatedness(ours, theirs) == pytest.approx(expected)
