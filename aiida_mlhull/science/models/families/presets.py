"""Whole sets of settings under one name: ``model_settings: {preset: paper}``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import model_validator

from aiida_mlhull.science.models.training.loop import TrainingSettings


class PresetSettings(TrainingSettings):
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
