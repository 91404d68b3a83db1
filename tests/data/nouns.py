"""One small noun of every kind, all about the same six rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from aiida_mlhull.science.representations.protostructure import read_protostructure
from aiida_mlhull.science.types import (
    Candidates,
    Crystals,
    Decisions,
    EnsembleWeights,
    Labels,
    MemberWeights,
    Predictions,
    References,
    Substitutions,
    Table,
    Wyckoff,
)

IDS: Final = np.asarray([f"c{i}" for i in range(6)])
FORMULAS: Final = np.asarray(["TiN", "ZnN", "TiZn", "NaN", "TiN", "Ti"])
NUMBERS: Final = [[22, 7], [30, 7], [22, 30], [11, 7], [22, 7], [22]]
SITES: Final = [[0.0, 0.0, 0.0], [0.5, 0.5, 0.5]]


def crystals() -> Crystals:
    """Cubic cells, each a little larger than the one before."""
    cells = [np.eye(3) * (4.0 + 0.1 * i) for i in range(6)]
    return Crystals.from_lists(cells, NUMBERS, [SITES[: len(numbers)] for numbers in NUMBERS])


def candidates(**changes: Any) -> Candidates:
    values: dict[str, Any] = {
        "ids": IDS,
        "formulas": FORMULAS,
        "crystals": crystals(),
        "protostructures": np.asarray(["AB_cP2_221_a_b:N-Ti", "", "", "", "AB_cP2_221_a_b:N-Ti", ""]),
        "origins": np.asarray([f"file.csv row {i}" for i in range(6)]),
        "source": "file.csv",
    }
    return Candidates(**values | changes)


def predictions() -> Predictions:
    return Predictions(
        ids=IDS,
        formulas=FORMULAS,
        members=np.asarray([[-1.0, -1.2], [0.5, 0.7], [0.1, 0.1], [-0.3, 0.3], [-2.0, -2.0], [0.0, 0.0]]),
        member_aleatoric=np.full((6, 2), 0.1),
        model="cgcnn",
    )


def decisions(**changes: Any) -> Decisions:
    values: dict[str, Any] = {
        "ids": IDS,
        "formulas": FORMULAS,
        "keep": np.asarray([True, False, False, False, True, False]),
        "reasons": np.asarray(
            [
                "within_threshold",
                "above_threshold",
                "above_threshold",
                "failed: unphysical_cell",
                "within_threshold",
                "same_as c0",
            ]
        ),
        "values": np.asarray([0.0, 0.6, 0.3, 0.0, 0.1, 0.0]),
        "thresholds": np.full(6, 0.2),
        "margins": np.asarray([0.2, -0.4, -0.1, 0.0, 0.1, 0.0]),
        "scores": np.arange(6.0),
        "rule": "two_sigma",
        "stage": "volume",
        "round": 2,
    }
    return Decisions(**values | changes)


def labels(**changes: Any) -> Labels:
    values: dict[str, Any] = {
        "ids": IDS,
        "formulas": FORMULAS,
        "energies": np.asarray([-9.0, -4.5, np.nan, -4.25, -8.75, -7.5]),
        "crystals": crystals(),
        "failures": np.asarray(["", "", "not_converged_ionically: after 100 steps", "", "", ""]),
        "core_minutes": np.full(6, 0.5),
        "stage": "volume",
        "engine": "potential",
        "scheme": "CHGNet 0.3.0, MP2020-corrected",
    }
    return Labels(**values | changes)


def references(**changes: Any) -> References:
    values: dict[str, Any] = {
        "ids": IDS,
        "formulas": np.asarray(["Ti", "Zn", "N", "Na", "TiN", "Ti"]),
        "energies": np.asarray([-7.8, -1.2, -8.3, -1.3, -9.7, -7.7]),
        "source": "a table",
        "scheme": "PBE",
    }
    return References(**values | changes)


def ensemble() -> EnsembleWeights:
    random = np.random.default_rng(0)
    members = tuple(
        MemberWeights(
            arrays={"layer": random.normal(size=(4, 3)).astype(np.float32), "depths": np.arange(3)},
            meta={"elements": ["N", "Ti"]},
            scores={"validation_mae": 0.1 + 0.01 * seed, "validation_mse": 0.02, "epochs": 12},
            seed=seed,
        )
        for seed in (3, 7)
    )
    return EnsembleWeights(
        model="cgcnn", settings={"width": 64, "cutoff": 8.0}, members=members, versions={"torch": "2.13.0"}
    )


def wyckoff() -> Wyckoff:
    return read_protostructure("AB3C_cP5_221_a_c_b:Ba-O-Ti")


def substitutions() -> Substitutions:
    return Substitutions(
        elements=("N", "Ti", "Zn"),
        counts=np.asarray([[2, 0, 0], [0, 4, 3], [0, 3, 0]]),
        smoothing=0.5,
        n_crystals=6,
        n_kinds=2,
        source="a table",
    )


TABLES: Final[dict[str, Callable[[], Table]]] = {
    "candidates": candidates,
    "predictions": predictions,
    "decisions": decisions,
    "labels": labels,
    "references": references,
}
EVERY_NOUN: Final[dict[str, Callable[[], Any]]] = {
    **TABLES,
    "ensemble": ensemble,
    "substitutions": substitutions,
    "wyckoff": wyckoff,
}
