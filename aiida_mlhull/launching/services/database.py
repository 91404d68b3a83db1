"""SQLite while several processes write: it waits long enough, says so, and what breaks all the same ends with an error.

AiiDA's SQLite storage gives up after five seconds if another process (a daemon's worker, a second terminal) is writing.
What was being stored is then rolled back in the midst of a process, callbacks of the event loop fail one after another,
and what waits for them is never woken.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from aiida_mlhull.science.errors import NotReadyError

PATIENCE: Final = 300.0
"""Seconds to wait for others to write."""
SAID_AFTER: Final = 10.0
"""Seconds after which people are told."""
SQLITE: Final = "sqlite"
LOCKED: Final = "database is locked"
"""SQLite's words."""


@contextmanager
def shared_database(
    loop: asyncio.AbstractEventLoop, say: Callable[[str], object], *, patience: float = PATIENCE
) -> Iterator[None]:
    """Wait for other writers while a process runs in this one; end it if the database fails.

    Args:
        loop: that runs the process.
        say: is told when waiting takes long.
        patience: seconds.

    Raises:
        NotReadyError: if the database failed; what had been stored stays.
    """
    from aiida.manage import get_manager
    from sqlalchemy.exc import SQLAlchemyError

    broken: list[BaseException] = []

    def handle(running: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        if isinstance(error, SQLAlchemyError):
            broken.append(error)
            running.stop()
        elif not broken:
            running.default_exception_handler(context)

    storage: Any = get_manager().get_profile_storage()
    session = storage.get_session()
    loop.set_exception_handler(handle)
    try:
        with _patient(session, say, patience):
            yield
    except (SQLAlchemyError, RuntimeError) as error:
        if not broken and not isinstance(error, SQLAlchemyError):
            raise
        session.rollback()
        raise NotReadyError(_told(broken[0] if broken else error)) from error
    finally:
        loop.set_exception_handler(None)


def _told(error: BaseException) -> str:
    said = str(error)
    why = LOCKED if LOCKED in said else said.strip().splitlines()[0]
    return (
        f"AiiDA's database has failed ({why}); what had been stored by then stays. If it was locked, another process "
        f"wrote for long: a daemon, a second terminal ('verdi daemon status'). Wait for it, or use a profile with "
        f"PostgreSQL ('verdi presto --use-postgres'), which many processes may write to"
    )


@contextmanager
def _patient(session: Any, say: Callable[[str], object], patience: float) -> Iterator[None]:
    """Have SQLite wait; other databases do so by themselves."""
    from sqlalchemy import event

    engine = session.get_bind()
    if engine.dialect.name != SQLITE:
        yield
        return
    begun: list[float] = []
    over = threading.Event()

    pragma = f"PRAGMA busy_timeout = {round(1000 * patience)}"

    def wait(connection: Any, *_: Any) -> None:
        connection.execute(pragma)

    def begin(*_: Any) -> None:
        begun[:] = [time.monotonic()]

    def end(*_: Any) -> None:
        begun.clear()

    def watch() -> None:
        told = None
        while not over.wait(SAID_AFTER / 10):
            since = next(iter(begun), None)
            if since is not None and since != told and time.monotonic() - since > SAID_AFTER:
                told = since
                say(f"another process writes to AiiDA's database; waiting for it, {patience:g} s at most")

    listeners = (
        ("checkout", wait),
        ("before_cursor_execute", begin),
        ("after_cursor_execute", end),
        ("handle_error", end),
    )
    for name, listener in listeners:
        event.listen(engine, name, listener)
    session.connection().exec_driver_sql(pragma)  # the one that is in use already
    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
        for name, listener in listeners:
            event.remove(engine, name, listener)
