"""What a campaign may ask for at its end: recipes for the phases that it has found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.hull.end_members import check_end_members
from aiida_mlhull.science.recipes.rankings import FROM_LITERATURE
from aiida_mlhull.science.recipes.recommend import RecipeSettings
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.strict import Strict


class LiteratureSource(Strict):
    """Where published recipes are: exactly one of the two.

    Attributes:
        file: text-mined JSON, or a table.
        node: pk, UUID or label of a stored ``mlhull.recipes``.
    """

    file: Path | None = None
    node: str | None = Field(default=None, min_length=1, coerce_numbers_to_str=True)

    @model_validator(mode="after")
    def _one_place(self) -> LiteratureSource:
        if (self.file is None) == (self.node is None):
            raise ValueError("name exactly one of file, node")
        return self


class RecipesRequest(RecipeSettings):
    """What ``recipes`` of a campaign file may say: settings, and where published recipes are.

    Attributes:
        literature: published recipes, for precedents and the rankings that need them; a bare path stands for its ``file``.
    """

    literature: LiteratureSource | None = None

    @field_validator("literature", mode="before")
    @classmethod
    def _bare_path(cls, value: Any) -> Any:
        return {"file": value} if isinstance(value, str | Path) else value

    def settings(self) -> RecipeSettings:
        """The settings alone."""
        return RecipeSettings.model_validate(self.model_dump(exclude={"literature"}))


def check_recipes(settings: RecipeSettings, references: References, *, has_literature: bool) -> None:
    """Refuse recipes that could not be asked for when a campaign ends.

    Raises:
        InputError: if published recipes are needed, but none are there.
        MissingEndMembersError: if an element that precursors may bring has no elemental reference.
    """
    asking = [f"ranking {settings.ranking}"] if settings.ranking in FROM_LITERATURE else []
    asking += ["source literature"] if settings.source == "literature" else []
    if asking and not has_literature:
        raise InputError(f"recipes: {asking[0]} needs published recipes: name them with 'literature' under 'recipes'")
    check_end_members(list(settings.extra_elements), references)
