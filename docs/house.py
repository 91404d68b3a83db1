"""Draw the house from the code: floors from import-linter's contracts, rooms from their docstrings.

    python docs/house.py            # writes topics/house.svg and topics/rooms.md

A test compares both files with what this draws, so a wall that moves takes the drawing with it.
"""

from __future__ import annotations

import ast
import re
import sys
from html import escape
from pathlib import Path
from typing import Any, Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT: Final = Path(__file__).resolve().parents[1]
PICTURE: Final = ROOT / "docs" / "topics" / "house.svg"
TABLE: Final = ROOT / "docs" / "topics" / "rooms.md"

PACKAGE: Final = "aiida_mlhull"
SCIENCE: Final = "aiida_mlhull.science"

WIDTH, FLOOR, GAP, MARGIN = 760, 46, 8, 20
CHARACTER: Final = 5.9
"""px; how wide a letter of the small text is, at most."""
BLUE, GREEN, INK, GRAY = ("#eaf1fb", "#2b5c9e"), ("#eaf6ee", "#2e7d4f"), "#1f2430", "#5a6272"


def floors(container: str) -> list[list[str]]:
    """Rooms of every floor of a package, the highest floor first."""
    contracts: list[dict[str, Any]] = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    layers = next(one["layers"] for one in contracts if one.get("containers") == [container])
    return [[room.strip() for room in layer.split("|")] for layer in layers]


def sentence(module: str) -> str:
    """The first sentence of a room's docstring."""
    path = ROOT / Path(*module.split("."))
    text = (path / "__init__.py" if path.is_dir() else path.with_suffix(".py")).read_text()
    docstring = ast.get_docstring(ast.parse(text)) or ""
    paragraph = " ".join(docstring.split("\n\n")[0].split())
    return re.split(r"(?<=[a-z)`A-Z0-9])\.(?: |$)", paragraph)[0]


def picture() -> str:
    """The drawing as SVG."""
    upper = [floor for floor in floors(PACKAGE) if "science" not in floor]
    lower = floors(SCIENCE)
    beside = [room for floor in floors(PACKAGE) if "science" in floor for room in floor if room != "science"]
    parts: list[str] = []
    top = MARGIN
    for title, container, levels, colors in (
        ("with AiiDA: nodes, processes, questions, commands", PACKAGE, [*upper, *([beside] if beside else [])], BLUE),
        ("science: runs without AiiDA", SCIENCE, lower, GREEN),
    ):
        height = 34 + len(levels) * (FLOOR + GAP) + 4
        parts += [
            f'<rect x="12" y="{top}" width="{WIDTH - 24}" height="{height}" rx="8" fill="{colors[0]}" stroke="{colors[1]}"/>',
            _text(24, top + 22, title, size=14, color=colors[1], weight=600, anchor="start"),
        ]
        for number, rooms in enumerate(levels):
            parts += _floor(container, rooms, top + 34 + number * (FLOOR + GAP), colors[1])
        top += height + 14
    label = "The floors of the house: a room imports only from floors below it"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" width="{WIDTH}" height="{top}" '
        f'font-family="system-ui, sans-serif" role="img" aria-label="{label}">'
        f'<rect width="{WIDTH}" height="{top}" fill="#ffffff"/>'
    )
    return "\n".join([head, *parts, "</svg>", ""])


def _floor(container: str, rooms: list[str], top: int, color: str) -> list[str]:
    inside = WIDTH - 2 * MARGIN
    width = (inside - GAP * (len(rooms) - 1)) / len(rooms)
    parts = []
    for number, room in enumerate(rooms):
        left = MARGIN + number * (width + GAP)
        said = sentence(f"{container}.{room}").replace("``", "")
        fits = len(said) * CHARACTER < width - 12
        parts += [
            f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{FLOOR}" rx="5" fill="#ffffff" stroke="{color}"/>',
            _text(
                left + width / 2, top + (20 if fits else 28), room, size=14, color=INK, family="ui-monospace, monospace"
            ),
            *([_text(left + width / 2, top + 36, said, size=11.5, color=GRAY)] if fits else []),
        ]
    return parts


def _text(x: float, y: float, text: str, *, size: float, color: str, anchor: str = "middle", **more: Any) -> str:
    style = "".join(f' font-{name}="{value}"' for name, value in more.items())
    return f'<text x="{x:.1f}" y="{y}" font-size="{size}" text-anchor="{anchor}"{style} fill="{color}">{escape(text)}</text>'


def table() -> str:
    """Every room with its sentence, the highest floor first, as markdown."""
    lines = ["| room | what it is for |", "|---|---|"]
    for container in (PACKAGE, SCIENCE):
        for floor in floors(container):
            lines += [
                f"| `{f'{container}.{room}'.removeprefix(PACKAGE + '.').replace('.', '/')}` | {sentence(f'{container}.{room}').replace('|', chr(92) + '|')} |"
                for room in floor
                if room != "science"
            ]
    return "\n".join([*lines, ""])


def main() -> None:
    """Write both files."""
    PICTURE.write_text(picture())
    TABLE.write_text(table())


if __name__ == "__main__":
    main()
