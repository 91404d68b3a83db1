"""Write ``docs/reference/reasons.md`` from the list of reasons, and the other pages: ``python docs/generate_reasons.py``."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Final

from aiida_mlhull.science.types.reasons import Reason, Stated

PAGE: Final = Path(__file__).parent / "reference" / "reasons.md"

INTRODUCTION: Final = """\
# Reasons

Every row of a table of decisions, every relaxation that failed and every row that a reader left out states why. A
reason begins with one of the codes below; what follows a colon are words, what follows a space is the id of another
row: `within_threshold`, `same_as 3f2a`, `unphysical_cell: atoms 0.31 Å apart`, `failed: out_of_time`.

`verdi data mlhull-decisions show PK --reason CODE` shows the rows with one code. Codes that begin with `x_` belong to
[keep-rules](../how-to/add-a-keep-rule.md) and [engines](../how-to/add-an-engine.md) of other packages.

This page is written from `aiida_mlhull/science/types/reasons.py` by `make docs`.
"""


def page() -> str:
    """The page's text: one table for each part of the list."""
    parts = []
    for by in Stated:
        rows = [f"| `{reason.value}` | {reason.meaning} |" for reason in Reason if reason.by is by]
        parts.append("\n".join([f"## Stated {by.value}", "", "| code | meaning |", "|---|---|", *rows, ""]))
    return "\n".join([INTRODUCTION, *parts])


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    for others in ("generate_reference.py", "generate_studies.py"):
        runpy.run_path(str(Path(__file__).with_name(others)), run_name="__main__")
