"""The page: our own HTML, style and scripts, with plotly.js and 3Dmol.js written into it."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Mapping
from functools import lru_cache
from gzip import compress
from html import escape
from importlib import resources
from typing import Any, Final

SCRIPTS: Final = (
    "data.js",
    "table.js",
    "crystal.js",
    "diagrams.js",
    "funnel.js",
    "quality.js",
    "sections.js",
    "page.js",
)
"""Ours, in the order in which they need each other."""

LIBRARIES: Final = ("plotly.min.js", "3Dmol-min.js")
"""Of others; a page evaluates each when it is needed, so that the table is there before the pictures."""
FRAME_HEIGHT: Final = 900
"""Pixels, in notebooks."""


def assemble(sections: Mapping[str, Any], blobs: Mapping[str, str]) -> str:
    """The page with everything in it.

    All data is compressed and base64, so that nothing in it can be taken for markup.

    Args:
        sections: everything that is not a column, as JSON can say it.
        blobs: packed columns by name.
    """
    content = json.dumps(sections, allow_nan=False, ensure_ascii=False).encode()
    packed = {"sections": _compressed(content), **blobs} | {name: _library(name) for name in LIBRARIES}
    head = sections["head"]
    parts = {
        "TITLE": escape(f"{head['name']} ({head['pk']})"),
        "STYLE": _asset("report.css"),
        "SCRIPTS": "\n".join(f"<script>{_asset(name)}</script>" for name in SCRIPTS),
        "DATA": "\n".join(
            f'<script type="text/plain" id="packed-{escape(name)}">{blob}</script>' for name, blob in packed.items()
        ),
    }
    page = _asset("page.html")
    for name, text in parts.items():
        page = page.replace(f"<!--{name}-->", text)
    return page


def framed(page: str) -> str:
    """A page in a frame, as a part of another one."""
    return (
        f'<iframe srcdoc="{escape(page, quote=True)}" sandbox="allow-scripts allow-downloads" '
        f'style="width: 100%; height: {FRAME_HEIGHT}px; border: 1px solid #ccc" title="Report"></iframe>'
    )


@lru_cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("assets", name).read_text(encoding="utf-8")


@lru_cache
def _library(name: str) -> str:
    """A script that came from elsewhere, packed; plotly.js is taken from the plotly that is installed."""
    if name == "plotly.min.js":
        from plotly.offline import get_plotlyjs  # noqa: PLC0415  (large)

        return _compressed(str(get_plotlyjs()).encode())
    return _compressed(_asset(name).encode())


def _compressed(content: bytes) -> str:
    return b64encode(compress(content, mtime=0)).decode()
