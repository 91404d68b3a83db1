"""Fits on disk: what is under way after every epoch, and members that are done, for a job that is tried again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.program.progress import say
from aiida_mlhull.science.types import MemberWeights
from aiida_mlhull.science.wire import decode_member, encode_member, write_whole

_IDENTITY: Final = "job"
_ABOUT: Final = "about"
_FILES: Final = ("checkpoint", "fitted")


@dataclass(frozen=True)
class FitsUnderWay:
    """The fits of one job in its folder.

    Files of another job, or of the same one with other settings, are not used. Every file is written
    whole or not at all, so that a kill loses nothing but the running epoch.

    Attributes:
        path: the job's folder.
        identity: a digest of all that decides about the members.
    """

    path: Path
    identity: str

    def take_over(self, earlier: Path) -> None:
        """Copy what an earlier try in folder ``earlier`` has left, so that a third try finds it here."""
        if not earlier.is_dir():
            return
        for kind in _FILES:
            for file in sorted(earlier.glob(f"{kind}_*.safetensors")):
                if self._read(file) is not None:
                    write_whole(self.path / file.name, file.read_bytes())

    def checkpoints(self, member: int) -> MemberCheckpoints:
        """Where the fit of ``member`` is kept while it is under way."""
        return MemberCheckpoints(self, member)

    def finished(self, member: int) -> tuple[MemberWeights, dict[str, Any]] | None:
        """A member that is done, and what was said about its fit."""
        found = self._read(self._file("fitted", member))
        if found is None:
            return None
        meta = dict(found.meta)
        about = meta.pop(_ABOUT)
        return replace(found, meta=meta), about

    def finish(self, member: int, weights: MemberWeights, **about: Any) -> None:
        """Keep a member that is done; its checkpoint is not needed any more."""
        self.write("fitted", member, replace(weights, meta={**weights.meta, _ABOUT: about}))
        self._file("checkpoint", member).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove everything: the job is done."""
        for kind in _FILES:
            for file in self.path.glob(f"{kind}_*.safetensors"):
                file.unlink()

    def read(self, kind: str, member: int) -> MemberWeights | None:
        """What is kept of ``member``, if it is this job's."""
        return self._read(self._file(kind, member))

    def write(self, kind: str, member: int, weights: MemberWeights) -> None:
        """Keep ``weights`` in place of what was there."""
        content = encode_member(replace(weights, meta={**weights.meta, _IDENTITY: self.identity}))
        write_whole(self._file(kind, member), content)

    def _file(self, kind: str, member: int) -> Path:
        return self.path / f"{kind}_{member:03d}.safetensors"

    def _read(self, file: Path) -> MemberWeights | None:
        if not file.exists():
            return None
        try:
            found = decode_member(file.read_bytes(), name=file.name)
        except WeightsError as error:
            say(f"{error}; the fit begins from scratch")
            return None
        if found.meta.get(_IDENTITY) != self.identity:
            say(f"{file.name} belongs to another job and is not used")
            return None
        return replace(found, meta={key: value for key, value in found.meta.items() if key != _IDENTITY})


@dataclass(frozen=True)
class MemberCheckpoints:
    """The :class:`~aiida_mlhull.science.models.base.Checkpoints` of one member."""

    fits: FitsUnderWay
    member: int

    def load(self) -> MemberWeights | None:
        """The state after the last whole epoch, or None."""
        state = self.fits.read("checkpoint", self.member)
        if state is not None:
            say(f"member {self.member}: goes on after epoch {len(state.meta['history'])}")
        return state

    def save(self, state: MemberWeights) -> None:
        """Keep the state after an epoch."""
        self.fits.write("checkpoint", self.member, state)
