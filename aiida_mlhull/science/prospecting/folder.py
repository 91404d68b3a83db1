"""The folder that a prospect is written into: whose it is, what of it is done, and what was read for it."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from shutil import rmtree
from typing import IO, Any, Final

import numpy as np

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.generators.base import GeneratorInput
from aiida_mlhull.science.generators.drawing import chosen_parents
from aiida_mlhull.science.generators.parents import Parents
from aiida_mlhull.science.prospecting.draws import LEFT_OUT, SHARDS
from aiida_mlhull.science.prospecting.known import Known, read_known
from aiida_mlhull.science.prospecting.prospect import MEMBER, PREDICTIONS, ProspectSettings
from aiida_mlhull.science.prospecting.stages import FACTS, TABLE, WEIGHTS, Stages
from aiida_mlhull.science.tables.summary import content_hash
from aiida_mlhull.science.types import EnsembleWeights, References
from aiida_mlhull.science.wire import encode_ensemble, read_json, write_json

STARTED: Final = "started.json"
STAGES: Final = "stages"
KNOWN: Final = "known"
LATER: Final = "later"
READ: Final = "read"
"""Written last of what is kept of crystals."""
CONTENT: Final = "content of "
"""Before the names of what is compared by a digest."""


def asked_for(
    crystals: Path,
    references: References,
    settings: ProspectSettings,
    *,
    later: Path | None,
    ensemble: EnsembleWeights | None,
    protocol: str,
) -> dict[str, Any]:
    """All that decides what a prospect finds, as JSON; files and tables by their digests."""
    digest = sha256()
    for name, content in sorted({} if ensemble is None else encode_ensemble(ensemble).items()):
        digest.update(name.encode() + sha256(content).digest())
    return {
        f"{CONTENT}the crystals": _digest(crystals),
        f"{CONTENT}the references": content_hash(references),
        f"{CONTENT}the crystals found later": None if later is None else _digest(later),
        f"{CONTENT}the ensemble": None if ensemble is None else digest.hexdigest(),
        "protocol": protocol,
        "aiida-mlhull": version("aiida-mlhull"),
        "settings": settings.model_dump(mode="json"),
    }


@dataclass(frozen=True)
class ProspectFolder:
    """A folder of one prospect.

    Attributes:
        path: made with the first result that is kept.
        asked: see :func:`asked_for`.
        last: name of the file that is written last: with it the folder is finished.
        held: the file by whose lock other processes see that this one works here, once it does.
    """

    path: Path
    asked: dict[str, Any]
    last: str
    held: list[IO[str]] = field(default_factory=list, compare=False, repr=False)

    @property
    def stages(self) -> Stages:
        """Where results are kept while it is under way."""
        return Stages(self.path / STAGES, begin=self._begin)

    @property
    def finished(self) -> bool:
        """Whether all of it is there."""
        return (self.path / self.last).exists()

    def finish(self) -> None:
        """Forget the stages: what they were for is written."""
        rmtree(self.path / STAGES, ignore_errors=True)

    def check(self) -> None:
        """Refuse a folder of something else, and one that is worked in; work in it from now on if it is neither.

        Raises:
            InputError: if it holds a prospect that was asked for otherwise, with what differs; or none; or if another
                process is at it.
        """
        if not self.path.exists():
            return
        advice = "name another folder with --output"
        if not (self.path / STARTED).exists():
            raise InputError(f"{self.path} is there already, and no prospect of this version: {advice}")
        told = dict(_flat(read_json(self.path / STARTED)))
        here = dict(_flat(self.asked))
        other = [name for name in sorted({*told, *here}) if told.get(name) != here.get(name)]
        if other:
            differs = listed(
                name if name.startswith(CONTENT) else f"{name}: {told.get(name)!r} there, {here.get(name)!r} now"
                for name in other
            )
            raise InputError(f"{self.path} is there already, of another prospect ({differs}): {advice}")
        self._hold()

    def so_far(self) -> str:
        """What of a prospect under way is done, for people; empty where there is nothing."""
        stages, members = self.stages, self.asked["settings"]["ensemble"]["members"]
        if not stages.has(f"{KNOWN}_{READ}{FACTS}"):
            return ""
        parts = ["crystals read", f"shards of draws: {stages.count(SHARDS, f'{LEFT_OUT}{FACTS}')}"]
        if self.asked[f"{CONTENT}the ensemble"] is None:
            parts.append(f"members fitted: {stages.count(MEMBER, WEIGHTS)} of {members}")
        parts.append(f"tables of predictions: {stages.count(PREDICTIONS, TABLE)}")
        return f"{self.path}: goes on where it was stopped; {', '.join(parts)}"

    def _begin(self) -> None:
        self.path.mkdir(parents=True, exist_ok=True)
        if not (self.path / STARTED).exists():
            write_json(self.path / STARTED, self.asked)
        self._hold()

    def close(self) -> None:
        """Let others work here."""
        while self.held:
            self.held.pop().close()

    def _hold(self) -> None:
        if self.held:
            return
        started = (self.path / STARTED).open(encoding="utf-8")
        try:
            fcntl.flock(started, fcntl.LOCK_EX | fcntl.LOCK_NB)  # ends with the process, however that ends
        except OSError:
            started.close()
            raise InputError(
                f"another process is prospecting in {self.path}: wait for it, or name another folder"
            ) from None
        self.held.append(started)


def known_once(
    path: Path, references: References, *, stages: Stages, name: str, settings: ProspectSettings | None = None
) -> Known:
    """Read crystals with their energies, or take what an earlier call has read.

    Args:
        path: see :func:`~aiida_mlhull.science.prospecting.known.read_known`.
        references: see there.
        stages: where they are kept.
        name: under which.
        settings: how parents are chosen of them; nothing is kept of crystals that nothing can be drawn from.

    Raises:
        InputError: if there are no energies, or no crystal that can be drawn from.
        MlhullError: if the file can't be read.
    """
    known = None
    if not stages.has(f"{name}_{READ}{FACTS}"):
        known = read_known(path, references)
        if settings is not None:
            chosen_parents(GeneratorInput(crystals=known.crystals), settings.substitution)
    crystals = stages.table(f"{name}_crystals", Parents, None if known is None else partial(getattr, known, "crystals"))
    phases = stages.table(
        f"{name}_phases", References, None if known is None else partial(getattr, known, "references")
    )
    told = stages.facts(
        f"{name}_{READ}",
        None if known is None else lambda: {"energies": known.energies.tolist(), "remarks": known.remarks},
    )
    return Known(crystals, np.asarray(told["energies"], dtype=np.float64), phases, tuple(told["remarks"]))


def _digest(path: Path) -> str:
    """Of a file's content, or of all files below a folder and their names."""
    files = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    whole = sha256()
    for file in files:
        whole.update(str(file.relative_to(path)).encode() + sha256(file.read_bytes()).digest())
    return whole.hexdigest()


def _flat(facts: dict[str, Any], before: str = "") -> Iterator[tuple[str, Any]]:
    """``settings.substitution.draws`` and its value, and so on."""
    for name, value in facts.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{before}{name}.")
        else:
            yield f"{before}{name}", value
