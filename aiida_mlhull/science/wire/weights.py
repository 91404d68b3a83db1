"""Members and ensembles as safetensors plus JSON: loading never runs code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load, save

from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.types import EnsembleWeights, MemberWeights
from aiida_mlhull.science.wire.foreign import BROKEN

VERSION: Final = 1
FORMAT: Final = "mlhull-member"
KEY: Final = "mlhull"
ENSEMBLE_FILE: Final = "ensemble.json"
MEMBER_FILES: Final = "member_*.safetensors"
LATER: Final = ("classes", "baseline", "learned")
"""Facts that ensembles of version 0.1.0 don't have."""


def encode_member(member: MemberWeights) -> bytes:
    """One member as a safetensors file whose header holds the JSON part; equal members, equal bytes."""
    facts = {"meta": member.meta, "scores": member.scores, "seed": member.seed}
    described = json.dumps({"format": FORMAT, "version": VERSION, "facts": facts}, sort_keys=True)
    # One key only: safetensors writes several in an order that changes from one call to the next.
    return bytes(
        # np.ascontiguousarray would make rows of one number out of single numbers.
        save(
            {name: np.require(array, requirements="C") for name, array in member.arrays.items()},
            metadata={KEY: described},
        )
    )


def decode_member(content: bytes, *, name: str = "weights") -> MemberWeights:
    """The member behind safetensors bytes.

    Raises:
        WeightsError: if the file is truncated, not safetensors, or not one of ours; named ``name``.
    """
    try:
        arrays = load(content)
        described = json.loads(_metadata(content)[KEY])
        form, version, facts = described["format"], described["version"], described["facts"]
        if (form, version) == (FORMAT, VERSION):
            meta, scores = dict(facts["meta"]), dict(facts["scores"])
            return MemberWeights(arrays=arrays, meta=meta, scores=scores, seed=int(facts["seed"]))
    except (SafetensorError, *BROKEN) as error:
        raise WeightsError(f"{name} is not a readable weights file of this package ({error})") from error
    raise WeightsError(f"{name} has format {form} {version}, not {FORMAT} {VERSION}")


def _metadata(content: bytes) -> Mapping[str, Any]:
    """The metadata of a safetensors file: 8 bytes of length, then JSON."""
    length = int.from_bytes(content[:8], "little")
    metadata: Mapping[str, Any] = json.loads(content[8 : 8 + length])["__metadata__"]
    return metadata


def encode_ensemble(ensemble: EnsembleWeights) -> dict[str, bytes]:
    """An ensemble as files: ``ensemble.json`` and one ``member_K.safetensors`` each."""
    members = {member_file(k): encode_member(member) for k, member in enumerate(ensemble.members)}
    return {ENSEMBLE_FILE: encode_description(ensemble), **members}


def encode_description(ensemble: EnsembleWeights) -> bytes:
    """Everything but the weights as JSON."""
    facts = {field.name: getattr(ensemble, field.name) for field in fields(ensemble) if field.name != "members"}
    facts |= {"version": VERSION, "members": [member_file(k) for k in range(len(ensemble.members))]}
    for name in LATER:  # the same bytes as before there were such facts
        if not facts[name]:
            del facts[name]
    return json.dumps(facts, sort_keys=True, indent=1).encode()


def decode_ensemble(files: Mapping[str, bytes]) -> EnsembleWeights:
    """The ensemble behind the files of :func:`encode_ensemble`.

    Raises:
        WeightsError: if one is missing, truncated or foreign.
    """
    try:
        facts = json.loads(files[ENSEMBLE_FILE])
        names = facts.pop("members")
        version = facts.pop("version")
        facts["classes"] = tuple(facts.get("classes", ()))
        facts.setdefault("baseline", "")
        facts.setdefault("learned", {})
        missing = [name for name in names if name not in files]
    except BROKEN as error:
        raise WeightsError(f"{ENSEMBLE_FILE} is missing or no description of an ensemble ({error})") from error
    if missing:
        raise WeightsError(f"weights files are missing: {', '.join(map(str, missing))}")
    if version != VERSION:
        raise WeightsError(f"{ENSEMBLE_FILE} has format version {version}, this package reads {VERSION}")
    members = tuple(decode_member(files[name], name=name) for name in names)
    known = {field.name for field in fields(EnsembleWeights)} - {"members"}
    if facts.keys() != known or not members:
        strange = sorted(facts.keys() ^ known)
        raise WeightsError(
            f"{ENSEMBLE_FILE} describes no ensemble of this package: {', '.join(strange) or 'no members'}"
        )
    strange = [name for name, value in facts.items() if not isinstance(value, _kind_of(name))]
    if strange or not all(isinstance(name, str) for name in facts["classes"]):
        raise WeightsError(f"{ENSEMBLE_FILE}: {', '.join(strange) or 'classes'} of another type than they should be")
    return EnsembleWeights(members=members, **facts)


def _kind_of(name: str) -> type[Any]:
    """Of a fact of an ensemble."""
    return {"classes": tuple}.get(name, str if name in {"model", "target", "unit", "baseline"} else dict)


def read_ensemble(folder: Path) -> EnsembleWeights:
    """The ensemble that was exported into a folder, or is beside this ``ensemble.json``; no code of a file runs.

    Files that the description names are taken from the folder itself and from nowhere else.

    Raises:
        WeightsError: if a file is missing, truncated or foreign.
    """
    place = folder.parent if folder.name == ENSEMBLE_FILE else folder
    described = sorted(place.glob(MEMBER_FILES))
    try:
        files = {path.name: path.read_bytes() for path in (place / ENSEMBLE_FILE, *described)}
    except OSError as error:
        raise WeightsError(f"{place.name} holds no exported ensemble ({error})") from error
    return decode_ensemble(files)


def member_file(index: int) -> str:
    """Name of the file that holds the member at place ``index``."""
    return f"member_{index:03d}.safetensors"
