"""PostgreSQL and RabbitMQ of this machine, where there are such: what a group's AiiDA runs on."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import pytest

HOST: Final = "127.0.0.1"
POSTGRES: Final[dict[str, Any]] = {
    "host": os.environ.get("PGHOST", HOST),
    "port": int(os.environ.get("PGPORT", "5432")),
    "user": os.environ.get("PGUSER", "postgres"),
    "password": os.environ.get("PGPASSWORD", ""),
}
RABBITMQ_PORT: Final = 5672

ORDER_OF_A_LANGUAGE: Final = "template template0 encoding 'UTF8' locale_provider icu icu_locale 'en-US'"
"""Where ``b`` comes before ``C``: most servers are set up with some language."""
FAR_AWAY: Final = "Pacific/Chatham"
"""Time zone of the database: 12:45 h ahead, and more in summer."""


def skip_without_services() -> None:
    """Skip a test, loudly, where one of the two is missing."""
    import psycopg

    try:
        with socket.create_connection((HOST, RABBITMQ_PORT), timeout=5):
            pass
    except OSError as error:
        pytest.skip(f"NO RabbitMQ on {HOST}:{RABBITMQ_PORT}: nothing is tested with it here ({error})")
    try:
        with psycopg.connect(**POSTGRES, dbname="postgres", connect_timeout=5):
            pass
    except psycopg.OperationalError as error:
        pytest.skip(f"NO PostgreSQL: nothing is tested with it here ({error})")


@contextmanager
def services(folder: Path) -> Iterator[dict[str, Any]]:
    """A database of its own, which sorts text and tells time as ours doesn't, and the broker.

    Args:
        folder: for the repository's files.

    Yields:
        What AiiDA's fixture ``aiida_profile_factory`` takes.
    """
    import psycopg

    name = f"mlhull_{uuid4().hex[:12]}"
    with psycopg.connect(**POSTGRES, dbname="postgres", autocommit=True) as server:
        server.execute(f"create database {name} {ORDER_OF_A_LANGUAGE}")
        server.execute(f"alter database {name} set timezone to '{FAR_AWAY}'")
        try:
            yield {
                "storage_backend": "core.psql_dos",
                "storage_config": {
                    "database_engine": "postgresql_psycopg",
                    "database_name": name,
                    "database_username": POSTGRES["user"],
                    "database_password": POSTGRES["password"],
                    "database_hostname": POSTGRES["host"],
                    "database_port": POSTGRES["port"],
                    "repository_uri": folder.as_uri(),
                },
                "broker_backend": "core.rabbitmq",
                "broker_config": {
                    "broker_protocol": "amqp",
                    "broker_username": "guest",
                    "broker_password": "guest",
                    "broker_host": HOST,
                    "broker_port": RABBITMQ_PORT,
                    "broker_virtual_host": "",
                },
            }
        finally:  # by another connection: this one may have been ended with the server's process
            with psycopg.connect(**POSTGRES, dbname="postgres", autocommit=True) as last:
                last.execute(f"drop database {name} with (force)")
