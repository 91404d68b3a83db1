"""Where an answer's next page is: links as servers write them, and what has to be mended in them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit, urlunsplit

from aiida_mlhull.science.errors import WireError

OFFSET: Final = "page_offset"
NUMBER: Final = "page_number"
LIMIT: Final = "page_limit"


def next_link(answer: Mapping[str, Any], *, here: str, asked: Mapping[str, str]) -> str:
    """The address of the next page; empty after the last one.

    Links may be strings or objects, whole or relative to ``here`` (RFC 3986, section 5). Servers that forget in
    their links what was asked for (materials-consortia/OPTIMADE, issue 391) are reminded of it.

    Args:
        answer: of the server.
        here: the address that it came from.
        asked: query of the first page; what the link doesn't repeat is put back.

    Raises:
        WireError: if the link can't be followed.
    """
    links = answer.get("links")
    link = links.get("next") if isinstance(links, Mapping) else links
    target = link.get("href") if isinstance(link, Mapping) else link
    if not target:
        return ""
    if not isinstance(target, str):
        raise WireError(f"a link to the next page that is not a link: {target!r:.100}")
    try:
        whole = urlsplit(urljoin(here, target))
        known = dict(parse_qsl(whole.query, keep_blank_values=True))
    except ValueError as error:
        raise WireError(f"a link to the next page that can't be followed: {target!r:.100}") from error
    if whole.scheme not in {"http", "https"}:
        raise WireError(f"a link to the next page that is not followed: {target!r:.100}")
    forgotten = {key: value for key, value in asked.items() if value and key not in known and key != LIMIT}
    if not forgotten:
        return urlunsplit(whole)
    return urlunsplit(whole._replace(query="&".join(filter(None, [whole.query, urlencode(forgotten)]))))


def beyond(link: str, *, rows: int) -> str:
    """The page after the one at ``link``, of which nothing is known but its place.

    Args:
        link: address of a page.
        rows: structures that a page holds.

    Raises:
        WireError: if the address counts neither structures nor pages.
    """
    whole = urlsplit(link)
    query = dict(parse_qsl(whole.query, keep_blank_values=True))
    try:
        if NUMBER in query:
            query[NUMBER] = str(int(query[NUMBER]) + 1)
        elif OFFSET in query or not any(key.startswith("page_") and key != LIMIT for key in query):
            query[OFFSET] = str(int(query.get(OFFSET, "0")) + rows)
        else:
            raise WireError(f"a page that can't be skipped: its address doesn't count pages ({link})")
    except ValueError as error:
        raise WireError(f"a page that can't be skipped: its address doesn't count pages ({link})") from error
    return urlunsplit(whole._replace(query=urlencode(query)))
