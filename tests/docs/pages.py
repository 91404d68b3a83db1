"""Pages of the documentation as something to run: their blocks, and whether a command says what is printed there."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PAGES = {
    str(page.relative_to(ROOT)): page.read_text()
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
}

_BLOCK = re.compile(
    r"(?:^(?:% |<!-- )(?P<mark>not run|run by|figures may differ|rows may differ): (?P<why>[^\n]+)\n)?"
    r"^```(?P<kind>console|python|yaml|text)\n(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
PASSED_OVER = re.compile(
    r"(sudo )?apt-get|make \w|pip install|python3\.\d+ -m venv|~/|chmod|printf|createdb|aiida-pseudo"
    r"|(\.venv/bin/)?verdi (presto|daemon|profile|computer|code|process list)"
    r"|export \w+_(KEY|PATH)=|aiida-mlhull (\S+ )?import materials-project"
    r"|python -m benchmarks\.|MLHULL_PLUGINS=\S+ pytest"
)
"""Begins commands that are not for tests: they install programs, make profiles and start daemons, ask the Materials
Project with a key, or run a benchmark or tests of their own."""

_PK = re.compile(r"\b(Ensemble|ensemble|Campaign|campaign|References|diagnose|predict|report|pk) (\d+)\b")
"""What stands before a pk, which another profile gives otherwise."""

_ROWS = re.compile(r"^ *--[ -]+$(?:\n.*\S.*)*", re.MULTILINE)
"""What stands below the heads of columns."""

_NUMBER = re.compile(r"(?<![\w.])[-+]?\d[\d,]*(?:\.\d+)?(?:[eE][-+]?\d+)?|(?<=\d)\.\d+|\d+")


@dataclass(frozen=True)
class Block:
    """What stands between fences.

    Attributes:
        page: of the project's folder.
        kind: ``console``, ``python``, ``yaml`` or ``text``.
        body: its lines.
        mark: from the comment in the line above: ``not run``, ``run by`` (a file of tests, in small), ``figures may
            differ`` or ``rows may differ``; empty for none.
        why: what the mark says.
    """

    page: str
    kind: str
    body: str
    mark: str
    why: str

    def commands(self) -> Iterator[tuple[str, str]]:
        """Every command, lines that go on joined, and what is printed below it."""
        for told in re.split(r"^\$ ", self.body.replace("\\\n", " "), flags=re.MULTILINE)[1:]:
            command, _, output = told.partition("\n")
            output = output.rstrip()
            if self.mark in {"rows may differ", "run by"}:
                output = _ROWS.sub("...", output)
            yield command.strip(), output

    @property
    def runs(self) -> bool:
        """Whether there is a command that a test can run."""
        return any(not PASSED_OVER.match(command) for command, _ in self.commands())

    @property
    def prints(self) -> bool:
        """Whether something is shown that a command says."""
        return self.kind == "console" and any(output for _, output in self.commands())


def blocks(page: str, *kinds: str) -> list[Block]:
    """Of a page, in order."""
    found = _BLOCK.finditer(PAGES[page])
    return [
        Block(page=page, kind=one["kind"], body=one["body"], mark=one["mark"] or "", why=one["why"] or "")
        for one in found
        if one["kind"] in kinds
    ]


def on_the_page(page: str, test: str, *, words: Mapping[str, str] | None = None, **given: Any) -> dict[str, Any]:
    """Run the Python of a page that is marked as run by a file of tests.

    Args:
        page: of the project's folder.
        test: the file.
        words: of the page, and what stands for them here.
        **given: names that the page takes as known.

    Returns:
        All names afterwards.
    """
    ran = [one for one in blocks(page, "python") if (one.mark, one.why) == ("run by", test)]
    assert ran, f"{page} leaves nothing to {test}"
    for block in ran:
        body = block.body
        for word, here in (words or {}).items():
            assert word in body, f"{page} says no {word}"
            body = body.replace(word, here)
        exec(compile(body, page, "exec"), given)
    return given


def difference(said: str, printed: str, *, figures: bool = True) -> str | None:
    """What a command says otherwise than a page prints.

    A line ``...`` of the page stands for any lines, ``...`` within a line for any text.

    Args:
        said: by the command.
        printed: on the page.
        figures: whether numbers and the widths of columns count.

    Returns:
        The first printed line that isn't there, or the first that was said and isn't printed; None if there is none.
    """
    left = [_plain(line, figures=figures) for line in said.strip().splitlines()]
    skipping = False
    for line in printed.strip().splitlines():
        if line.strip() == "...":
            skipping = True
            continue
        wanted = re.compile(".*".join(re.escape(part) for part in _plain(line, figures=figures).split("...")))
        while left and not wanted.fullmatch(left[0]):
            if not skipping:
                return f"said {left[0]!r}, printed {line!r}"
            left.pop(0)
        if not left:
            return f"not said: {line!r}"
        left.pop(0)
        skipping = False
    return f"not printed: {left[0]!r}" if left and not skipping else None


def _plain(line: str, *, figures: bool) -> str:
    line = _PK.sub(r"\1 #", line.rstrip())
    if figures:
        return line
    line = re.sub(r"#(?:, #)+", "#", _NUMBER.sub("#", line))  # one a member: the page may have more of them
    line = re.sub(r"# (?:s|min|h)\b", "# s", re.sub(r"-{2,}", "--", line))
    return re.sub(r"\s+", " ", line).strip()


def pks(said: str, printed: str) -> dict[str, str]:
    """Numbers that a page prints for nodes, and those that they have here."""
    there, here = (dict.fromkeys(number for _, number in _PK.findall(text)) for text in (printed, said))
    return dict(zip(there, here, strict=False))
