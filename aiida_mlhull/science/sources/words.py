"""What came of an import, and what did not, in words."""

from __future__ import annotations

from aiida_mlhull.science.sources.importing import Imported
from aiida_mlhull.science.tables import text


def describe(name: str, counts: Imported) -> str:
    """What came, and what is not in the table, for people."""
    rows: list[tuple[str, object]] = [
        ("read", counts.read),
        ("candidates", counts.used),
        ("left out", counts.left_out.total()),
    ]
    if counts.skipped:
        rows.append(("pages skipped", counts.skipped))
    if counts.missing:
        rows.append(("missing", f"{counts.missing:,} of {counts.total:,} announced: this table is a part"))
    if counts.without_symmetry:
        rows.append(("without symmetry (P1)", counts.without_symmetry))
    if counts.unlabeled:
        rows.append(("without a label", counts.unlabeled))
    if counts.columns:
        rows.append(("kept beside the cells", ", ".join(counts.columns)))
    lines = f"{name}\n{text.pairs(rows)}"
    if counts.left_out:
        reasons = [(count, code, "; ".join(counts.examples[code])) for code, count in counts.left_out.most_common()]
        lines += f"\n\n{text.table(('left out', 'reason', 'for example'), reasons, indent='  ')}"
    for remark in counts.remarks:
        lines += f"\n\nNote: {remark}."
    if counts.without_symmetry == counts.used:
        lines += "\n\nNote: all of them are P1: representations by Wyckoff positions can't tell them apart."
    return lines
