"""What the rows of a file of many are called: by what they say of themselves, else by file and number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

ID_KEYS: Final = ("structure_id", "id", "material_id", "entry_id")


def identifier(entry: Any) -> str:
    """The first id that an entry has; empty where it has none, or null.

    Objects for ids, such as emmet's ``MPID``, stand for the text in them.
    """
    if not isinstance(entry, Mapping):
        return ""
    for key in ID_KEYS:
        text = _text(entry.get(key))
        if text:
            return text
    return ""


def _text(value: Any) -> str:
    if isinstance(value, Mapping):
        plain = [value.get(key) for key in ("string", "id", "value", "$oid") if value.get(key)]
        return _text(plain[0]) if plain else ""
    if isinstance(value, bool) or value is None or isinstance(value, list):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    text = "" if isinstance(value, float) and value != value else str(value).strip()  # noqa: PLR0124  (NaN)
    return text.encode("utf-8", "replace").decode()


def numbered(stem: str, number: int, total: int) -> str:
    """Name and running number, with zeros in front so that they sort."""
    return f"{stem}_{number:0{len(str(total))}d}"
