"""For commands that make many small objects and end then."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """Without Python's search for cycles while many small objects are made that all stay.

    A hull of 72,261 phases makes a few million tuples and dictionaries without a cycle among them, and looking through
    them again and again takes a fifth of the time. For a process that ends then, as a command's does: memory that
    cycles hold is not given back inside.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
