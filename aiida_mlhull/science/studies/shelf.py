"""The studies that the package brings, and those that people write: one YAML file each."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from aiida_mlhull.science.campaign.file import read_mapping
from aiida_mlhull.science.errors import UnknownNameError, did_you_mean
from aiida_mlhull.science.studies.settings import Study
from aiida_mlhull.science.types.strict import validated

FOLDER: Final = Path(__file__).parent / "published"


def study_names() -> list[str]:
    """Names of the studies that the package brings."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def load_study(name: str) -> Study:
    """A study.

    Args:
        name: of one that the package brings, or a file.

    Raises:
        UnknownNameError: if there is none.
        WireError: if the file can't be read.
        SettingsError: if it is wrong.
    """
    path = FOLDER / f"{name}.yaml" if name in study_names() else Path(name)
    if not path.is_file():
        known = study_names()
        raise UnknownNameError(
            f"no study {name!r}{did_you_mean(name, known)} (known: {', '.join(known)}, or the path of a file)"
        )
    study: Study = validated(Study, read_mapping(path), what=path.name)
    return study
