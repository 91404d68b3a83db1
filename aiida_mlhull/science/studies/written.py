"""A study's report as markdown and as one self-contained page of HTML."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np

from aiida_mlhull.science.errors import SettingsError

NOT_AT_HAND: Final = "not at hand"
NOT_RUN: Final = "not run"


QUICK: Final = (
    "Fewer rows, epochs and members than the study says, to show that all of it runs: what differs from the source differs "
    "for want of these first, and says little about the models."
)


class Heading(NamedTuple):
    """A heading of the second level."""

    text: str


class Paragraph(NamedTuple):
    """Some sentences."""

    text: str


class Grid(NamedTuple):
    """A table."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]


ReportPart = Heading | Paragraph | Grid


def blocks(facts: Mapping[str, Any]) -> list[ReportPart]:
    """What a report says, in order.

    Args:
        facts: of :func:`~aiida_mlhull.science.studies.standing.study_facts`.
    """
    source, rows = facts["source"], facts["rows"]
    where = f" https://doi.org/{source['doi']}" if source["doi"] else ""
    seeds = ", ".join(map(str, facts["seeds"])) or "none"
    made = ", ".join(f"{package} {' and '.join(found)}" for package, found in facts["versions"].items())
    found: list[ReportPart] = [
        Paragraph(f"{source['citation']}{where}"),
        Paragraph(f"Size {facts['size']}, seeds {seeds}." + (f" Made with {made}." if made else "")),
        *([Paragraph(QUICK)] if facts["size"] == "quick" and facts["seeds"] else []),
        Heading("Ours beside the source's"),
        Grid(("row", "where", "quantity", "source", "ours", "difference"), [_beside(row) for row in rows]),
    ]
    if any(row["curve"] for row in rows):
        points = [(row["row"], f"{n:,}", f"{error:.3f}") for row in rows for n, error in row["curve"]]
        found += [Heading("Learning curves"), Grid(("row", "rows to learn from", "MAE"), points)]
    found += [
        Heading("How it was done"),
        Grid(
            ("row", "what", "model", "members", "epochs", "rows to learn from", "to test on", "seeds", "what differs"),
            [_how(row) for row in rows],
        ),
    ]
    nodes = [_nodes(row, run) for row in rows for run in row["runs"]]
    if nodes:
        found += [Heading("In the graph"), Grid(("row", "seed", "rows", "nodes"), nodes)]
    if facts["out_of_reach"]:
        lines = [(one["what"], one["where"], one["why"]) for one in facts["out_of_reach"]]
        found += [Heading("What can't be had"), Grid(("what", "where", "why"), lines)]
    return found


def _beside(row: Mapping[str, Any]) -> tuple[str, ...]:
    source = NOT_AT_HAND if row["source"] is None else f"{row['source']:g}"
    ours = NOT_RUN if row["ours"] is None else f"{row['ours']:.3f}"
    ours += "" if row["reaches"] is None else f" (from at most {row['reaches']:,} rows)"
    difference = "" if row["difference"] is None else f"{row['difference']:+.3f}"
    quantity = row["words"] + (f", {row['unit']}" if row["unit"] else "")
    return row["row"], row["where"], quantity, source, ours, difference


def _how(row: Mapping[str, Any]) -> tuple[str, ...]:
    runs, settings = row["runs"], row["settings"]
    epochs = sorted({epoch for run in runs for epoch in run["epochs"] if epoch is not None})
    return (
        row["row"],
        row["about"],
        "published weights" if settings is None else settings["model"],
        _span([run["members"] for run in runs]),
        _span(epochs),
        _span([run["learned"] for run in runs if run["learned"] is not None]),
        _span([run["asked"] for run in runs]),
        ", ".join(str(seed) for seed in sorted({run["seed"] for run in runs})),
        row["differs"],
    )


def _nodes(row: Mapping[str, Any], run: Mapping[str, Any]) -> tuple[str, ...]:
    learned = "" if run["learned"] is None else f"{run['learned']:,}"
    return row["row"], str(run["seed"]), learned, ", ".join(f"{name} {pk}" for name, pk in run["pks"].items())


def _span(values: Sequence[int]) -> str:
    if not values:
        return ""
    low, high = min(values), max(values)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def markdown(facts: Mapping[str, Any], *, level: int = 1) -> str:
    """The report as markdown.

    Args:
        facts: of :func:`~aiida_mlhull.science.studies.standing.study_facts`.
        level: of its heading.
    """
    parts = [f"{'#' * level} {facts['title']}"]
    for block in blocks(facts):
        if isinstance(block, Heading):
            parts.append(f"{'#' * (level + 1)} {block.text}")
        elif isinstance(block, Paragraph):
            parts.append(block.text)
        else:
            parts.append(grid(block.head, block.rows))
    return "\n\n".join(parts) + "\n"


def grid(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of markdown."""

    def line(cells: Sequence[str]) -> str:
        return "| " + " | ".join(" ".join(cell.split()).replace("|", "\\|") for cell in cells) + " |"

    return "\n".join([line(head), "|" + "---|" * len(head), *map(line, rows)])


_STYLE: Final = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1f2430;max-width:76rem;margin:2rem auto;padding:0 1rem}"
    "table{border-collapse:collapse;margin:1rem 0}th,td{border-bottom:1px solid #d5dae3;padding:.3rem .7rem;"
    "text-align:left;vertical-align:top}th{color:#5a6272;font-weight:600}img{max-width:100%}"
)


def html(facts: Mapping[str, Any]) -> str:
    """The report as one page without further files."""
    parts = [f"<h1>{escape(facts['title'])}</h1>"]
    for block in blocks(facts):
        if isinstance(block, Heading):
            parts.append(f"<h2>{escape(block.text)}</h2>")
        elif isinstance(block, Paragraph):
            parts.append(f"<p>{escape(block.text)}</p>")
        else:
            parts.append(_html_grid(block))
            if block.head[-1] == "difference":
                parts.append(_image(facts))
    body = "\n".join(filter(None, parts))
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><title>{escape(facts["title"])}</title>'
        f"<style>{_STYLE}</style></head>\n<body>\n{body}\n</body></html>\n"
    )


def _html_grid(block: Grid) -> str:
    head = "".join(f"<th>{escape(cell)}</th>" for cell in block.head)
    rows = "\n".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in block.rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>\n{rows}\n</tbody></table>"


def _image(facts: Mapping[str, Any]) -> str:
    """The learning curves as a picture inside of the page; nothing where there are none."""
    from aiida_mlhull.science.ensembles.learning import LearningCurve  # noqa: PLC0415  (slow imports)
    from aiida_mlhull.science.plots import draw_learning_curves  # noqa: PLC0415

    curves = {
        row["row"]: LearningCurve(
            np.asarray([n for n, _ in row["curve"]]), np.asarray([[error] for _, error in row["curve"]]), np.empty(0), 0
        )
        for row in facts["rows"]
        if row["curve"]
    }
    if not curves:
        return ""
    units = sorted({row["settings"]["unit"] for row in facts["rows"] if row["curve"]})
    buffer = BytesIO()
    draw_learning_curves(curves, unit=" and ".join(units)).savefig(buffer, format="png")
    return f'<img alt="Learning curves" src="data:image/png;base64,{b64encode(buffer.getvalue()).decode()}">'


WRITERS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {".md": markdown, ".html": html}
"""Suffix of a file to what writes it."""


def check_place(path: Path) -> None:
    """Refuse a file that can't be written, before the work begins.

    Raises:
        SettingsError: if its suffix is none of :data:`WRITERS`, or its folder isn't there.
    """
    if path.suffix not in WRITERS:
        raise SettingsError(f"{path.name}: a report is written as {' or '.join(WRITERS)}")
    if not path.absolute().parent.is_dir():
        raise SettingsError(f"{path} can't be written: there is no folder {path.absolute().parent}")


def write(facts: Mapping[str, Any], path: Path) -> None:
    """Write a report to a file of a suffix among :data:`WRITERS`."""
    path.write_text(WRITERS[path.suffix](facts), encoding="utf-8")
