"""Where a server of this user, machine and installation listens. Standard library only."""

from __future__ import annotations

import os
import platform
import stat
import sys
import tempfile
from hashlib import sha256
from pathlib import Path
from typing import Final

from aiida_mlhull import __version__

HOME: Final = "MLHULL_STANDIN_HOME"
"""Environment variable: the folder to use in place of ``~/.cache/aiida-mlhull``."""

LONGEST: Final = 100
"""Bytes of a socket's path; systems differ between 104 and 108."""

_OURS_ALONE: Final = 0o700


class UnsafePlaceError(OSError):
    """The folder for the socket is open to others."""


def listening_place() -> Path:
    """The socket's path, in a folder that no other user can enter; the folder is made if need be.

    The name holds the machine's name, for home folders that several machines share, and a mark of the
    installation, so that a server of other sources is never asked.

    Raises:
        UnsafePlaceError: if the folder belongs to another user, or others may enter it.
    """
    name = f"{platform.node().split('.')[0][:24]}-{_mark()}.sock"
    asked = os.environ.get(HOME)
    folder = Path(asked) if asked else Path.home() / ".cache" / "aiida-mlhull"
    if len(os.fsencode(folder / name)) > LONGEST:
        folder = Path(tempfile.gettempdir()) / f"aiida-mlhull-{os.geteuid()}"
    folder.mkdir(mode=_OURS_ALONE, parents=True, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or stat.S_IMODE(found.st_mode) & ~_OURS_ALONE:
        raise UnsafePlaceError(
            f"{folder} must be a folder that only its owner can enter: 'chmod 700 {folder}', or set {HOME}"
        )
    return folder / name


def _mark() -> str:
    """A few characters that change with the installation and its sources."""
    package = Path(__file__).resolve().parents[1]
    files = sorted(path for room in ("standin", "science/relaxation") for path in (package / room).rglob("*.py"))
    found = [(path.name, (about := path.stat()).st_mtime_ns, about.st_size) for path in files]
    return sha256(repr((__version__, sys.prefix, found)).encode()).hexdigest()[:10]
