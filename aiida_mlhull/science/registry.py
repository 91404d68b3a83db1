"""Names that people write in YAML, and the classes behind them, imported only when asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from aiida_mlhull.science.errors import UnknownNameError, did_you_mean


class Registry(Mapping[str, type]):
    """A read-only mapping of names to classes, loaded late.

    A new model, keep-rule or engine is one file and one line in such a registry; the contract tests
    walk it, so the newcomer is tested without a test being written for it.

    Args:
        kind: what the entries are, for messages: ``"model"``.
        targets: name to ``"package.module:Class"``.
    """

    def __init__(self, kind: str, targets: Mapping[str, str]) -> None:
        self.kind = kind
        self._targets = dict(targets)

    def __getitem__(self, name: str) -> type[Any]:
        try:
            module, _, attribute = self._targets[name].partition(":")
        except KeyError:
            known = ", ".join(sorted(self._targets))
            hint = did_you_mean(name, self._targets)
            raise UnknownNameError(f"unknown {self.kind} {name!r}; known: {known}{hint}") from None
        loaded: type[Any] = getattr(import_module(module), attribute)
        return loaded

    def __contains__(self, name: object) -> bool:
        return name in self._targets

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._targets))

    def __len__(self) -> int:
        return len(self._targets)
