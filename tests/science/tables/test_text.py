"""Numbers as people read them."""

from __future__ import annotations

import pytest

from aiida_mlhull.science.tables import text


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (None, None),
        (0.0, "0"),
        (0.0019, "0.0019"),
        (0.0996, "0.1"),
        (0.18, "0.18"),
        (2.124, "2.12"),
        (73205.2, "73,205"),
    ],
)
def test_core_minutes_are_never_nothing_where_there_are_some(minutes, said):
    assert text.core_minutes(minutes) == said
