"""Measures in words: every number under its name."""

from __future__ import annotations

import numpy as np

from aiida_mlhull.science.hull.probability import HullSpread
from aiida_mlhull.science.metrics.near_hull import near_hull
from aiida_mlhull.science.metrics.words import hull_spreads_in_words, near_hull_in_words
from tests.science.metrics.test_near_hull import REFERENCES, labels, predictions


def test_how_certain_the_hull_was() -> None:
    spread = HullSpread(mean=np.asarray([-1.0, -0.5]), std=np.asarray([0.010, 0.030]), certainty=np.asarray([1.0, 0.5]))
    told = hull_spreads_in_words({"final, round 1": (np.asarray(["TiN", "Ti2N"]), spread)}).splitlines()
    assert told[0] == "The hull as its models saw it, drawn many times"
    assert told[-1].split() == ["final,", "round", "1", "2", "20.0", "30.0", "Ti2N", "75.0%"]


def test_how_stable_ones_were_told_apart() -> None:
    """One true positive and one false one of three rows, see the table worked by hand."""
    told = near_hull_in_words({"final": near_hull(predictions(-1.05, -1.2, -0.5, -9.0), labels(), REFERENCES)})
    lines = {line[:40].strip(): line.split()[-1] for line in told.splitlines()}
    by_name = {name.split("  ")[0]: value for name, value in lines.items()}
    assert by_name["rows with a result"] == "3"
    assert by_name["on the hull (prevalence)"] == "0.333"
    assert by_name["precision"] == "0.500"
    assert by_name["recall"] == "1.000"
    assert by_name["false positive rate"] == "0.500"
    assert by_name["F1"] == "0.667"
    assert by_name["acceleration (DAF)"] == "1.50"
