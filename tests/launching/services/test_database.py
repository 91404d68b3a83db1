"""Another process that writes to AiiDA's SQLite file in the midst of a run: waited for, or an error; never a hang."""

from __future__ import annotations

import sqlite3
import threading
from functools import partial

import pytest
from aiida.engine import WorkChain, calcfunction
from aiida.manage import get_manager
from aiida.orm import Int

from aiida_mlhull.launching import running
from aiida_mlhull.launching.services import database
from aiida_mlhull.science.errors import NotReadyError

LOCKED = 1.5
"""Seconds."""


@calcfunction
def one_more(number: Int) -> Int:
    return Int(number.value + 1)


class Counting(WorkChain):
    """Stores something while somebody else holds the file."""

    @classmethod
    def define(cls, spec) -> None:
        super().define(spec)
        spec.output("result")
        spec.outline(cls.lock, cls.store)

    def lock(self) -> None:
        path = get_manager().get_profile_storage().filepath_database
        self.other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self.other.execute("BEGIN IMMEDIATE")
        threading.Timer(LOCKED, partial(self.other.execute, "ROLLBACK")).start()

    def store(self) -> None:
        self.out("result", one_more(Int(1)))


def test_a_run_waits_for_others_and_says_so(monkeypatch) -> None:
    monkeypatch.setattr(database, "SAID_AFTER", 0.5)
    said: list[str] = []
    node = running.run_here(Counting.get_builder(), progress=lambda report: said.append(str(report)))
    assert node.is_finished_ok
    assert node.outputs.result.value == 2
    assert said == ["another process writes to AiiDA's database; waiting for it, 300 s at most"]


def test_a_database_that_stays_locked_ends_the_run(monkeypatch) -> None:
    monkeypatch.setattr(running, "shared_database", partial(database.shared_database, patience=0.2))
    with pytest.raises(NotReadyError, match=r"failed \(database is locked\).*second terminal.*PostgreSQL"):
        running.run_here(Counting.get_builder())
    threading.Event().wait(LOCKED)
    assert one_more(Int(2)).value == 3
