"""Which tables of the graph hold a candidate, without opening the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from aiida import orm

TABLE: Final = "table"
"""Tag of the tables in a query, which are its last nodes and not yet projected."""


def holding(query: orm.QueryBuilder, identifier: str) -> list[Any]:
    """Results of a query whose tables may hold an id: what it projects, and the table.

    Tables are sorted by code points and carry their first and last id. These are compared here, because a database
    may sort text otherwise: PostgreSQL goes by a language, where ``b`` comes before ``C``.
    """
    query.add_projection(TABLE, ["id", "attributes.id_min", "attributes.id_max"])
    ends = (found[-3:] for found in query.iterall())
    pks = [pk for pk, first, last in ends if first is not None and first <= identifier <= last]
    if not pks:
        return []
    query.add_filter(TABLE, {"id": {"in": pks}})
    query.add_projection(TABLE, "*")
    found: list[Any] = query.all()
    opened(row[-1] for row in found)
    return found


def opened(tables: Iterable[Any]) -> list[Any]:
    """The same tables, their files read at one go."""
    from aiida_mlhull.data import fetch

    found = list(tables)
    fetch(found)
    return found
