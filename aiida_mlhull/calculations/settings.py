"""Settings out of nodes, checked once per process: a stored node never changes."""

from __future__ import annotations

from typing import Any, Final, TypeVar

from aiida import orm
from pydantic import BaseModel

M = TypeVar("M", bound=BaseModel)

MOST: Final = 256
"""Settings that are remembered; a daemon's worker serves many campaigns one after the other."""

_checked: dict[tuple[str, type[BaseModel]], BaseModel] = {}


def settings_of(node: orm.Dict, kind: type[M]) -> M:
    """What a node holds, as checked settings.

    Args:
        node: of plain values.
        kind: of the settings.

    Raises:
        pydantic.ValidationError: if it holds something else.
    """
    if not node.is_stored:
        return kind.model_validate(node.get_dict())
    key = (str(node.uuid), kind)
    settings: Any = _checked.get(key)
    if settings is None:
        while len(_checked) >= MOST:
            del _checked[next(iter(_checked))]
        settings = _checked[key] = kind.model_validate(node.get_dict())
    return settings  # type: ignore[no-any-return]
