"""Requests to a real server on this machine, which is busy, slow, broken or rude."""

from __future__ import annotations

import json
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from aiida_mlhull.science.errors import InputError, WireError
from aiida_mlhull.science.sources.client import AGENT, Client

FINE = json.dumps({"data": ["ü"]}).encode()
QUICK = {"pause": 0.0, "first_wait": 0.01, "tries": 4}


@contextmanager
def serving(*answers):
    """A server that gives each of ``answers`` once, the last one for ever; yields its URL and what it was asked."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            status, headers, body = answers[min(len(asked), len(answers) - 1)]
            asked.append((self.path, dict(self.headers)))
            if status is None:  # hang up
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = "Content-Length" in headers

        def log_message(self, *_):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/x?y=1", asked
    finally:
        server.shutdown()
        server.server_close()


def test_an_answer():
    with serving((200, {}, FINE)) as (url, asked):
        assert Client(**QUICK).get(url) == {"data": ["ü"]}
    assert [path for path, _ in asked] == ["/x?y=1"]
    assert asked[0][1]["User-Agent"] == AGENT


@pytest.mark.parametrize(
    "trouble",
    [
        (503, {}, b""),
        (500, {}, b""),
        (429, {"Retry-After": "0"}, b""),
        (None, {}, b""),
        (200, {"Content-Length": str(len(FINE))}, FINE[:5]),
    ],
    ids=["busy", "broken", "too often", "hung up", "cut off"],
)
def test_trouble_that_passes(trouble):
    with serving(trouble, trouble, (200, {}, FINE)) as (url, asked):
        assert Client(**QUICK).get(url) == {"data": ["ü"]}
    assert len(asked) == 3


@pytest.fixture
def slept(monkeypatch):
    """Seconds that a client wanted to wait; none does."""
    waits = []
    monkeypatch.setattr(time, "sleep", waits.append)
    return waits


def test_waits_double_from_the_first_one_on(slept):
    with serving((503, {}, b"")) as (url, asked), pytest.raises(WireError, match=r"503 .* \(tried 4 times\)"):
        Client(pause=0.0, first_wait=3.0, tries=4).get(url)
    assert slept == [0.0, 3.0, 6.0, 12.0]
    assert len(asked) == 4


def test_a_server_says_how_long_to_wait(slept):
    with serving((503, {"Retry-After": "7"}, b""), (200, {}, FINE)) as (url, _):
        Client(**QUICK).get(url)
    assert slept == [0.0, 7]


def test_nobody_waits_for_hours(slept):
    with (
        serving((503, {"Retry-After": "86400"}, b"")) as (url, asked),
        pytest.raises(WireError, match=r"127.0.0.1:\d+ can't be reached: 503 .* for more than 300 s"),
    ):
        Client(**QUICK).get(url)
    assert len(asked) == 1
    assert slept == [0.0]


def test_requests_keep_their_distance(slept, monkeypatch):
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    client = Client(pause=0.2)
    with serving((200, {}, FINE)) as (url, _):
        client.get(url)
        client.get(url)
    assert slept == [0.0, pytest.approx(0.2)]


@pytest.mark.parametrize(
    ("answer", "kind", "message"),
    [
        ((400, {}, b'{"errors": [{"detail": "no such filter\\nat 3"}]}'), InputError, "refuses the request: no such filter$"),
        ((403, {}, b'{"errors": [{"title": "go away"}]}'), InputError, "refuses the request: go away"),
        ((404, {}, b"<html>"), WireError, "404 Not Found for http"),
        ((400, {}, b"[]"), WireError, "400 Bad Request"),
        ((200, {}, b"<html>"), WireError, "is not JSON"),
        ((200, {}, b"[1]"), WireError, "is a list, expected an object"),
        ((200, {}, b"\xff\xfe"), WireError, "is not JSON"),
        ((None, {}, b""), WireError, r"can't be reached: .*\(tried 4 times\)"),
    ],
)  # fmt: skip
def test_what_cant_be_cured(answer, kind, message):
    with serving(answer) as (url, asked), pytest.raises(kind, match=message):
        Client(**QUICK).get(url)
    assert len(asked) == (4 if answer[0] is None else 1)


def test_other_links_are_not_followed():
    with pytest.raises(WireError, match="not followed"):
        Client(**QUICK).get("file:///etc/passwd")


def test_the_environments_proxy_is_asked(monkeypatch):
    with serving((200, {}, FINE)) as (url, asked):
        monkeypatch.setenv("http_proxy", url.removesuffix("/x?y=1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        assert Client(**QUICK).get("http://database.invalid/v1") == {"data": ["ü"]}
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        Client(**QUICK).get(url)
    assert [path for path, _ in asked] == ["http://database.invalid/v1", "/x?y=1"]
