"""A profile whose disk is full, or is read-only for a while: an error says so, nothing is half there, then it goes on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiida import orm
from aiida.common.exceptions import AiidaException
from sqlalchemy.exc import SQLAlchemyError

from aiida_mlhull.data import CandidatesData
from tests.arsenides import every_sixth
from tests.disks import full, read_only, small_disk

WORDS = ("no space", "disk is full", "disk i/o error", "read-only", "readonly")
"""Of the operating system and of SQLite."""


@pytest.fixture
def disk(aiida_profile: Any, aiida_config: Any, aiida_profile_factory: Any, tmp_path: Path) -> Iterator[Path]:
    """It holds the profile that is loaded, but for the configuration."""
    (tmp_path / "disk").mkdir()
    with small_disk(tmp_path / "disk", mib=6) as mounted:
        storage = {"storage_backend": "core.sqlite_dos", "storage_config": {"filepath": str(mounted / "profile")}}
        with aiida_profile_factory(aiida_config, broker_backend=None, **storage):
            yield mounted
    aiida_config.set_default_profile(aiida_profile.name)
    aiida_config.store()


def test_nothing_is_half_stored_and_everything_is_later(disk: Path) -> None:
    cells = every_sixth().candidates
    before = CandidatesData.from_science(cells.take(range(10))).store()
    for number, broken in enumerate((full, read_only), start=1):
        some = cells.take(range(10 + number))
        with broken(disk), pytest.raises((OSError, SQLAlchemyError, AiidaException)) as caught:
            CandidatesData.from_science(some).store()
        assert any(word in str(caught.value).lower() for word in WORDS), caught.value
        orm_session_back()
        assert orm.QueryBuilder().append(CandidatesData).count() == number
        assert before.to_science().ids.tolist() == cells.ids[:10].tolist()
        again = CandidatesData.from_science(some).store()
        assert again.to_science().ids.tolist() == some.ids.tolist()
        assert orm.QueryBuilder().append(CandidatesData).count() == number + 1


def orm_session_back() -> None:
    """What a worker does after an error: the transaction that failed is given up."""
    from aiida.manage import get_manager

    get_manager().get_profile_storage().get_session().rollback()
