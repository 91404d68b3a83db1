"""Recipes that a campaign file asks for, checked before it begins."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.campaign.recipes import check_recipes
from aiida_mlhull.science.errors import InputError, MissingEndMembersError
from aiida_mlhull.science.recipes import RecipeSettings
from aiida_mlhull.science.types import References

KNOWN = References.from_rows(ids=["Ti", "N"], formulas=["Ti", "N2"], energies=np.zeros(2), scheme="PBE")


def test_what_asks_the_literature_needs_one() -> None:
    for settings in (RecipeSettings(ranking="popularity"), RecipeSettings(source="literature")):
        with pytest.raises(InputError, match="needs published recipes"):
            check_recipes(settings, KNOWN, has_literature=False)
        check_recipes(settings, KNOWN, has_literature=True)
    check_recipes(RecipeSettings(), KNOWN, has_literature=False)


def test_elements_of_precursors_need_an_energy() -> None:
    with pytest.raises(MissingEndMembersError):
        check_recipes(RecipeSettings(extra_elements=("Cl",)), KNOWN, has_literature=False)
