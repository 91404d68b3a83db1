"""An ensemble as a node: safetensors and JSON in the repository, never pickle."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from aiida_mlhull.data.noun import NounData, attribute
from aiida_mlhull.science.types import EnsembleWeights
from aiida_mlhull.science.wire import decode_ensemble, encode_ensemble


class EnsembleData(NounData[EnsembleWeights]):
    """Members' weights with everything that predicting needs."""

    _noun: ClassVar = EnsembleWeights

    class AttributesModel(NounData.AttributesModel):
        """Facts of the ensemble."""

        model: str = attribute("model", "name in the model registry")
        target: str = attribute("target", "what the members learned")
        unit: str = attribute("unit", "unit of target and predictions")
        n_members: int = attribute("n_members", "members", ge=1)
        seeds: list[int] = attribute("seeds", "every member's seed")
        validation_mae: list[float | None] = attribute(
            "validation_mae", "every member's mean absolute error on its validation rows"
        )
        settings: dict[str, Any] = attribute("settings", "settings of the model")
        calibration: dict[str, Any] = attribute("calibration", "factors found on unseen rows; empty if not calibrated")
        versions: dict[str, Any] = attribute("versions", "packages and device that made it")

    @classmethod
    def headline(cls, facts: Mapping[str, Any]) -> str:
        """One line for people, made from a node's attributes."""
        errors = ", ".join("-" if error is None else f"{error:.3f}" for error in facts["validation_mae"])
        calibrated = "calibrated" if facts["calibration"] else "not calibrated"
        return (
            f"{facts['n_members']} members of {facts['model']} for {facts['target']}; "
            f"validation MAE {errors} {facts['unit']}; {calibrated}"
        )

    @classmethod
    def _facts(cls, noun: Any) -> dict[str, Any]:
        return {
            "model": noun.model,
            "target": noun.target,
            "unit": noun.unit,
            "n_members": len(noun.members),
            "seeds": [member.seed for member in noun.members],
            "validation_mae": [member.scores.get("validation_mae") for member in noun.members],
            "settings": noun.settings,
            "calibration": noun.calibration,
            "versions": noun.versions,
        }

    @classmethod
    def _encode(cls, noun: Any) -> dict[str, bytes]:
        return encode_ensemble(noun)

    @classmethod
    def _decode(cls, files: Mapping[str, bytes]) -> Any:
        return decode_ensemble(files)
