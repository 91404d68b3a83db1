"""Energies of a few titanates and carbonates, and the recipes that a reader could write down."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.types import Recipes, References

FORMATION = {
    "Ba": 0.0, "Ti": 0.0, "O2": 0.0, "C": 0.0, "Sr": 0.0, "CO2": -1.38, "BaO": -2.83, "TiO2": -3.30, "SrO": -3.01,
    "BaTiO3": -3.42, "Ba2TiO4": -3.31, "SrTiO3": -3.51, "BaCO3": -2.50, "SrCO3": -2.50, "BaO2": -2.25,
}  # fmt: skip


@pytest.fixture
def titanates():
    return References.from_rows(
        ids=list(FORMATION),
        formulas=list(FORMATION),
        energies=np.asarray(list(FORMATION.values())),
        source="made for tests",
        scheme="formation energies",
    )


@pytest.fixture
def published():
    rows = [
        ("a", "BaTiO3", "BaCO3 + TiO2", "1 1", 1473.0, "10.1/a"),
        ("b", "BaTiO3", "BaCO3 + TiO2", "1 1", 1373.0, "10.1/b"),
        ("c", "BaTiO3", "BaCO3 + TiO2", "", 1423.0, "10.1/c"),
        ("d", "BaTiO3", "BaO + TiO2", "1 1", np.nan, "10.1/d"),
        ("e", "SrTiO3", "SrCO3 + TiO2", "1 1", 1500.0, "10.1/e"),
    ]
    ids, formulas, precursors, amounts, temperatures, references = (list(column) for column in zip(*rows, strict=True))
    empty = [""] * len(rows)
    return Recipes.from_rows(
        ids=ids, formulas=formulas, precursors=precursors, amounts=amounts, actions=["Mixing HeatingOperation"] * 5,
        temperatures=temperatures, hours=[12.0, 8.0, np.nan, np.nan, 4.0], atmospheres=empty, references=references,
        kinds=["solid_state"] * 5, parents=empty, source="made for tests",
    )  # fmt: skip
