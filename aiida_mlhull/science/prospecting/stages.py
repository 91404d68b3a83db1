"""What prospecting has done so far, in a folder: the same call goes on from there."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

from aiida_mlhull.science.errors import WireError
from aiida_mlhull.science.types import MemberWeights, Table
from aiida_mlhull.science.wire import (
    decode_member,
    decode_table,
    encode_member,
    encode_table,
    write_whole,
)

T = TypeVar("T", bound=Table)
Made = TypeVar("Made")

TABLE: Final = ".parquet"
FACTS: Final = ".json"
WEIGHTS: Final = ".safetensors"


@dataclass(frozen=True)
class Stages:
    """Results by name; each is written whole or not at all, so that a kill loses nothing but what was under way.

    Whether a folder belongs to the call at hand is for others to say.

    Attributes:
        folder: made with the first result; None to keep nothing.
        begin: called before a result is written.
    """

    folder: Path | None = None
    begin: Callable[[], None] | None = None

    def table(self, name: str, noun: type[T], make: Callable[[], T] | None) -> T:
        """The table called ``name``, made and kept if it isn't there.

        Args:
            name: without suffix.
            noun: its kind.
            make: None if it must be there.

        Raises:
            WireError: if it must be there and isn't, or can't be read.
        """
        return self._kept(name + TABLE, make, read=lambda content: decode_table(noun, content), keep=encode_table)

    def facts(self, name: str, make: Callable[[], Made] | None) -> Made:
        """JSON called ``name``, see :meth:`table`."""
        found: Made = self._kept(name + FACTS, make, read=json.loads, keep=lambda made: json.dumps(made).encode())
        return found

    def weights(self, name: str, make: Callable[[], MemberWeights] | None) -> MemberWeights:
        """The member called ``name``, see :meth:`table`."""
        return self._kept(name + WEIGHTS, make, read=decode_member, keep=encode_member)

    def has(self, file: str) -> bool:
        """Whether there is a file of that name."""
        return self.folder is not None and (self.folder / file).exists()

    def count(self, first: str, kind: str) -> int:
        """How many results of a kind have names that begin with ``first``."""
        return 0 if self.folder is None else len(list(self.folder.glob(f"{first}*{kind}")))

    def under_way(self, name: str) -> KeptEpochs | None:
        """Where a fit is kept epoch by epoch; None where nothing is kept."""
        return None if self.folder is None else KeptEpochs(self.folder / (name + WEIGHTS))

    def _kept(
        self,
        file: str,
        make: Callable[[], Made] | None,
        *,
        read: Callable[[bytes], Made],
        keep: Callable[[Made], bytes],
    ) -> Made:
        place = None if self.folder is None else self.folder / file
        if place is not None and place.exists():
            return read(place.read_bytes())
        if make is None:
            raise WireError(f"{file} is missing in {self.folder}: remove that folder, and the work begins again")
        made = make()
        if place is not None:
            if self.begin is not None:
                self.begin()
            place.parent.mkdir(parents=True, exist_ok=True)
            write_whole(place, keep(made))
        return made


@dataclass(frozen=True)
class KeptEpochs:
    """The :class:`~aiida_mlhull.science.models.base.Checkpoints` of one fit.

    Attributes:
        place: the file that holds the last one.
    """

    place: Path

    def load(self) -> MemberWeights | None:
        """The last one, or None."""
        return decode_member(self.place.read_bytes(), name=self.place.name) if self.place.exists() else None

    def save(self, state: MemberWeights) -> None:
        """Keep ``state`` in place of the last one."""
        self.place.parent.mkdir(parents=True, exist_ok=True)
        write_whole(self.place, encode_member(state))

    def forget(self) -> None:
        """The fit is done."""
        self.place.unlink(missing_ok=True)
