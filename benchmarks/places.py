"""Where public data lie that are too large to ship."""

from __future__ import annotations

import os
from pathlib import Path


def find(table: str, folder: Path | None = None) -> Path | None:
    """A table in ``folder``, else in ``$MLHULL_DATA``, else in a folder ``shared/data`` beside the project.

    Args:
        table: path inside of the folder.
        folder: where to look first.
    """
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    places = [folder, Path(os.environ["MLHULL_DATA"]) if "MLHULL_DATA" in os.environ else None, beside]
    return next((place / table for place in places if place is not None and (place / table).is_file()), None)
