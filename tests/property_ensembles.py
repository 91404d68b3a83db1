"""Ensembles of band gaps and of metals that have learned from crystals of MP-20, in a second each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather
from aiida_mlhull.science.ensembles.familiar import learned_from
from aiida_mlhull.science.reading.properties import read_properties
from aiida_mlhull.science.types import EnsembleWeights

NARROW = {
    "max_epochs": 2,
    "layers": 1,
    "heads": 1,
    "pooling_heads": 1,
    "hidden_width": 16,
    "output_widths": [16],
    "width": 16,
}
EXCERPT = Path(__file__).parents[1] / "benchmarks" / "data" / "mp20_excerpt.parquet"


def band_gaps() -> EnsembleWeights:
    """Trees and a Gaussian process, which look at cells."""
    return _fitted("band_gap", model="trees_gp", unit="eV", members=2)


def metals() -> EnsembleWeights:
    """A small Roost of few epochs, which tells False and True apart."""
    return _fitted("metal", as_classes=True, model="roost", model_settings=NARROW, unit="", members=1)


def _fitted(target: str, *, as_classes: bool = False, **settings: Any) -> EnsembleWeights:
    read = read_properties(EXCERPT, target=target, as_classes=as_classes)
    rows = read.rows.take(np.arange(0, len(read.rows), 5))
    whole = EnsembleSettings(target=target, classes=read.classes, volume_scaling=False, **settings)
    members = [fit_member(rows, whole, member=member, seed=1) for member in range(whole.members)]
    return replace(gather(members, settings=whole), learned=learned_from(rows, target))
