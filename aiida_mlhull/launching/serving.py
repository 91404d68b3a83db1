"""A report on localhost that is made again while its campaign runs."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING, Final

from aiida_mlhull.graph.reported import fingerprint

if TYPE_CHECKING:
    from aiida_mlhull.graph.campaign import Campaign
    from aiida_mlhull.science.report import Report

HOST: Final = "127.0.0.1"
NAMES: Final = (HOST, "localhost")
"""What a browser may call this machine: pages of others can't read a report through a name of their own."""

REFRESH_SECONDS: Final = 10.0
SHARE: Final = 0.1
"""At most this share of the time is spent on making reports."""


class ReportServer(HTTPServer):
    """Serves one campaign's report.

    Everything happens in one thread, so that AiiDA's storage is asked by one.

    Args:
        campaign: that is reported.
        port: 0 for any that is free.
        watts_per_core: see :meth:`~aiida_mlhull.graph.campaign.Campaign.report`.

    Raises:
        OSError: if the port is taken.
    """

    timeout = 1.0

    def __init__(self, campaign: Campaign, *, port: int = 0, watts_per_core: float | None = None) -> None:
        super().__init__((HOST, port), _Handler)
        self._campaign = campaign
        self._watts_per_core = watts_per_core
        self._seen = ""
        self._next = 0.0
        self.report: Report
        self.refresh()

    @property
    def address(self) -> str:
        """What to open."""
        return f"http://{HOST}:{self.server_port}/"

    def refresh(self) -> bool:
        """Make the report again if something has happened since the last one; whether it was made."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + REFRESH_SECONDS
        found = fingerprint(self._campaign.node)
        if found == self._seen:
            return False
        self.report = self._campaign.report(watts_per_core=self._watts_per_core)
        took = time.monotonic() - now
        self._seen, self._next = found, now + max(REFRESH_SECONDS, took / SHARE)
        return True

    def serve(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Answer requests until told to stop."""
        while not until():
            self.handle_request()
            self.refresh()


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer

    def do_GET(self) -> None:
        """Answer with the page, or with the time at which it was made."""
        if self.headers.get("Host", "").rpartition(":")[0] not in NAMES:
            self.send_error(HTTPStatus.FORBIDDEN, "not called by its name")
        elif self.path == "/":
            self._answer(self.server.report.to_html(), "text/html")
        elif self.path == "/state":
            self._answer(json.dumps({"written": self.server.report.sections["head"]["written"]}), "application/json")
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def _answer(self, text: str, kind: str) -> None:
        content = text.encode()
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  (its name in the standard library)
        """Say nothing of every request."""
