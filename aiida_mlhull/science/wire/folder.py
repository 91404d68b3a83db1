"""A job's folder: what goes in, what comes out, and how one knows that it is whole."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from aiida_mlhull.science.errors import IncompleteJobError, MlhullError, WireError
from aiida_mlhull.science.types import Table
from aiida_mlhull.science.wire.files import write_whole
from aiida_mlhull.science.wire.foreign import BROKEN
from aiida_mlhull.science.wire.tables import decode_table, encode_table

T = TypeVar("T", bound=Table)

JOB_FILE: Final = "job.json"
DONE_FILE: Final = "done.json"
REFUSED_FILE: Final = "refused.json"
RESERVE_FILE: Final = "reserve"
RESERVE_BYTES: Final = 2**14
VERSION: Final = 1


def write_json(path: Path, value: Any) -> None:
    """Write JSON, whole or not at all."""
    write_whole(path, json.dumps(value, sort_keys=True, indent=1, allow_nan=False).encode())


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises:
        WireError: if the file is missing or broken.
    """
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        raise WireError(f"{path.name} is missing") from None
    except BROKEN as error:
        raise WireError(f"{path.name} is not valid JSON ({error}); is it truncated?") from error


class JobFolder:
    """The files of one job.

    ``job.json`` names the task and its settings; tables and weights lie beside it. The program writes
    its results, then ``done.json`` with the row counts: a folder without that marker is incomplete,
    whatever else lies in it. A program that refuses writes ``refused.json`` with the error's code.

    Args:
        path: the folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def task(self) -> tuple[str, dict[str, Any]]:
        """Task and settings from ``job.json``.

        Raises:
            WireError: if it is missing, broken or of another version.
        """
        job = read_json(self.path / JOB_FILE)
        told = isinstance(job, dict) and {"version", "task", "settings"} <= job.keys()
        if not told or not isinstance(job["settings"], dict):
            raise WireError(f"{JOB_FILE} doesn't say version, task and settings")
        if job["version"] != VERSION:
            raise WireError(f"{JOB_FILE} has version {job['version']}, this program reads {VERSION}")
        return job["task"], job["settings"]

    @staticmethod
    def describe(task: str, settings: dict[str, Any]) -> str:
        """The content of ``job.json``."""
        return json.dumps({"version": VERSION, "task": task, "settings": settings}, sort_keys=True, indent=1)

    def read_table(self, noun: type[T], name: str) -> T:
        """The table in file ``name``.

        Raises:
            WireError: if it is missing or unreadable.
        """
        return decode_table(noun, self.read_bytes(name), name=name)

    def write_table(self, name: str, table: Table) -> None:
        """Write ``table`` to file ``name``."""
        self.write_bytes(name, encode_table(table))

    def read_bytes(self, name: str) -> bytes:
        """The content of file ``name``.

        Raises:
            WireError: if it is missing.
        """
        try:
            return (self.path / name).read_bytes()
        except FileNotFoundError:
            raise WireError(f"{name} is missing") from None

    def write_bytes(self, name: str, content: bytes) -> None:
        """Write file ``name`` whole or not at all."""
        write_whole(self.path / name, content)

    def finish(self, rows: dict[str, int], **facts: Any) -> None:
        """Write the completion marker: file name to row count, and whatever else is worth keeping."""
        write_json(self.path / DONE_FILE, {"version": VERSION, "rows": rows, **facts})

    @contextmanager
    def room_for_a_refusal(self) -> Iterator[None]:
        """Keep some of the disk while work goes on: when it is full, that can still be written down."""
        reserve = self.path / RESERVE_FILE
        write_whole(reserve, bytes(RESERVE_BYTES))
        try:
            yield
        finally:
            reserve.unlink(missing_ok=True)

    def refuse(self, error: MlhullError) -> None:
        """Write down why the program refused."""
        write_json(self.path / REFUSED_FILE, {"label": error.label(), "status": error.status, "message": str(error)})


def check_storable(facts: dict[str, Any]) -> None:
    """Refuse what JSON files can say and databases can't keep.

    Raises:
        ValueError: on NaN, infinities, halves of characters and zero bytes in texts.
    """
    text = json.dumps(facts, allow_nan=False, ensure_ascii=False)
    if "\\u0000" in text.encode().decode():
        raise ValueError("a zero byte in a text")


def check_done(marker: str, rows: dict[str, int]) -> dict[str, Any]:
    """Check the text of a completion marker against the row counts that were found.

    Returns:
        The marker's facts.

    Raises:
        IncompleteJobError: if it is broken or a count is off.
    """
    try:
        facts: dict[str, Any] = json.loads(marker)
        promised = dict(facts["rows"])
        check_storable(facts)
    except BROKEN as error:
        raise IncompleteJobError(f"{DONE_FILE} is broken: {error}") from error
    off = [f"{name}: {rows.get(name)} of {count}" for name, count in promised.items() if rows.get(name) != count]
    if off:
        raise IncompleteJobError(f"fewer or more rows than the program wrote: {'; '.join(off)}")
    return facts
