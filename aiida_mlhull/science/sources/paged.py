"""Sources that answer page by page, and whose answers are kept until all of them are there."""

from __future__ import annotations

from abc import abstractmethod
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, ClassVar, Final

from aiida_mlhull.science.errors import IncompleteAnswerError, WireError
from aiida_mlhull.science.sources.base import ColumnKind, Portion, Row, Source, sift
from aiida_mlhull.science.sources.journal import Journal, Page
from aiida_mlhull.science.types.reasons import Reason

STALE: Final = 2
"""Pages without anything new after which a server is taken to go round in circles."""

FAR_BEYOND: Final = 10
"""Times the announced number of entries; a server that sends more has no end."""


@dataclass
class _Progress:
    """What has come so far.

    Attributes:
        entries: number of them, repeated ones included.
        announced: the largest number that the source has named; None if it names none.
        skipped: entries on pages that were passed over, at most.
        stale: pages in a row that brought nothing new.
        names: ids that came.
    """

    entries: int = 0
    announced: int | None = None
    skipped: int = 0
    stale: int = 0
    names: set[str] = field(default_factory=set)

    def count(self, page: Page) -> None:
        names = {str(entry.get("id", entry.get("material_id"))) for entry in page.entries}
        self.stale = self.stale + 1 if page.entries and names <= self.names else 0
        self.names |= names
        self.entries += len(page.entries)
        self.skipped += page.skipped
        self.announced = max(filter(None, [self.announced, page.total]), default=page.total)

    @property
    def missing(self) -> int:
        """Entries that were announced but didn't come."""
        return max((self.announced or 0) - self.entries, 0)


class PagedSource(Source):
    """A source that is asked for one page after the other.

    Args:
        partial: whether fewer entries than the source announced are taken, and said to be a part; else an error.
    """

    waits: ClassVar[bool] = True

    def __init__(self, *, partial: bool = False) -> None:
        self.partial = partial

    @abstractmethod
    def asked(self) -> dict[str, Any]:
        """The query; an interrupted import goes on only with the same one."""

    @abstractmethod
    def offers(self) -> dict[str, ColumnKind]:
        """Columns beside the cells that are to be kept; asked once, at the beginning."""

    @abstractmethod
    def pages(self, after: str, columns: Mapping[str, ColumnKind]) -> Iterator[Page]:
        """Pages from the place that an earlier one has named; from the beginning if that is empty."""

    @abstractmethod
    def row(self, entry: Mapping[str, Any]) -> Row:
        """An entry as the source sent it, as a structure or with the reason why it is none."""

    def columns(self, journal: Path) -> dict[str, ColumnKind]:
        """Columns that were asked for at the beginning."""
        return dict(Journal(journal).told()["columns"])

    def portions(self, journal: Path) -> Iterator[Portion]:
        """Pages that are in the journal already, then the others, each one kept once it is understood.

        Raises:
            InputError: if the journal is of another query.
            IncompleteAnswerError: if fewer entries came than the source announced, and that is not asked for.
            WireError: if the source can't be reached; what has come is kept.
        """
        kept = Journal(journal)
        if next(kept.pages(), None) is None:
            kept.begin(self.asked(), columns=self.offers())
        else:
            kept.begin(self.asked())
        columns, last, progress = self.columns(journal), None, _Progress()
        for page in kept.pages():
            last = page
            yield self._portion(page, columns, progress)
        if last is not None and not last.after:
            return
        try:
            for page in self.pages("" if last is None else last.after, columns):
                portion = self._portion(page, columns, progress)
                ends = not page.after or self._goes_nowhere(progress)
                if ends and not self.partial:
                    self._hold_against(progress, page)
                kept.append(replace(page, after="") if ends else page)
                yield portion
                if ends:
                    return
        except WireError as error:
            raise type(error)(f"{error}; what has come is kept in {journal.name}: the same command goes on") from error

    def _goes_nowhere(self, progress: _Progress) -> bool:
        """Whether nothing new is to be expected: a skipped tail, pages that repeat themselves.

        Raises:
            WireError: if the source sends far more than it announced.
        """
        announced = progress.announced
        if announced and progress.entries > FAR_BEYOND * max(announced, len(progress.names), 100):
            raise WireError(f"{self.name}: sends more and more entries, {progress.entries} so far of {announced}")
        tail = bool(progress.skipped) and announced is not None and progress.entries + progress.skipped >= announced
        return tail or progress.stale >= STALE

    def _hold_against(self, progress: _Progress, page: Page) -> None:
        """Compare what came with what was announced, at the end.

        Raises:
            IncompleteAnswerError: if something is missing that wasn't skipped.
        """
        missing = progress.missing - progress.skipped
        if missing > 0:
            raise IncompleteAnswerError(
                f"{self.name} announced {progress.announced} entries, but its pages end after {progress.entries}: "
                f"{progress.missing} are missing; --partial takes what came"
            )
        if page.more and not progress.announced:
            raise IncompleteAnswerError(
                f"{self.name} says that there are more entries than the {progress.entries} that came, but not where; "
                f"--partial takes what came"
            )

    def _portion(self, page: Page, columns: Mapping[str, ColumnKind], progress: _Progress) -> Portion:
        progress.count(page)
        portion = sift(self.name, unique([self.row(entry) for entry in page.entries]), columns=list(columns))
        return replace(
            portion, total=progress.announced, missing=progress.missing if not page.after else 0, skipped=page.skipped
        )


def unique(rows: list[Row]) -> list[Row]:
    """The rows under names that occur once: of one that comes again the later ones are left out as repeated."""
    seen: Counter[str] = Counter()
    different = []
    for row in rows:
        name = row.identifier.replace("\0", "").encode(errors="replace").decode() or "(no id)"
        seen[name] += 1
        if seen[name] == 1:
            different.append(replace(row, identifier=name))
        else:
            different.append(Row(f"{name} (time {seen[name]})", None, Reason.REPEATED, "on the same page"))
    return different
