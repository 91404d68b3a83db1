"""What a paper would say about a campaign: a paragraph, and the works that it cites."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from importlib import resources
from typing import Any, Final

from pydantic import BaseModel

from aiida_mlhull.science.campaign import CampaignSettings, StageSettings, load_protocol, protocol_names
from aiida_mlhull.science.ensembles import EnsembleSettings
from aiida_mlhull.science.report.material import Material
from aiida_mlhull.science.schemes import same_scheme

ENGINES: Final = {
    "vasp": ("VASP", "kresse1996"),
    "quantumespresso": ("Quantum ESPRESSO", "giannozzi2017"),
    "recorded": ("published results, looked up", ""),
}
"""Engine to what it is called, and what is cited for it; the potential is named by its settings."""
POTENTIALS: Final = {"chgnet": ("CHGNet", "deng2023")}
MODELS: Final = {
    "trees_gp": ("extra-trees and Gaussian processes", "geurts2006"),
    "cgcnn": ("crystal-graph convolutional networks", "xie2018"),
    "roost": ("Roost networks", "goodall2020"),
    "wren": ("Wren networks", "goodall2022"),
    "cgat": ("crystal-graph attention networks", "schmidt2021"),
}


def methods(material: Material) -> dict[str, str]:
    """A paragraph to paste, with the BibTeX entries that it cites.

    Returns:
        ``text`` and ``bibtex``.
    """
    cited: list[str] = []

    def cite(key: str) -> str:
        if not key:
            return ""
        cited.append(key)
        return f" [{key}]"

    settings = material.settings
    parts = [
        f"{len(material.candidates):,} candidate crystals were screened against {len(material.references):,} competing "
        f"phases with aiida-mlhull {material.identity.versions.get('aiida-mlhull', '')}".rstrip()
        + f" in AiiDA{cite('huber2020')}{_deciding(settings.stages, cite)}.",
        *(_stage(stage, cite) for stage in settings.stages),
        *_models(material, cite),
        (
            f"Energies above the hull are from the convex hull of the competing phases and all relaxed candidates"
            f"{_scheme(material)}; compositions and structures were handled with pymatgen{cite('ong2013')}. The campaign "
            f"drew its random numbers from seed {settings.seed}, and its provenance is node {material.identity.uuid}."
        ),
    ]
    if material.identity.standin:
        parts.insert(0, f"NOT FOR PUBLICATION: {material.identity.standin}.")
    return {"text": " ".join(parts), "bibtex": bibtex(cited)}


def _deciding(stages: Sequence[StageSettings], cite: Any) -> str:
    """What ensembles did; nothing where every candidate goes through every stage."""
    if all(stage.gate is None for stage in stages):
        return ""
    return f", ensembles deciding between relaxation stages which candidates go on{cite('ekstrom2022')}"


def _stage(stage: StageSettings, cite: Any) -> str:
    name, key = ENGINES.get(stage.engine, (stage.engine, ""))
    if stage.engine == "potential":
        chosen = str(stage.settings.get("potential", "chgnet"))
        name, key = POTENTIALS.get(chosen, (chosen, ""))
    words = f"Stage '{stage.name}' was done with {name}{cite(key)}"
    if stage.gate is None:
        return f"{words}, for all candidates that reached it."
    rounds = "one round" if stage.gate.rounds == 1 else f"up to {stage.gate.rounds} rounds"
    return f"{words}, for those that the keep-rule '{stage.gate.rule}' let in, in {rounds}."


def _models(material: Material, cite: Any) -> Iterator[str]:
    if not any(stage.gate for stage in material.settings.stages):
        return
    told = []
    for ensemble in material.settings.by_name.values():
        name, key = MODELS.get(ensemble.model, (ensemble.model, ""))
        calibrated = "" if ensemble.calibration == "none" else f", spreads calibrated by {ensemble.calibration}"
        told.append(f"{ensemble.members} {name}{cite(key)}{calibrated}")
    done = len(material.rounds)
    yield (
        f"The models were ensembles of {' and of '.join(told)}, fitted in each of "
        f"{done} round{'' if done == 1 else 's'}, beginning with {len(material.started):,} relaxed candidates."
    )


def _scheme(material: Material) -> str:
    results = material.results
    scheme = material.references.scheme
    if not scheme:
        return ""
    assert results is None or same_scheme(scheme, results.scheme)
    return f" ({scheme})"


def bibtex(keys: list[str]) -> str:
    """Entries of these keys, each once, in the order in which they are cited."""
    text = resources.files(__package__).joinpath("assets", "citations.bib").read_text(encoding="utf-8")
    entries = {match[1]: match[0].strip() for match in re.finditer(r"@\w+\{(\w+),.*?\n\}", text, re.DOTALL)}
    return "\n\n".join(entries[key] for key in dict.fromkeys(keys)) + "\n"


def nearest_protocol(settings: CampaignSettings) -> tuple[str, list[str]]:
    """The shipped protocol that differs least from these settings, and what differs, one line each."""
    asked = _flat(_with_models_named(settings.model_dump(mode="json"), settings))
    best: tuple[str, list[str]] = ("", [])
    for name in protocol_names():
        theirs = _flat(_with_models_named(_completed(load_protocol(name)), settings))
        lines = [
            f"{key}: {_said(asked.get(key))} instead of {_said(theirs.get(key))}"
            for key in sorted(asked.keys() | theirs.keys())
            if asked.get(key) != theirs.get(key) and key not in {"name", "seed"}
        ]
        if not best[0] or len(lines) < len(best[1]):
            best = name, lines
    return best


def _with_models_named(content: dict[str, Any], settings: CampaignSettings) -> dict[str, Any]:
    """Several ensembles beside a protocol's single one: what of them isn't the default, and the other in a word."""
    if not settings.ensembles:
        return content
    told = {name: one.model_dump(mode="json", exclude_defaults=True) for name, one in settings.by_name.items()}
    single = content["ensemble"]
    in_a_word = None if single is None else f"{single['members']} x {single['model']}"
    return {**content, "ensemble": in_a_word, "ensembles": told if single is None else {}}


def _completed(protocol: dict[str, Any]) -> dict[str, Any]:
    """A protocol with what it leaves out at its defaults; its models are not loaded for that."""
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in CampaignSettings.model_fields.items()
        if not field.is_required()
    }
    parts = {key: value for key, value in protocol.items() if key != "description"}
    parts["stages"] = [StageSettings.model_validate(stage).model_dump(mode="json") for stage in protocol["stages"]]
    parts["ensemble"] = EnsembleSettings().model_dump(mode="json") | dict(protocol.get("ensemble", {}))
    return {**{key: _plain(value) for key, value in defaults.items()}, **parts}


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, BaseModel) else value


def _said(value: Any) -> str:
    return "nothing" if value is None else str(value)


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    """Nested settings as paths: ``stages.final.gate.rule``; stages go by their names."""
    if isinstance(value, dict):
        pairs = [(str(key), one) for key, one in value.items()]
    elif isinstance(value, list):
        pairs = [
            (one["name"] if isinstance(one, dict) and "name" in one else str(i), one) for i, one in enumerate(value)
        ]
    else:
        return {prefix: value}
    found: dict[str, Any] = {}
    for key, one in pairs:
        found |= _flat(one, f"{prefix}.{key}" if prefix else key)
    return found
