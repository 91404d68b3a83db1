"""Documents of the Materials Project's API as files: ``summary`` and ``thermo``, a list or an answer as it came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from aiida_mlhull.science.errors import FormulaError, InputError, TableError
from aiida_mlhull.science.reading.phases.conventions import MIXED_THERMO, Convention, stated
from aiida_mlhull.science.reading.phases.entries import Loaded
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.types.reasons import Reason

MARKS: Final = ("energy_per_atom", "thermo_type", "formula_pretty")
"""Keys that documents have and entries don't."""


def documents_in(content: Any) -> list[Mapping[str, Any]] | None:
    """The documents that JSON holds; None if it holds something else."""
    if isinstance(content, Mapping) and isinstance(content.get("data"), list):
        content = content["data"]
    if isinstance(content, Mapping) and "material_id" in content:
        content = [content]
    if not isinstance(content, list) or not content:
        return None
    are_some = all(
        isinstance(one, Mapping) and "composition_energy" not in one and any(mark in one for mark in MARKS)
        for one in content
    )
    return content if are_some else None


def load_documents(name: str, documents: Sequence[Mapping[str, Any]]) -> Loaded:
    """Energies and conventions of documents.

    Raises:
        TableError: on ids that come twice.
    """
    loaded, counts = Loaded(), dict[str, int]()
    several = len({str(one.get("thermo_type")) for one in documents}) > 1
    for number, document in enumerate(documents, start=1):
        identifier = _identifier(document, number)
        if several:
            identifier = f"{identifier} {document.get('thermo_type')}"
        counts[identifier] = counts.get(identifier, 0) + 1
        formula, fault = _formula(document)
        if fault is not None:
            loaded.refusals[identifier] = fault
            continue
        energy, raw = (_energy(document.get(key)) for key in ("energy_per_atom", "uncorrected_energy_per_atom"))
        loaded.numbers[identifier] = (formula, energy)
        loaded.raw[identifier] = raw
        loaded.conventions[identifier] = _convention(document, formula, identifier)
    repeated = sorted(name for name, count in counts.items() if count > 1)
    if repeated:
        raise TableError(f"{name}: duplicate ids: {', '.join(repeated[:8])}")
    return loaded


def question(name: str) -> InputError:
    """What only the user can say of documents that don't name their hull."""
    return InputError(
        f"{name}: documents of the Materials Project that don't say to which hull their energies belong (no thermo_type): "
        f"is it {MIXED_THERMO}, what the project gives by default since 2022 ('mp-mixed-r2scan'), or GGA_GGA+U "
        f"('mp-pbe-2020')? Say so with --scheme, or 'scheme' in a campaign file"
    )


def _identifier(document: Mapping[str, Any], number: int) -> str:
    named = document.get("material_id", document.get("thermo_id"))
    if isinstance(named, Mapping):
        named = named.get("string")
    return str(named or f"document {number}").replace("\0", "").encode(errors="replace").decode()


def _formula(document: Mapping[str, Any]) -> tuple[str, tuple[str, str] | None]:
    """The formula, and what is wrong with it; formula, composition and element count have to agree."""
    pretty, composition = document.get("formula_pretty"), document.get("composition")
    texts = [pretty] if isinstance(pretty, str) and pretty else []
    if isinstance(composition, Mapping) and composition:
        texts.append("".join(f"{symbol}{amount}" for symbol, amount in composition.items()))
    if not texts:
        return "", (Reason.BROKEN_ENTRY, "without a formula")
    try:
        reduced = [reduce_formula(text) for text in texts]
    except FormulaError as error:
        return "", (Reason.UNREADABLE_FORMULA, str(error))
    if any(one != reduced[0] for one in reduced):
        return "", (Reason.FORMULA_DIFFERS, f"{texts[0]} by name, {texts[1]} by composition")
    return texts[0], None


def _energy(value: Any) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    try:
        return float(value) if number else float("nan")
    except OverflowError:
        return float("nan")


def _convention(document: Mapping[str, Any], formula: str, identifier: str) -> Convention:
    said = stated({}, document, name=identifier, elements=reduce_formula(formula).symbols)
    return Convention(
        functional=said.functional,
        plus_u=said.plus_u,
        elements=said.elements,
        thermo_type=said.thermo_type,
        corrected=True,
        mp2020=said.thermo_type == "GGA_GGA+U",
    )
