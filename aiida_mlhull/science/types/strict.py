"""What all settings have in common."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Strict(BaseModel):
    """Unknown keys are refused, values don't change after validation."""

    model_config = ConfigDict(extra="forbid", frozen=True)
