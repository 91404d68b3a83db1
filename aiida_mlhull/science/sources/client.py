"""JSON over HTTP, as slowly as a guest should ask, and again where a server is busy."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from aiida_mlhull.science.errors import InputError, WireError

AGENT: Final = "aiida-mlhull (import of candidates)"
BUSY: Final = (429, 500, 502, 503, 504)
"""Answers after which it is worth to ask again."""

REFUSED: Final = range(400, 500)
LONGEST_WAIT: Final = 300.0
"""s; a server that wants to be left alone for longer is given up for now."""


@dataclass
class Client:
    """Asks one thing after the other.

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
        if urlsplit(url).scheme not in {"http", "https"}:
            raise WireError(f"a link that is not followed: {url}")
        wait = self.first_wait
        for attempt in range(1, self.tries + 1):
            time.sleep(max(self._last + self.pause - time.monotonic(), 0.0))
            try:
                return self._once(url)
            except HTTPError as error:
                if error.code not in BUSY:
                    raise _refusal(error, url) from error
                problem, asked = f"{error.code} {error.reason}", error.headers.get("Retry-After", "")
            except (URLError, HTTPException, OSError) as error:
                problem, asked = str(getattr(error, "reason", "") or error), ""
            finally:
                self._last = time.monotonic()
            wait = float(asked) if asked.isdigit() else wait
            if attempt == self.tries or wait > LONGEST_WAIT:
                break
            time.sleep(wait)
            wait *= 2
        raise WireError(f"{urlsplit(url).netloc} can't be reached: {problem} (tried {attempt} times)")

    def _once(self, url: str) -> dict[str, Any]:
        request = Request(url, headers={"User-Agent": AGENT, "Accept": "application/json"})  # noqa: S310  (checked)
        with urlopen(request, timeout=self.timeout) as answer:  # noqa: S310
            raw = answer.read()
        try:
            content = json.loads(raw)
        except ValueError as error:
            raise WireError(f"{urlsplit(url).netloc}: the answer is no JSON; is the address right? ({url})") from error
        if not isinstance(content, dict):
            raise WireError(f"{urlsplit(url).netloc}: the answer is a {type(content).__name__}, expected an object")
        return content


def _refusal(error: HTTPError, url: str) -> Exception:
    """The server's own words, where it has some."""
    try:
        problems = json.loads(error.read()).get("errors", [])
        said = "; ".join(str(problem.get("detail") or problem.get("title")).splitlines()[0] for problem in problems)
    except (ValueError, AttributeError, IndexError, OSError):
        said = ""
    where = urlsplit(url).netloc
    if error.code in REFUSED and said:
        return InputError(f"{where} refuses the request: {said}")
    return WireError(f"{where}: {error.code} {error.reason} for {url}")
