"""What libraries warn of while they read: a finding of the row that was being read, never noise.

Everything that reads a foreign file goes through :func:`attempt`. What it hears is handed on with the row, and
the reader turns it into a reason, unless it is listed here with why it changes nothing.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import warnings
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

UNREADABLE: Final = (
    OSError,
    EOFError,
    ValueError,
    LookupError,
    TypeError,
    AttributeError,
    AssertionError,
    ArithmeticError,
    RuntimeError,
    SyntaxError,
    Warning,
    lzma.LZMAError,
    zlib.error,
    re.error,
)
"""What parsers raise on files that are not what they say; pymatgen raises some of its warnings."""

ABOUT_CODE: Final = (DeprecationWarning, PendingDeprecationWarning, FutureWarning, ResourceWarning, ImportWarning)
"""Warnings to callers of a library, not about what is read."""

HARMLESS: Final = {
    r"fractional coordinates rounded to ideal values": "1/3 written with four digits, on the special position",
    r"Spacegroup from .* used": "no operations in the file; the group's settings are compared by the reader itself",
    r"Skipping relative stoichiometry check": "there is no formula to hold against the sites",
    r"Keys changed to match new magCIF specification": "other names of the same things",
    r"Pauling file corrections applied": "of mixed sites, which are disordered and left out as such",
    r"Ignoring selective dynamics tag": "which atoms a relaxation may move is not read",
    r"Selective dynamics (values|toggled)": "the same",
    r"No electronegativity for": "order of elements in pymatgen's formulas; ours are compared as integers",
    r"encoding": "how the text was opened; bytes that are not text are replaced and found where they matter",
}
"""Pattern of a warning, and why it changes nothing of what is read."""

LARGEST: Final = 1 << 28
"""Bytes of an unpacked file; tables, which may be larger, are read by Arrow."""

OPENERS: Final[dict[str, Callable[..., Any]]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


@dataclass(frozen=True)
class Attempt(Generic[T]):
    """What came of reading something.

    Attributes:
        value: what was read; None if it can't be.
        fault: the library's reason why it can't be; empty if it can.
        warned: what libraries warned of, without what is harmless.
    """

    value: T | None
    fault: str
    warned: tuple[str, ...]

    @property
    def detail(self) -> str:
        """The fault and the warnings, for the row."""
        return "; ".join(part for part in (self.fault, *self.warned) if part)


def attempt(work: Callable[[], T]) -> Attempt[T]:
    """Read something of others, and keep what libraries warn of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            value, fault = work(), ""
        except UNREADABLE as error:
            value, fault = None, one_line(str(error)) or type(error).__name__
    heard = [line for warning in caught if not issubclass(warning.category, ABOUT_CODE) for line in _parts(warning)]
    return Attempt(value, fault, tuple(dict.fromkeys(line for line in heard if not is_harmless(line))))


def is_harmless(line: str) -> bool:
    """Whether a warning is listed in :data:`HARMLESS`."""
    return any(re.search(pattern, line) for pattern in HARMLESS)


def _parts(warning: warnings.WarningMessage) -> list[str]:
    """The warnings in a warning: pymatgen repeats all of a CIF's, a line each, in one more."""
    text = str(warning.message)
    collected = re.match(r"Issues encountered while parsing CIF: ", text)
    return [one_line(part) for part in (text[collected.end() :].splitlines() if collected else [text]) if part.strip()]


def one_line(text: str, *, longest: int = 200) -> str:
    """For details of a row."""
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[:longest]}..."


def unpacked_bytes(path: Path) -> bytes:
    """What is in a file, packed by gzip, bzip2 or xz or not.

    Raises:
        OSError: if it can't be opened or unpacked.
        ValueError: if it is larger than :data:`LARGEST`.
    """
    suffix = path.suffix.lower()
    with OPENERS[suffix](path) if suffix in OPENERS else path.open("rb") as stream:
        raw: bytes = stream.read(LARGEST + 1)
    if len(raw) > LARGEST:
        raise ValueError(f"larger than {LARGEST >> 20} MiB")
    return raw


def text_of(path: Path) -> str:
    """A text file, packed or not; bytes that are not UTF-8 become replacement characters.

    Raises:
        OSError: if it can't be opened or unpacked.
        ValueError: if it is too large, or holds zero bytes, as no text does.
    """
    raw = unpacked_bytes(path)
    wide = raw[:2] in {b"\xff\xfe", b"\xfe\xff"}
    text = raw.decode("utf-16" if wide else "utf-8-sig", errors="replace")
    if "\0" in text:
        raise ValueError("not a text file")
    return text.replace("\r\n", "\n").replace("\r", "\n")
