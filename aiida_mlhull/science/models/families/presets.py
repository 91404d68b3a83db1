"""Whole sets of settings under one name: ``model_settings: {preset: paper}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from pydantic import model_validator

from aiida_mlhull.science.models.base import ModelSettings

THESIS: Final[Mapping[str, Any]] = {
    "optimizer": "adam",
    "learning_rate": 3e-4,
    "schedule": "constant",
    "weight_decay": 1e-6,
    "batch_size": 128,
    "keep": "last",
}
"""How networks are trained in Goodall's thesis (2021), with ten members and all rows of the training set to learn from:
``validation_fraction: 0``."""


class PresetSettings(ModelSettings):
    """Settings that may start from a preset; what is given beside it counts more.

    A preset is a way to say settings, not a setting: it is replaced by what it stands for.

    Attributes:
        PRESETS: name to settings that differ from the defaults.
    """

    PRESETS: ClassVar[Mapping[str, Mapping[str, Any]]] = {}

    @model_validator(mode="before")
    @classmethod
    def _spelled_out(cls, values: Any) -> Any:
        if not isinstance(values, dict) or "preset" not in values:
            return values
        given = dict(values)
        name = given.pop("preset")
        if name not in cls.PRESETS:
            raise ValueError(f"unknown preset {name!r}; known: {', '.join(sorted(cls.PRESETS))}")
        return {**cls.PRESETS[name], **given}
