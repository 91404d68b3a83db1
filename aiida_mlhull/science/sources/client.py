"""JSON over HTTP, as slowly as a guest should ask, and again where a server is busy."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Final
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from urllib3 import BaseHTTPResponse, PoolManager, ProxyManager, Retry
from urllib3.exceptions import HTTPError, MaxRetryError

from aiida_mlhull.science.errors import InputError, WireError

AGENT: Final = "aiida-mlhull (import of candidates)"
BUSY: Final = (429, 500, 502, 503, 504)
"""Answers after which it is worth to ask again."""

REFUSED: Final = range(400, 500)
LONGEST_WAIT: Final = 300.0
"""s; a server that wants to be left alone for longer is given up for now."""


class _Retry(Retry):
    """urllib3's retries, which wait before the first one, too, and don't wait for hours."""

    def get_backoff_time(self) -> float:
        """Seconds until the next try where the server doesn't say how long to wait."""
        return max(super().get_backoff_time(), min(self.backoff_factor, self.backoff_max))

    def get_retry_after(self, response: BaseHTTPResponse) -> float | None:
        """Seconds that the server wants to be left alone for.

        Raises:
            WireError: if they are too many.
        """
        wait = super().get_retry_after(response)
        if wait is not None and wait > LONGEST_WAIT:
            raise WireError(
                f"can't be reached: {response.status} {response.reason}; it asks to be left alone for more than "
                f"{LONGEST_WAIT:.0f} s, try again later"
            )
        return wait


@dataclass
class Client:
    """Asks one thing after the other, through a proxy where the environment names one.

    Attributes:
        pause: s between two requests at least.
        timeout: s that an answer may take.
        tries: of a request, with waits that double.
        first_wait: s before a request is tried again, where the server doesn't say how long to wait.
    """

    pause: float = 0.5
    timeout: float = 60.0
    tries: int = 6
    first_wait: float = 2.0
    _last: float = field(default=0.0, repr=False)

    def get(self, url: str) -> dict[str, Any]:
        """What a URL answers.

        Raises:
            InputError: if the server refuses the request, with its reason.
            WireError: if it can't be reached, stays busy, or answers something else than JSON.
        """
        where = urlsplit(url)
        if where.scheme not in {"http", "https"}:
            raise WireError(f"a link that is not followed: {url}")
        time.sleep(max(self._last + self.pause - time.monotonic(), 0.0))
        try:
            answer = self._pool(where.scheme, where.hostname or "").request("GET", url)
        except MaxRetryError as error:
            problem = error.reason or error
            raise WireError(f"{where.netloc} can't be reached: {problem} (tried {self.tries} times)") from error
        except HTTPError as error:
            raise WireError(f"{where.netloc} can't be reached: {error}") from error
        except WireError as error:
            raise WireError(f"{where.netloc} {error}") from error
        finally:
            self._last = time.monotonic()
        return self._content(answer, url)

    def _content(self, answer: BaseHTTPResponse, url: str) -> dict[str, Any]:
        netloc = urlsplit(url).netloc
        if answer.status in BUSY:
            words = _complaints_in(answer)
            raise WireError(
                f"{netloc} can't be reached: {answer.status} {answer.reason}{words and ': '}{words} (tried {self.tries} "
                f"times)"
            )
        if answer.status in REFUSED:
            raise _refusal(answer, url)
        try:
            content = answer.json()
        except (ValueError, RecursionError) as error:
            raise WireError(f"{netloc}: the answer is not JSON; is the address right? ({url})") from error
        if not isinstance(content, dict):
            raise WireError(f"{netloc}: the answer is a {type(content).__name__}, expected an object")
        return content

    def _pool(self, scheme: str, host: str) -> PoolManager:
        proxy = None if proxy_bypass(host) else getproxies().get(scheme)
        if proxy not in self._pools:
            settings: dict[str, Any] = {
                "timeout": self.timeout,
                "headers": {"User-Agent": AGENT, "Accept": "application/json"},
                "retries": _Retry(
                    self.tries - 1,
                    status_forcelist=BUSY,
                    backoff_factor=self.first_wait,
                    backoff_max=LONGEST_WAIT,
                    raise_on_status=False,
                ),
            }
            self._pools[proxy] = ProxyManager(proxy, **settings) if proxy else PoolManager(**settings)
        return self._pools[proxy]

    @cached_property
    def _pools(self) -> dict[str | None, PoolManager]:
        """Connections that stay open, by proxy."""
        return {}


def complaints(content: Any) -> str:
    """The server's own words about what went wrong; empty where it has none."""
    problems = content.get("errors") if isinstance(content, dict) else None
    words = (
        [problem.get("detail") or problem.get("title") for problem in problems or () if isinstance(problem, dict)]
        if isinstance(problems, list)
        else []
    )
    return "; ".join(str(text).strip().splitlines()[0] for text in words if str(text or "").strip())


def _complaints_in(answer: BaseHTTPResponse) -> str:
    try:
        return complaints(answer.json())
    except (ValueError, RecursionError):
        return ""


def _refusal(answer: BaseHTTPResponse, url: str) -> Exception:
    """The server's own words, where it has some."""
    words, where = _complaints_in(answer), urlsplit(url).netloc
    if words:
        hint = "; ask for fewer at a time with --page" if "page_limit" in words else ""
        return InputError(f"{where} refuses the request: {words}{hint}")
    return WireError(f"{where}: {answer.status} {answer.reason} for {url}")
