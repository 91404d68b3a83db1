"""What has come of an import so far, so that an interrupted one goes on where it stopped.

A file of JSON lines: first what was asked for, then one line for every page with its entries as the source
sent them, and where the next page is. A line that was cut off by the interruption is written again.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from aiida_mlhull.science.errors import InputError, WireError


@dataclass(frozen=True)
class Page:
    """What one request gave.

    Attributes:
        entries: as they came.
        after: where the next page is; empty if this was the last one.
        total: entries in all, as far as the source says.
        skipped: entries, at most, that a page held which could not be had.
        more: whether the source says that there is more, but not where.
    """

    entries: list[dict[str, Any]]
    after: str
    total: int | None = None
    skipped: int = 0
    more: bool = False


class Journal:
    """The pages of one import.

    Args:
        path: the file; it need not be there yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def head(self) -> dict[str, Any] | None:
        """What was asked for; None if nothing has been kept yet.

        Raises:
            WireError: if the file is not a journal.
        """
        first = next(self._lines(), None)
        if first is None:
            return None
        try:
            content = json.loads(first)
            return dict(content["asked"])
        except (ValueError, KeyError, TypeError) as error:
            raise WireError(
                f"{self.path} is not a journal of an import: move it away, or choose another output"
            ) from error

    def begin(self, asked: Mapping[str, Any], **told: Any) -> bool:
        """Begin, or go on with what was begun before; of a query without any answer nothing is kept.

        Args:
            asked: the query.
            told: what the source has answered about it, kept for later.

        Returns:
            Whether something was there already.

        Raises:
            InputError: if the journal is of another query.
        """
        known = self.head()
        if known is None or next(self.pages(), None) is None:
            self.path.write_text(json.dumps({"asked": dict(asked), "told": told}) + "\n")
            return False
        if known != json.loads(json.dumps(dict(asked))):
            differ = sorted(key for key in {*known, *asked} if known.get(key) != asked.get(key))
            raise InputError(
                f"{self.path} was begun for something else ({', '.join(differ)} differ): finish that import, choose "
                f"another output, or delete the file to begin from scratch"
            )
        self._mend()
        return True

    def told(self) -> dict[str, Any]:
        """What the source had answered at the beginning."""
        return dict(json.loads(next(self._lines()))["told"])

    def append(self, page: Page) -> None:
        """Keep a page."""
        with self.path.open("a") as stream:
            stream.write(json.dumps(asdict(page)) + "\n")

    def pages(self) -> Iterator[Page]:
        """What was kept, page by page."""
        lines = self._lines()
        next(lines, None)
        for line in lines:
            try:
                yield Page(**json.loads(line))
            except (ValueError, TypeError) as error:
                raise WireError(f"{self.path}: a line that is not a page of an import; delete the file") from error

    def _lines(self) -> Iterator[str]:
        """Whole lines; the last one may have been cut off."""
        if not self.path.exists():
            return
        with self.path.open() as stream:
            for line in stream:
                if line.endswith("\n"):
                    yield line

    def _mend(self) -> None:
        """Drop a line that was cut off."""
        raw = self.path.read_bytes()
        whole = raw.rfind(b"\n") + 1
        if whole < len(raw):
            with self.path.open("r+b") as stream:
                stream.truncate(whole)
