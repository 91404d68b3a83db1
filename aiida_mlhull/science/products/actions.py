"""What was done, as numbers: the seven kinds of steps of the text-mined recipes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.types import Recipes
from aiida_mlhull.science.types.crystals import Floats, Integers

ACTIONS: Final = (
    "Mixing", "SolutionMixing", "LiquidGrinding", "ShapingOperation", "DryingOperation", "HeatingOperation",
    "QuenchingOperation",
)  # fmt: skip
"""Kononova et al., Sci. Data 6 (2019) 203, and three kinds of mixing told apart."""
LONGEST: Final = 20
"""Steps of one recipe that are looked at."""
GASES: Final = ("air", "oxygen", "hydrogen", "nitrogen", "argon", "vacuum")
NOTHING: Final = len(ACTIONS)
"""Token after the last step."""


def action_counts(recipes: Recipes) -> Floats:
    """(n, 7) how often each kind of step occurs."""
    tokens = action_tokens(recipes)
    return np.asarray([np.bincount(row, minlength=NOTHING + 1)[:NOTHING] for row in tokens], dtype=np.float64)


def action_tokens(recipes: Recipes) -> Integers:
    """(n, LONGEST) steps in order; steps of other kinds are left out, and the rest is :data:`NOTHING`."""
    place = {name: i for i, name in enumerate(ACTIONS)}
    rows = np.full((len(recipes), LONGEST), NOTHING, dtype=np.int64)
    for i, text in enumerate(recipes.actions.tolist()):
        steps = [place[name] for name in text.split() if name in place][:LONGEST]
        rows[i, : len(steps)] = steps
    return rows


def in_gases(recipes: Recipes) -> NDArray[np.bool_]:
    """(n, 6) whether each of :data:`GASES` is among a recipe's atmospheres."""
    return np.stack([np.char.find(recipes.atmospheres, gas) >= 0 for gas in GASES], axis=1)
