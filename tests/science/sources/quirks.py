"""Small servers that answer as databases have been seen to answer, quirks included."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

Answer = Callable[[str, dict[str, str]], tuple[int, Any]]
METALS = ("Mg", "Ca", "Sr", "Ba", "Mn", "Fe", "Co")
INFO = {"data": {"properties": {"_lab_hull": {"type": "float"}, "species": {"type": "list"}}}}


@contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """Serve what ``answer`` makes of path and query: a status, and JSON."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            status, content = answer(parts.path, dict(parse_qsl(parts.query)))
            body = json.dumps(content).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: Any) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


def sulfide(number: int, **changes: Any) -> dict[str, Any]:
    """A rock salt, conventional axes of the primitive cell, as an entry."""
    metal, a = METALS[number % len(METALS)], 2.4 + 0.05 * number
    attributes = {
        "lattice_vectors": [[0, a, a], [a, 0, a], [a, a, 0]],
        "cartesian_site_positions": [[0, 0, 0], [a, a, a]],
        "species": [{"name": x, "chemical_symbols": [x], "concentration": [1.0]} for x in (metal, "S")],
        "species_at_sites": [metal, "S"],
        "dimension_types": [1, 1, 1],
        "structure_features": [],
        "_lab_hull": number / 100,
        **changes,
    }
    return {"id": f"lab/{number}", "type": "structures", "attributes": attributes}


class Lab:
    """A database of seven sulfides, three a page, whose pages are counted by offset or by number.

    Args:
        by: query parameter that counts: ``page_offset`` or ``page_number``.
        change: called with the page's first row, its answer and the query; may change the answer, or return another.
    """

    def __init__(self, by: str, change: Callable[[int, dict[str, Any], dict[str, str]], Any] | None = None) -> None:
        self.by, self.change, self.asked = by, change, []
        self.entries = [sulfide(number) for number in range(7)]

    def __call__(self, path: str, query: dict[str, str]) -> tuple[int, Any]:
        """Answer one request."""
        if path.endswith("/info/structures"):
            return 200, INFO
        self.asked.append(query)
        counted = int(query.get(self.by, 0 if self.by == "page_offset" else 1))
        first = counted if self.by == "page_offset" else 3 * (counted - 1)
        after = {**query, self.by: str(counted + (3 if self.by == "page_offset" else 1))}
        more = first + 3 < len(self.entries)
        answer: dict[str, Any] = {
            "data": [json.loads(json.dumps(entry)) for entry in self.entries[first : first + 3]],
            "links": {"next": f"?{urlencode(after)}" if more else None},
            "meta": {"data_returned": len(self.entries), "more_data_available": more},
        }
        changed = self.change(first, answer, query) if self.change else None
        return changed if isinstance(changed, tuple) else (200, answer if changed is None else changed)
