"""An ensemble as a node: safetensors and JSON in the repository, never pickle."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from aiida_mlhull.data.base import Exported, ScienceData, attribute
from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.types import EnsembleWeights
from aiida_mlhull.science.wire import decode_ensemble, encode_ensemble
from aiida_mlhull.science.wire.weights import ENSEMBLE_FILE, encode_description, member_file


class EnsembleData(ScienceData[EnsembleWeights]):
    """Members' weights with everything that predicting needs.

    Args:
        noun: the ensemble.
        weights: every member's file as a job has written it; AiiDA stores equal files once. Encoded if None.
    """

    _noun: ClassVar = EnsembleWeights

    class AttributesModel(ScienceData.AttributesModel):
        """Facts of the ensemble."""

        model: str = attribute("model", "name in the model registry")
        target: str = attribute("target", "what the members learned")
        unit: str = attribute("unit", "unit of target and predictions")
        classes: list[str] = attribute("classes", "names of the classes that the members tell apart", default=[])
        n_members: int = attribute("n_members", "members", ge=1)
        seeds: list[int] = attribute("seeds", "every member's seed")
        validation_mae: list[float | None] = attribute(
            "validation_mae",
            "every member's mean absolute error on its validation rows; of classes the mean probability of wrong ones",
        )
        settings: dict[str, Any] = attribute("settings", "settings of the model")
        calibration: dict[str, Any] = attribute("calibration", "factors found on rows that members had not seen")
        versions: dict[str, Any] = attribute("versions", "packages and device that made it")

    def __init__(self, noun: EnsembleWeights, *, weights: Sequence[bytes] | None = None, **kwargs: Any) -> None:
        if weights is not None:
            files = {member_file(place): content for place, content in enumerate(weights)}
            kwargs["files"] = {ENSEMBLE_FILE: encode_description(noun), **files}
        super().__init__(noun, **kwargs)

    def listing(self, **_: Any) -> dict[str, list[str]]:
        """Columns of text for a screen: one row per member."""
        members = self.to_science().members
        scores = sorted({name for member in members for name, score in member.scores.items() if _is_number(score)})
        return {
            "member": [str(number) for number in range(len(members))],
            "seed": [str(member.seed) for member in members],
            **{name: [_text(member.scores.get(name)) for member in members] for name in scores},
        }

    def export_files(self, fileformat: str, **chosen: Any) -> dict[str, bytes]:
        """What an export into a folder writes: ``ensemble.json``, and every member's weights if asked for."""
        return self._files() if fileformat == "safetensors" else super().export_files(fileformat, **chosen)

    def _prepare_json(self, main_file_name: str = "") -> Exported:  # noqa: ARG002  (AiiDA passes it)
        """Everything but the weights."""
        described = self.base.attributes.all | {"scores": [dict(member.scores) for member in self.to_science().members]}
        return json.dumps(described, indent=1, sort_keys=True).encode(), {}

    def _prepare_safetensors(self, main_file_name: str = "") -> Exported:
        """The description as main file, the members beside it."""
        if main_file_name and Path(main_file_name).name != ENSEMBLE_FILE:
            raise InputError(f"weights are several files: name a folder for them, or the file {ENSEMBLE_FILE} in it")
        files = self._files()
        return files.pop(ENSEMBLE_FILE), {str(Path(main_file_name).parent / name): files[name] for name in files}

    @classmethod
    def headline(cls, facts: Mapping[str, Any]) -> str:
        """One line for people, made from a node's attributes."""
        errors = ", ".join("-" if error is None else f"{error:.3f}" for error in facts["validation_mae"])
        if facts.get("classes"):  # nodes of 0.1.0 have none
            return (
                f"{facts['n_members']} members of {facts['model']} for {facts['target']} "
                f"({', '.join(facts['classes'])}); mean probability of wrong classes {errors}"
            )
        method = facts["calibration"].get("method", "none")
        calibrated = "not calibrated" if method == "none" else f"calibrated by {method}"
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
            "classes": list(noun.classes),
            "n_members": len(noun.members),
            "seeds": [member.seed for member in noun.members],
            "validation_mae": [
                member.scores.get("validation_miss" if noun.classes else "validation_mae") for member in noun.members
            ],
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


def _is_number(score: Any) -> bool:
    return isinstance(score, int | float) and not isinstance(score, bool)


def _text(score: Any) -> str:
    return f"{score:.4g}" if _is_number(score) else ""
