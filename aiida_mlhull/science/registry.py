"""Names that people write in YAML, and the classes behind them, imported only when asked for.

Other packages add names by entry points (``mlhull.models``, ``mlhull.rules``, ...). So does a folder that the
environment variable ``MLHULL_PLUGINS`` names, whose ``pyproject.toml`` states the same entry points, without being
installed.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from functools import cache, cached_property
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Final

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from aiida_mlhull.science.errors import SettingsError, UnknownNameError, did_you_mean

FOLDERS: Final = "MLHULL_PLUGINS"
"""Environment variable: folders with plug-ins that are not installed, separated as in PATH."""


class Registry(Mapping[str, type]):
    """A read-only mapping of names to classes, loaded late.

    A new model, keep-rule or engine is one file and one line in such a registry, or an entry point of another package;
    the contract tests walk it, so the newcomer is tested without a test being written for it.

    Args:
        kind: what the entries are, for messages: ``"model"``.
        targets: name to ``"package.module:Class"``.
        group: of the entry points by which other packages add names; none if empty.
    """

    def __init__(self, kind: str, targets: Mapping[str, str], *, group: str = "") -> None:
        self.kind = kind
        self.group = group
        self._own = dict(targets)

    @cached_property
    def _targets(self) -> dict[str, str]:
        others = plugins(self.group) if self.group else {}
        if taken := sorted(set(others) & set(self._own)):
            raise SettingsError(
                f"a plug-in ({others[taken[0]]}) calls its {self.kind} {taken[0]!r}, a name that is taken: rename it"
            )
        return {**self._own, **others}

    def __getitem__(self, name: str) -> type[Any]:
        try:
            target = self._targets[name]
        except KeyError:
            known = ", ".join(sorted(self._targets))
            hint = did_you_mean(name, self._targets)
            raise UnknownNameError(f"unknown {self.kind} {name!r}; known: {known}{hint}") from None
        loaded: type[Any] = load_target(target, what=f"{self.kind} {name!r}", own=name in self._own)
        return loaded

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._targets))

    def __len__(self) -> int:
        return len(self._targets)

    def from_plugins(self) -> dict[str, str]:
        """Name to ``"package.module:Class"``, of those that other packages add."""
        return {name: target for name, target in self._targets.items() if name not in self._own}


def load_target(target: str, *, what: str, own: bool = False) -> Any:
    """What ``"package.module:attribute"`` names.

    Raises:
        SettingsError: if a plug-in's module or attribute can't be imported.
    """
    module, _, attribute = target.partition(":")
    if own:
        return getattr(import_module(module), attribute)
    try:
        return getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise SettingsError(f"the plug-in {target}, {what}, can't be loaded: {error}") from error


@cache
def plugins(group: str) -> dict[str, str]:
    """Name to target of a group's entry points, in installed packages and in the folders of ``MLHULL_PLUGINS``.

    Raises:
        SettingsError: if two state the same name, or a folder states none.
    """
    found: dict[str, str] = {}
    stated = [(point.name, point.value) for point in entry_points(group=group)]
    stated += [pair for folder in _folders() for pair in _stated_in(folder).get(group, {}).items()]
    for name, target in stated:
        if found.setdefault(name, target) != target:
            raise SettingsError(f"two plug-ins have the name {name!r} in {group}: {found[name]} and {target}")
    return found


def _folders() -> list[Path]:
    return [Path(place).expanduser() for place in os.environ.get(FOLDERS, "").split(os.pathsep) if place]


@cache
def _stated_in(folder: Path) -> dict[str, dict[str, str]]:
    """Entry points of a folder's ``pyproject.toml``; what they name is importable from now on.

    Raises:
        SettingsError: if there are none.
    """
    try:
        project = tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{FOLDERS} names {folder}, whose pyproject.toml can't be read: {error}") from error
    groups: dict[str, dict[str, str]] = project.get("project", {}).get("entry-points", {})
    if not any(group.startswith("mlhull.") for group in groups):
        raise SettingsError(f"{FOLDERS} names {folder}, but its pyproject.toml states no entry points 'mlhull. ...'")
    place = folder / "src" if (folder / "src").is_dir() else folder
    if str(place.resolve()) not in sys.path:
        sys.path.append(str(place.resolve()))
    return groups
