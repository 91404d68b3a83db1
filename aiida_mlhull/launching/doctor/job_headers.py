"""The version of a program as the header of its last job tells it: what can't be asked without a job, or lies far away."""

from __future__ import annotations

import re
from typing import Any, Final

HEAD: Final = 4096
"""Bytes of a file in which its header stands."""
LOOKED_AT: Final = 20
"""Newest jobs of a code that are looked at; failed ones may have left no header."""


def last_version(code: Any, files: tuple[str, ...], pattern: re.Pattern[str]) -> str:
    """In words, the version that the newest job of a code has left, or that none has.

    Args:
        code: whose jobs.
        files: names of files that jobs leave, the best first.
        pattern: finds ``version`` in the beginning of one of them.
    """
    from aiida import orm

    query = orm.QueryBuilder().append(orm.AbstractCode, filters={"id": code.pk}, tag="code")
    query.append(orm.CalcJobNode, with_incoming="code", tag="job", project="id")
    query.append(orm.FolderData, with_incoming="job", edge_filters={"label": "retrieved"}, project="*")
    query.order_by({"job": {"id": "desc"}}).limit(LOOKED_AT)
    for pk, left in query.all():
        names = set(left.base.repository.list_object_names())
        for name in (one for one in files if one in names):
            with left.base.repository.open(name, "rb") as stream:
                head = stream.read(HEAD).decode("utf-8", errors="replace")
            if found := pattern.search(head):
                return f"version {found['version'].strip()} (job {pk})"
    return "version not known before its first job, which tells it"
