"""Processes whose steps a test takes the place of."""

from __future__ import annotations

from typing import Any

import pytest
from aiida.engine import Process


def redefined(monkeypatch: pytest.MonkeyPatch, process: type[Process], **changes: Any) -> None:
    """Put ``changes`` in the place of a process' attributes until the test ends.

    An outline holds the functions that its steps were when it was defined, which AiiDA does once a class: it is made
    anew for this test, and is the former one afterwards.
    """
    process.spec()
    monkeypatch.delattr(process, "_spec")
    for name, changed in changes.items():
        monkeypatch.setattr(process, name, changed)
