"""From the name of a chemical system to a campaign that can be launched: candidates, known phases, a campaign file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml

from aiida_mlhull.science.errors import InputError, listed
from aiida_mlhull.science.representations.composition import NUMBERS

PROJECT: Final = "materials-project"
KEY: Final = "MP_API_KEY"


@dataclass(frozen=True)
class Expedition:
    """What was written for a chemical system.

    Attributes:
        campaign: the campaign file.
        candidates: how many crystals were made.
        remarks: lines for people: what was made and read, and what it can't tell.
    """

    campaign: Path
    candidates: int
    remarks: tuple[str, ...]


def elements_in(system: str) -> tuple[str, ...]:
    """The elements of ``Ti-Zn-N``.

    Raises:
        InputError: if a part is not an element, one comes twice, or there is only one.
    """
    elements = tuple(part.strip() for part in system.split("-"))
    strange = [part for part in elements if part not in NUMBERS]
    if strange:
        raise InputError(f"{system}: not elements: {listed(repr(part) for part in strange)}; write Ti-Zn-N")
    if len(set(elements)) < len(elements) or len(elements) < 2:  # noqa: PLR2004  (one element has nothing to react with)
        raise InputError(f"{system}: two or more different elements, such as Ti-Zn-N")
    return elements


def set_out(
    system: str, folder: Path, *, references: str = "", max_sites: int, limit: int | None = None, seed: int = 0
) -> Expedition:
    """Write candidates, known phases and a campaign file into a new folder; AiiDA is not needed for that.

    Args:
        system: elements joined by hyphens.
        folder: that is made.
        references: a file of known phases; ``materials-project``; ``mp-elements``, which come with the package. Empty:
            the Materials Project where the environment holds a key of it, else ``mp-elements``.
        max_sites: largest cell of a prototype.
        limit: so many decorations of prototypes at most, drawn at random.
        seed: of all that is drawn.

    Raises:
        InputError: if the system makes no sense, or the folder is there already.
        MlhullError: if the references can't be had.
    """
    elements = elements_in(system)
    if folder.exists():
        raise InputError(
            f"{folder} is there already: name another folder with --output, or launch {folder}/campaign.yaml"
        )
    place, remarks = _known(elements, references, folder)
    count = _candidates(elements, folder, max_sites=max_sites, limit=limit, seed=seed)
    remarks.append(f"{count:,} candidates from known prototypes")
    content = {"name": system.lower(), "seed": seed, "candidates": "candidates.parquet", "references": place}
    file = folder / "campaign.yaml"
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return Expedition(file, count, tuple(remarks))


def _known(elements: tuple[str, ...], references: str, folder: Path) -> tuple[dict[str, str], list[str]]:
    """The campaign file's entry for the known phases, and remarks; makes the folder."""
    from aiida_mlhull.launching.materials.references import from_materials_project
    from aiida_mlhull.science.reading.phases.shipped import SHIPPED
    from aiida_mlhull.science.tables.export import to_parquet

    wanted = references or (PROJECT if os.environ.get(KEY) else "mp-elements")
    if wanted in SHIPPED:
        folder.mkdir(parents=True)
        advice = f" (set {KEY}, or name a file with --references)" if not references else ""
        return {"shipped": wanted}, [f"known phases: the elements alone, so that known compounds count as new{advice}"]
    if wanted != PROJECT:
        file = Path(wanted)
        if not file.exists():
            raise InputError(f"references: no such file: {file}; or name {PROJECT}, {', '.join(SHIPPED)}")
        folder.mkdir(parents=True)
        return {"file": str(file.resolve())}, [f"known phases: {file}"]
    intake = from_materials_project(elements, thermo_type="GGA_GGA+U", partial=False)
    folder.mkdir(parents=True)
    (folder / "known.parquet").write_bytes(to_parquet(intake.references))
    return {"file": "known.parquet", "scheme": "mp-pbe-2020"}, [intake.summary()]


def _candidates(elements: tuple[str, ...], folder: Path, *, max_sites: int, limit: int | None, seed: int) -> int:
    from aiida_mlhull.science.generators.base import GeneratorInput
    from aiida_mlhull.science.generators.prototypes import PrototypeDecoration
    from aiida_mlhull.science.tables.writing import write_shards

    generator = PrototypeDecoration(PrototypeDecoration.Settings(largest_cell=max_sites, sample=limit))
    shards = generator.shards(GeneratorInput(elements=elements), seed=seed)
    return write_shards(shards, folder / "candidates.parquet", progress=lambda _: None).candidates
