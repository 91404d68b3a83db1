"""Protocols of a program: what a chain of calculations says step by step, in YAML files beside the program's settings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from aiida_mlhull.science.errors import UnknownNameError

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable


@dataclass(frozen=True)
class Protocols:
    """The protocols of one program.

    Attributes:
        package: that has them in its folder ``protocols``.
        program: what people call it.
    """

    package: str
    program: str

    def names(self) -> list[str]:
        """Names of the protocols that the package ships."""
        return sorted(Path(entry.name).stem for entry in self._folder.iterdir() if entry.name.endswith(".yaml"))

    def load(self, name: str) -> Mapping[str, Any]:
        """What protocol ``name`` says: ``description``, ``steps``, and what holds for all of them.

        Raises:
            UnknownNameError: if there is none of that name.
        """
        if name not in self.names():
            raise UnknownNameError(f"unknown protocol of {self.program} {name!r}; known: {', '.join(self.names())}")
        loaded: dict[str, Any] = yaml.safe_load((self._folder / f"{name}.yaml").read_text())
        return loaded

    def step(self, name: str, step: str) -> Mapping[str, Any]:
        """What protocol ``name`` says of one of its steps.

        Raises:
            UnknownNameError: if there is no such protocol, or it has no such step.
        """
        steps: Mapping[str, Mapping[str, Any]] = self.load(name)["steps"]
        if step not in steps:
            raise UnknownNameError(
                f"protocol {name} has no step {step!r}; say with 'step' which of these it is: {', '.join(steps)}"
            )
        return steps[step]

    @property
    def _folder(self) -> Traversable:
        return resources.files(self.package) / "protocols"
