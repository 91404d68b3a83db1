"""Several pictures in one folder."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure


def save(figures: Mapping[str, Figure], folder: Path) -> list[Path]:
    """Write every figure as ``NAME.png``; the folder is made if there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name, figure in figures.items():
        written.append(folder / f"{name}.png")
        figure.savefig(written[-1])
    return written


def file_name(title: str) -> str:
    """A title in letters, digits and underscores."""
    return "_".join("".join(letter if letter.isalnum() else " " for letter in title).split())
