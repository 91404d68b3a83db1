"""What all settings have in common: strict checks, and messages that name every wrong key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.units import share_of

Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1, strict=True)]
Amount = Count | Share
"""A whole number of candidates, or a share of them (0 < share <= 1, written with a decimal point)."""

S = TypeVar("S", bound=BaseModel)


class Strict(BaseModel):
    """Unknown keys are refused, values don't change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def amount(value: Amount, total: int) -> int:
    """``value`` as a number out of ``total``: counts as they are, shares rounded up."""
    return min(value if isinstance(value, int) else share_of(total, value), total)


def validated(settings: type[S], values: Mapping[str, Any], *, what: str) -> S:
    """Make a settings object, with one message that names every wrong key.

    Raises:
        SettingsError: if a key is unknown, a type is wrong, or a value is out of bounds.
    """
    try:
        return settings.model_validate(dict(values))
    except ValidationError as error:
        problems = "; ".join(_problem(settings, item) for item in error.errors())
        raise SettingsError(f"{what}: {problems}") from error


def _problem(settings: type[BaseModel], item: Any) -> str:
    where = ".".join(str(part) for part in item["loc"])
    if item["type"] != "extra_forbidden":
        problem = item["msg"].removeprefix("Value error, ")
        return f"{where}: {problem}" if where else str(problem)
    known = settings.model_fields if len(item["loc"]) == 1 else {}
    return f"{where}: unknown key" + (f" (known: {', '.join(known)})" if known else "")
