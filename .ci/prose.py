"""Turns of phrase that slip into our English, and what to write instead; part of ``make lint``.

    python .ci/prose.py [FILES]     # package, benchmarks and documentation, by default

A line that means what it says ends in ``prose: ok``.
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Final

UNITS: Final = (
    "candidate|crystal|core|member|job|stage|shard|row|cell|structure|formula|round|system|step|composition|atom|node|"
    "batch|gate|element|edge|process|campaign|relaxation"
)
THINGS: Final = (
    "tables?|tensors?|columns?|rows?|networks?|layers?|edges?|nodes?|files?|records?|logits?|poolings?|hulls?"
)

PER: Final = (
    r"\b(?:[Oo]nce|[Oo]ne (?:row|line|job|node|mark|column|product|file|process|label|round)|core-min(?:utes)?|[Bb]ytes"
    rf"|\d+ (?:ms|µs|s|min|kB|MB|bytes)|a (?:row|line|job|number)) an? (?:{UNITS})\b"
)
NO: Final = (
    r"(?<!there )(?<!There )\b(?:is|are|was|were|be) no (?!longer\b|more\b|other\b|better\b|worse\b|larger\b|smaller\b"
    r"|further\b|need\b|way\b|room\b|less\b|fewer\b|such\b)[a-z]+"
)
SPEAK: Final = rf"\b(?:{THINGS}) (?:hears?|tells?|says?|speaks?)\b"
WHO: Final = r"\b[Ww]ho (?:waits?|may enter|enters?|starts?|wins|is (?:kept|relaxed|dropped|left|open|done|next))\b"

PATTERNS: Final[tuple[tuple[str, str], ...]] = (
    (PER, "'per', as in 'one row per candidate'"),
    (NO, "'is not a ...', or say what there is instead"),
    (SPEAK, "tables and tensors hold, give, depend on; they don't speak"),
    (WHO, "'which'"),
    (r"\b(?:candidates?|rows?|crystals?|structures?|phases?|members?) who\b", "'which' or 'that'"),
    (r"\b(?:[Ee]verybody|[Nn]obody|[Ss]omebody|[Ww]hoever)\b", "'all', 'none', 'any', 'no one', or the thing itself"),
    (r"\b(?:anew|in one go|held against)\b", "'again', 'at once', 'compared with'"),
)
ALLOWED: Final = "prose: ok"


def findings(path: Path) -> list[str]:
    """Lines of a file that read like a translation, with what to write instead."""
    lines = path.read_text(errors="replace").splitlines()
    return [
        f"{path}:{number}: {match[0]!r}: {advice}"
        for number, line in enumerate(lines, start=1)
        if ALLOWED not in line
        for pattern, advice in PATTERNS
        for match in re.finditer(pattern, line)
    ]


def main() -> int:
    """Print what was found; 1 if there is anything."""
    named = (
        sys.argv[1:]
        or subprocess.run(
            ["git", "ls-files", "aiida_mlhull/*.py", "benchmarks/*.py", "docs/*.py", "*.md"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
    )
    this = Path(__file__).resolve()
    found = [
        line for name in named if Path(name).resolve() != this and Path(name).exists() for line in findings(Path(name))
    ]
    print("\n".join(found) or f"prose: {len(named)} files, nothing found")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
