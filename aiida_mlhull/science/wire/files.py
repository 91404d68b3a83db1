"""Files that are there whole or not at all, and what JSON can't hold."""

from __future__ import annotations

from math import isnan
from pathlib import Path
from typing import Any


def write_whole(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path`` so that a killed process leaves the old file or the new one, never half of one.

    Raises:
        OSError: if it can't be written; nothing is left of the try then, so that a full disk isn't kept full by it.
    """
    part = path.with_name(f"{path.name}.part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def without_nan(value: Any) -> Any:
    """The same for JSON, which has no NaN: missing numbers become None, however deep they lie."""
    if isinstance(value, dict):
        return {key: without_nan(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(inner) for inner in value]
    return None if isinstance(value, float) and isnan(value) else value
