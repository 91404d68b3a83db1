"""Sources that answer page by page, and whose answers are kept until all of them are there."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.sources.base import Kind, Portion, Row, Source, sift
from aiida_mlhull.science.sources.journal import Journal, Page


class PagedSource(Source):
    """A source that is asked for one page after the other."""

    waits: ClassVar[bool] = True

    @abstractmethod
    def asked(self) -> dict[str, Any]:
        """The query; an interrupted import goes on only with the same one."""

    @abstractmethod
    def offers(self) -> dict[str, Kind]:
        """Columns beside the cells that are to be kept; asked once, at the beginning."""

    @abstractmethod
    def pages(self, after: str, columns: Mapping[str, Kind]) -> Iterator[Page]:
        """Pages from the place that an earlier one has named; from the beginning if that is empty."""

    @abstractmethod
    def row(self, entry: Mapping[str, Any]) -> Row:
        """An entry as the source sent it, as a structure or with the reason why it is none."""

    def columns(self, journal: Path) -> dict[str, Kind]:
        """Columns that were asked for at the beginning."""
        return dict(Journal(journal).told()["columns"])

    def portions(self, journal: Path) -> Iterator[Portion]:
        """Pages that are in the journal already, then the others, each one kept before it is worked on.

        Raises:
            InputError: if the journal is of another query.
            WireError: if the source can't be reached; what has come is kept.
        """
        kept = Journal(journal)
        if next(kept.pages(), None) is None:
            kept.begin(self.asked(), columns=self.offers())
        else:
            kept.begin(self.asked())
        columns, last = self.columns(journal), None
        for page in kept.pages():
            last = page
            yield self._portion(page, columns)
        if last is not None and not last.after:
            return
        try:
            for page in self.pages("" if last is None else last.after, columns):
                kept.append(page)
                yield self._portion(page, columns)
        except WireError as error:
            raise WireError(f"{error}; what has come is kept in {journal.name}: the same command goes on") from error

    def _portion(self, page: Page, columns: Mapping[str, Kind]) -> Portion:
        rows = {row.identifier: row for row in map(self.row, page.entries)}
        return sift(self.name, list(rows.values()), columns=list(columns), total=page.total)
