"""Structures from any database that speaks OPTIMADE (Andersen et al., Sci. Data 8 (2021) 217).

Asked is ``/v1/structures`` with a filter, page by page by the links that the server gives. The standard
doesn't cover energies; what a provider adds under names of its own (``_oqmd_stability``) is found in
``/v1/info/structures`` and kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

from aiida_mlhull.science.errors import InputError, WireError
from aiida_mlhull.science.sources.base import ColumnKind, Row
from aiida_mlhull.science.sources.client import Client, complaints
from aiida_mlhull.science.sources.journal import Page
from aiida_mlhull.science.sources.links import LIMIT, beyond, next_link
from aiida_mlhull.science.sources.optimade_entries import CELL_FIELDS, attributes_of, row_of
from aiida_mlhull.science.sources.paged import PagedSource

ENERGY_WORDS: Final = re.compile(r"energ|hull|stabilit|delta_e|formation|enthalp", re.IGNORECASE)
PAGE: Final = 100
MOST_SKIPPED: Final = 3
"""Pages that may fail one after the other; after that the server is down, not a page broken."""


class Optimade(PagedSource):
    """Structures that a filter finds.

    Args:
        url: base URL of the database, with or without the version: ``https://optimade.odbx.science``.
        query: OPTIMADE filter, ``elements HAS ONLY "Ti","N"``; everything if empty.
        page_size: structures a request.
        keep: provider's columns to keep; those that are about energies if None.
        client: makes the requests.
        partial: see :class:`~aiida_mlhull.science.sources.paged.PagedSource`.
        skip_pages: whether a page that always fails is passed over, and counted.
    """

    def __init__(
        self,
        url: str,
        *,
        query: str = "",
        page_size: int = PAGE,
        keep: tuple[str, ...] | None = None,
        client: Client | None = None,
        partial: bool = False,
        skip_pages: bool = False,
    ) -> None:
        if urlsplit(url).scheme not in {"http", "https"}:
            raise InputError(f"{url!r} is not an address of a database: it should begin with https://")
        super().__init__(partial=partial)
        self._base = re.sub(r"/v\d+(\.\d+)*$", "", url.rstrip("/")) + "/v1"
        self.name = urlsplit(url).netloc
        self._query = query
        self._page_size = page_size
        self._keep = keep
        self._client = client or Client()
        self._skip_pages = skip_pages

    def asked(self) -> dict[str, Any]:
        """Database and filter; the size of a page makes no difference."""
        return {"source": "optimade", "url": self._base, "filter": self._query, "keep": self._keep and list(self._keep)}

    def offers(self) -> dict[str, ColumnKind]:
        """The provider's columns about energies, or those that were asked for.

        Raises:
            InputError: if a column was asked for that the provider doesn't have.
        """
        properties = self.properties()
        own = [name for name in properties if name.startswith("_")]
        missing = sorted(set(self._keep or ()) - set(properties))
        if missing:
            raise InputError(f"{self.name} has no columns {', '.join(missing)}; its own are: {', '.join(sorted(own))}")
        wanted = [name for name in own if ENERGY_WORDS.search(name)] if self._keep is None else self._keep
        return {name: _kind(properties[name]) for name in sorted(wanted)}

    def properties(self) -> Mapping[str, Any]:
        """What the database says of its structures, by column.

        Raises:
            WireError: if it says nothing that can be understood.
        """
        about = self._client.get(f"{self._base}/info/structures").get("data")
        properties = about.get("properties") if isinstance(about, Mapping) else None
        if not isinstance(properties, Mapping):
            raise WireError(f"{self.name}: doesn't describe its structures; is {self._base} an OPTIMADE database?")
        return properties

    def pages(self, after: str, columns: Mapping[str, ColumnKind]) -> Iterator[Page]:
        """Follow the server's links to the next page.

        Raises:
            InputError: if the server refuses the filter.
            WireError: if it can't be reached, or its links lead nowhere new.
        """
        fields = ",".join([*CELL_FIELDS, *columns])
        asked = {"filter": self._query, "response_fields": fields, LIMIT: str(self._page_size)}
        link = after or f"{self._base}/structures?{urlencode({key: value for key, value in asked.items() if value})}"
        seen: set[str] = set()
        rows, failed = self._page_size, 0
        while link:
            seen.add(link)
            try:
                page = self._page(self._client.get(link), here=link, asked=asked)
            except WireError as error:
                failed += 1
                if not self._skip_pages and (after or len(seen) > 1):
                    raise type(error)(f"{error}; --skip-pages passes over a page that always fails") from error
                if not self._skip_pages or failed > MOST_SKIPPED:
                    raise
                page = Page([], beyond(link, rows=rows), skipped=rows)
            else:
                rows, failed = len(page.entries), 0
            if page.after in seen:
                raise WireError(f"{self.name}: the link to the next page leads back to {page.after}")
            link = page.after
            yield page

    def row(self, entry: Mapping[str, Any]) -> Row:
        """A structure, or why it isn't a crystal with every site occupied by one element."""
        return row_of(entry)

    def _page(self, answer: Mapping[str, Any], *, here: str, asked: Mapping[str, str]) -> Page:
        """What an answer holds; an empty page is the last one, wherever it links to (AFLOW's do)."""
        data = answer.get("data")
        if isinstance(data, Mapping):
            data = [data]
        words = complaints(answer)
        if not isinstance(data, list) or (words and not data):
            raise WireError(f"{self.name}: an answer without structures{words and ': '}{words}")
        meta = answer.get("meta")
        meta = meta if isinstance(meta, Mapping) else {}
        total, more = _count(meta.get("data_returned")), meta.get("more_data_available")
        link = next_link(answer, here=here, asked=asked) if data and more is not False else ""
        entries = [attributes_of(entry, place=f"entry {number} of {here}") for number, entry in enumerate(data, 1)]
        return Page(entries, link, total, more=more is True and not link)


def _kind(about: Any) -> ColumnKind:
    declared = about.get("type") if isinstance(about, Mapping) else None
    return "number" if declared in ("float", "integer") else "text"


def _count(announced: Any) -> int | None:
    """A number of structures; None where a server says something else."""
    if isinstance(announced, str) and announced.isdecimal():
        return int(announced)
    return announced if isinstance(announced, int) and not isinstance(announced, bool) and announced >= 0 else None
