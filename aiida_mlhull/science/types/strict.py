"""What all settings have in common: strict checks, and messages in the words of the file that name every wrong key."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from inspect import cleandoc
from typing import Annotated, Any, Final, TypeVar, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, WithJsonSchema

from aiida_mlhull.science.errors import SettingsError, did_you_mean
from aiida_mlhull.science.units import share_of

Share = Annotated[float, Field(gt=0, le=1)]
Count = Annotated[int, Field(ge=1, strict=True)]

PERCENT: Final = re.compile(r"(\d+(?:\.\d+)?)\s*%")
SIMPLE: Final = (str, int, float, bool, type(None))
ATTRIBUTE: Final = re.compile(r"    (\w+): (.*)")


def _said_amount(value: Any) -> Any:
    """A count or a share; a percentage is the share that it means."""
    percentage = PERCENT.fullmatch(value.strip()) if isinstance(value, str) else None
    said = float(percentage[1]) / 100 if percentage else value
    whole = isinstance(said, int) and not isinstance(said, bool) and said >= 1
    if whole or (isinstance(said, float) and 0 < said <= 1):
        return said
    raise ValueError(
        f"{value!r} is neither a number of candidates, such as 60, nor a share of them, such as 0.03 or 3%"
    )


Amount = Annotated[
    Count | Share,
    BeforeValidator(_said_amount),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "integer", "minimum": 1},
                {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
                {"type": "string", "pattern": r"^\d+(\.\d+)?\s*%$"},
            ]
        }
    ),
]
"""A whole number of candidates, or a share of them: 0 < share <= 1, written with a decimal point or in percent."""

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
        problems = "; ".join(_problem(settings, values, item) for item in _first_causes(error))
        raise SettingsError(f"{what}: {problems}") from error


def keys_in(error: Exception) -> set[str]:
    """The outermost keys that an error of :func:`validated` is about."""
    cause = error.__cause__
    return (
        {str(item["loc"][0]) for item in cause.errors() if item["loc"]} if isinstance(cause, ValidationError) else set()
    )


def _first_causes(error: ValidationError) -> list[Any]:
    """Errors without those that follow from them: a list is called too short where its items are wrong."""
    items: list[Any] = list(error.errors())
    wrong = [item["loc"] for item in items if item["type"] != "too_short"]
    return [
        item
        for item in items
        if item["type"] != "too_short" or not any(loc[: len(item["loc"])] == item["loc"] for loc in wrong)
    ]


def described(settings: type[BaseModel]) -> dict[str, str]:
    """What the docstrings of a settings class, and of those that it is made from, say of every key."""
    found: dict[str, str] = {}
    for kind in reversed([base for base in settings.__mro__ if issubclass(base, BaseModel)]):
        _, _, section = cleandoc(kind.__doc__ or "").partition("Attributes:\n")
        name = ""
        for line in section.splitlines():
            if match := ATTRIBUTE.fullmatch(line):
                name, found[match[1]] = match[1], match[2]
            elif line.startswith(" " * 8) and name:
                found[name] += f" {line.strip()}"
            elif line.strip():
                break
    return {key: found[key] for key in settings.model_fields if key in found}


def _problem(settings: type[BaseModel], values: Any, item: Any) -> str:
    where = ".".join(_spoken(values, item["loc"]))
    if item["type"] == "extra_forbidden":
        key, known = item["loc"][-1], _keys_at(settings, item["loc"][:-1])
        return f"{where}: unknown key" + (f" (known: {', '.join(known)}){did_you_mean(key, known)}" if known else "")
    if item["type"] == "missing":
        return f"{where} is missing"
    problem, given = item["msg"].removeprefix("Value error, "), item.get("input")
    if item["type"] != "value_error" and isinstance(given, SIMPLE):
        problem = f"{problem} (here: {given!r})"
    return f"{where}: {problem}" if where else str(problem)


def _spoken(values: Any, path: Sequence[str | int]) -> list[str]:
    """The way to a key; list items that have a name are called by it."""
    words, here = [], values
    for part in path:
        try:
            here = here[part]
        except (KeyError, IndexError, TypeError):
            here = None
        name = here.get("name") if isinstance(here, Mapping) and isinstance(part, int) else None
        words.append(str(part if name is None else name))
    return words


def _keys_at(settings: type[BaseModel], path: Sequence[str | int]) -> list[str]:
    """Keys that are known there; none where that can't be told."""
    here: type[BaseModel] | None = settings
    for part in path:
        if isinstance(part, int):
            continue
        field = None if here is None else here.model_fields.get(part)
        here = None if field is None else _model_in(field.annotation)
    return [] if here is None else list(here.model_fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The settings class that an annotation is of, ``tuple[StageSettings, ...]`` say."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next(filter(None, map(_model_in, get_args(annotation))), None)
