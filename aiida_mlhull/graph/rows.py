"""Which tables of the graph hold a candidate, without opening the others."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.science.wire.rows import decode_row

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
    return found


def row_of(noun: Any, node: Any, identifier: str) -> Any:
    """The row of a table's node, as a table of its own; None if it has none."""
    from aiida_mlhull.data.tables import TABLE_FILE

    content = node.base.repository.get_object_content(TABLE_FILE, mode="rb")
    return decode_row(noun, content, identifier, name=f"{type(node).__name__}<{node.pk}>")
