"""Published recipes of which only target and precursors are known."""

from __future__ import annotations

import numpy as np

from aiida_mlhull.science.recipes import Literature
from aiida_mlhull.science.types import Recipes


def written(*rows: tuple[str, str]) -> Literature:
    """Targets with their precursors, as ``("BaTiO3", "BaCO3 + TiO2")``."""
    n = len(rows)
    return Literature(
        Recipes.from_rows(
            ids=[f"{i:04d}" for i in range(n)],
            formulas=[target for target, _ in rows],
            precursors=[sources for _, sources in rows],
            amounts=[""] * n,
            actions=[""] * n,
            temperatures=np.full(n, np.nan),
            hours=np.full(n, np.nan),
            atmospheres=[""] * n,
            references=[""] * n,
            kinds=["solid_state"] * n,
            parents=[""] * n,
        )
    )
