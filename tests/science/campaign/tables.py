"""Tables small enough to check by hand."""

from __future__ import annotations

from typing import Any

import numpy as np

from aiida_mlhull.science.campaign import CampaignSettings, campaign_settings
from aiida_mlhull.science.types import Candidates, Crystals, Labels, Predictions, References

CUBE = np.eye(3) * 3.0


def crystals(n: int) -> Crystals:
    """n one-atom cells of lithium."""
    return Crystals.from_lists([CUBE] * n, [[3]] * n, [[0.0, 0.0, 0.0]] * n)


def candidates(formulas: list[str]) -> Candidates:
    n = len(formulas)
    return Candidates.from_rows(
        ids=[f"c{i:03d}" for i in range(n)],
        formulas=formulas,
        crystals=crystals(n),
        protostructures=[""] * n,
        origins=["test"] * n,
    )


def labels(ids: list[str], formulas: list[str], energies: list[float], stage: str = "final") -> Labels:
    n = len(ids)
    return Labels.from_rows(
        ids=ids,
        formulas=formulas,
        energies=energies,
        crystals=crystals(n),
        failures=["" if np.isfinite(e) else "out_of_time" for e in energies],
        core_minutes=[1.0] * n,
        stage=stage,
        engine="recorded",
        scheme="test",
    )


REFERENCES = References.from_rows(
    ids=["Li", "O"], formulas=["Li", "O"], energies=[-1.0, -2.0], source="hand", scheme="test"
)


def settings(**overrides: Any) -> CampaignSettings:
    base = {
        "start": 20,
        "stages": [{"name": "final", "engine": "recorded", "gate": {"rule": "two_sigma", "rounds": 3}}],
    }
    return campaign_settings({**base, **overrides})


def predictions(values: dict[str, float], sigma: float = 0.01) -> Predictions:
    means = np.array(list(values.values()))
    return Predictions.from_rows(
        ids=list(values),
        formulas=["LiO"] * len(values),
        members=np.stack([means, means], axis=1),
        member_aleatoric=np.full((len(values), 2), sigma),
        model="by hand",
    )
