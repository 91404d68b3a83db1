"""Files that commands read and write, checked while the command line is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, cast

import click


class NewFile(click.Path):
    """A file to be written: what has taken an hour shall not end at a folder that isn't there.

    Args:
        suffixes: that it may have; any if none are named.
    """

    def __init__(self, *suffixes: str) -> None:
        super().__init__(path_type=Path, dir_okay=False, writable=True)
        self.suffixes = suffixes

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path, or a usage error that says why it can't be written."""
        path = cast("Path", super().convert(value, param, ctx))
        folder = path.absolute().parent
        if not folder.is_dir():
            self.fail(f"{path} can't be written: there is no folder {folder}", param, ctx)
        if self.suffixes and path.suffix not in self.suffixes:
            self.fail(f"{path.name}: known are {', '.join(self.suffixes)}", param, ctx)
        return path


NEW: Final = NewFile()
NEW_PICTURE: Final = NewFile(".html", ".png", ".pdf", ".svg")
NEW_CANDIDATES: Final = NewFile(".parquet", ".csv")
NEW_TABLE: Final = NewFile(".csv", ".json", ".parquet")
KNOWN: Final = click.Path(path_type=Path, dir_okay=False, exists=True)
"""A file to be read."""
KNOWN_OR_FOLDER: Final = click.Path(path_type=Path, exists=True)
