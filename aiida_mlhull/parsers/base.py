"""Parsers of the three jobs: whole results become nodes, everything else ONE exit code that says why."""

from __future__ import annotations

import json
from abc import abstractmethod
from typing import Any, Final

import numpy as np
from aiida import orm
from aiida.engine import ExitCode
from aiida.parsers import Parser

from aiida_mlhull.science.errors import (
    IncompleteJobError,
    MlhullError,
    OutOfMemoryError,
    StoppedError,
    WireError,
    listed,
)
from aiida_mlhull.science.types.table import Strings
from aiida_mlhull.science.wire import DONE_FILE
from aiida_mlhull.science.wire.folder import REFUSED_FILE, check_done
from aiida_mlhull.science.wire.foreign import BROKEN

SCHEDULER_FAILURES: Final[dict[int, type[MlhullError]]] = {110: OutOfMemoryError, 120: StoppedError}
"""What AiiDA's scheduler plugins have found out: exit status to what a restart can make of it."""

WHERE_IT_SAYS_WHY: Final = ("mlhull-job.err", "_scheduler-stderr.txt")


class JobParser(Parser):
    """Takes results over only if the program has said that it is done, and their rows are all there."""

    def parse(self, **_: Any) -> ExitCode | None:
        """Attach the results, or end with the exit code of what went wrong."""
        try:
            if self.has(REFUSED_FILE):
                return self._refusal()
            marker = self._marker()
            nodes, rows = self.read()
            facts = check_done(marker, rows)
            self._check_all_answered(sum(rows.values()))
        except MlhullError as error:
            return self._exit(error.label(), str(error))
        for name, node in nodes.items():
            self.out(name, node)
        told = {key: value for key, value in facts.items() if key != "version"}
        self.out("results", orm.Dict(told))
        return None

    @abstractmethod
    def read(self) -> tuple[dict[str, orm.Data], dict[str, int]]:
        """Results as nodes, and the number of rows that were found in each file.

        Raises:
            WireError: if a file is missing, truncated, or holds something else.
        """

    @abstractmethod
    def expected(self) -> int:
        """Rows that the inputs ask for."""

    def content(self, name: str) -> bytes:
        """A retrieved file.

        Raises:
            WireError: if it is missing.
        """
        try:
            found: bytes = self.retrieved.base.repository.get_object_content(name, mode="rb")
        except FileNotFoundError:
            raise WireError(f"{name} is missing among the retrieved files") from None
        return found

    def has(self, name: str) -> bool:
        """Whether a file was retrieved."""
        return name in self.retrieved.base.repository.list_object_names()

    def _exit(self, label: str, message: str) -> ExitCode:
        code: ExitCode = self.exit_codes[label].format(message=message)
        return code

    def _refusal(self) -> ExitCode:
        """What the program said, word for word."""
        try:
            refusal = json.loads(self.content(REFUSED_FILE))
            return self._exit(refusal["label"], refusal["message"])
        except BROKEN as error:
            raise WireError(f"{REFUSED_FILE} is broken or of another version: {error}") from error

    def _marker(self) -> str:
        if self.has(DONE_FILE):
            return self.content(DONE_FILE).decode(errors="replace")
        known = SCHEDULER_FAILURES.get(self.node.exit_status or 0)
        if known is not None:
            raise known(f"the scheduler says: {self.node.exit_message}")
        raise IncompleteJobError(f"the program has not said that it is done; {self._last_words()}")

    def _last_words(self) -> str:
        for name in WHERE_IT_SAYS_WHY:
            lines = self.content(name).decode(errors="replace").strip().splitlines() if self.has(name) else []
            if lines:
                return f"{name} ends with: {lines[-1]}"
        return "it has not said why: was it killed, or is the disk full?"

    @staticmethod
    def check_asked(found: Strings, asked: Strings) -> None:
        """Refuse rows that nothing was asked about.

        Raises:
            IncompleteJobError: if there are some; the message names them.
        """
        foreign = found[~np.isin(found, asked)]
        if len(foreign):
            raise IncompleteJobError(f"{len(foreign)} rows were not asked for: {listed(foreign.tolist())}")

    def _check_all_answered(self, found: int) -> None:
        if found != self.expected():
            raise IncompleteJobError(f"{self.expected()} rows were asked for, {found} came back")
