"""pymatgen's computed entries as they stand in a file: what they hold is taken apart, nothing else is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.reading.phases.conventions import MIXING_CLASS, MIXING_NAME, Convention, stated
from aiida_mlhull.science.reading.warned import attempt
from aiida_mlhull.science.representations.composition import NUMBERS
from aiida_mlhull.science.types.reasons import Reason

if TYPE_CHECKING:
    from pymatgen.entries.computed_entries import ComputedEntry, EnergyAdjustment

ENTRY_CLASSES: Final = ("ComputedEntry", "ComputedStructureEntry")
"""Others, such as Gibbs energies at a temperature, have energies of another kind."""


@dataclass(frozen=True)
class Loaded:
    """What files of energies hold, before anything is corrected.

    Attributes:
        entries: by id.
        numbers: id to formula and energy (eV/atom) of rows that are plain numbers.
        raw: the same without corrections, where a file has both.
        conventions: what is stated of the calculations, by id.
        refusals: reason and words for what can't be used, by id.
    """

    entries: dict[str, ComputedEntry] = field(default_factory=dict)
    numbers: dict[str, tuple[str, float]] = field(default_factory=dict)
    raw: dict[str, float] = field(default_factory=dict)
    conventions: dict[str, Convention] = field(default_factory=dict)
    refusals: dict[str, tuple[str, str]] = field(default_factory=dict)

    def __add__(self, other: Loaded) -> Loaded:
        """Both, one after the other.

        Raises:
            TableError: if they have ids in common.
        """
        ours, theirs = ({*one.entries, *one.numbers, *one.refusals} for one in (self, other))
        if ours & theirs:
            raise TableError(f"duplicate ids: {listed(sorted(ours & theirs))}")
        return Loaded(
            self.entries | other.entries,
            self.numbers | other.numbers,
            self.raw | other.raw,
            self.conventions | other.conventions,
            self.refusals | other.refusals,
        )


def load_entries(name: str, pairs: Iterator[tuple[Any, Any]]) -> Loaded:
    """Elements with their energies, and computed entries.

    Args:
        name: of the file.
        pairs: key, which names what has no id of its own, and content.

    Raises:
        TableError: on entries of another kind, or ids that come twice.
        MixedSchemesError: if an entry contradicts itself.
    """
    loaded, repeated = Loaded(), []
    for key, value in pairs:
        if isinstance(value, int | float) and not isinstance(value, bool) and key in NUMBERS:
            loaded.numbers[f"element:{key}"] = (str(key), float(value))
            continue
        if not isinstance(value, Mapping):
            raise TableError(f"{name}: {key!r} is neither an element with its energy nor a computed entry")
        kind = value.get("@class", ENTRY_CLASSES[0])
        if kind not in ENTRY_CLASSES:
            raise TableError(f"{name}: entry {key} is a {kind}; known: {', '.join(ENTRY_CLASSES)}")
        identifier = _identifier(value.get("entry_id"), key)
        if identifier in loaded.entries or identifier in loaded.refusals:
            repeated.append(identifier)
        fault = _fault_of_energy(value.get("energy"))
        if fault is not None:
            loaded.refusals[identifier] = fault
            continue
        read = attempt(partial(entry_from, value, identifier))
        if read.value is None:
            loaded.refusals[identifier] = (Reason.BROKEN_ENTRY, f"not a computed entry of pymatgen: {read.detail:.120}")
            continue
        entry = read.value
        loaded.entries[identifier] = entry
        loaded.conventions[identifier] = convention_of(entry)
    if repeated:
        raise TableError(f"{name}: duplicate ids: {listed(sorted(set(repeated)))}")
    return loaded


def _fault_of_energy(energy: Any) -> tuple[str, str] | None:
    """Reason and words for an energy that is none; text is not taken for a number, whatever it says."""
    if energy is None or energy == "":
        return Reason.NO_ENERGY, "no energy"
    if isinstance(energy, bool) or not isinstance(energy, int | float):
        return Reason.NOT_A_NUMBER, f"energy {energy!r:.60}"
    return None if math.isfinite(energy) else (Reason.NO_ENERGY, f"energy {energy}")


def entry_from(content: Mapping[str, Any], identifier: str) -> ComputedEntry:
    """The entry that a mapping describes, by its numbers alone: classes that it names are not imported.

    Raises:
        KeyError: and other errors of Python, if it doesn't describe one.
    """
    from pymatgen.core import Composition, Structure  # noqa: PLC0415  (slow import)
    from pymatgen.entries.computed_entries import ComputedEntry, ComputedStructureEntry  # noqa: PLC0415

    energy = float(content["energy"])
    parameters, data = (dict(content.get(key) or {}) for key in ("parameters", "data"))
    changes = [_adjustment(one) for one in content.get("energy_adjustments") or ()]
    correction = 0.0 if changes else float(content.get("correction") or 0.0)
    settings: dict[str, Any] = {"parameters": parameters, "data": data, "entry_id": identifier}
    settings |= {"energy_adjustments": changes} if changes else {"correction": correction}
    if content.get("structure"):
        structure = Structure.from_dict(content["structure"])
        return ComputedStructureEntry(structure, energy, **settings)
    composition = Composition(content["composition"])
    if not len(composition):
        raise ValueError("an empty composition")
    return ComputedEntry(composition, energy, **settings)


def _adjustment(content: Mapping[str, Any]) -> EnergyAdjustment:
    """One part of a correction, its size (eV) and name."""
    from pymatgen.entries.computed_entries import ConstantEnergyAdjustment  # noqa: PLC0415  (slow import)

    if "adj_per_atom" in content:
        value = float(content["adj_per_atom"]) * float(content["n_atoms"])
    elif "adj_per_deg" in content:
        value = float(content["adj_per_deg"]) * float(content["temp"]) * float(content["n_atoms"])
    else:
        value = float(content["value"])
    made_by = content.get("cls")
    kind = {"@class": str(made_by.get("@class"))} if isinstance(made_by, Mapping) else {}
    return ConstantEnergyAdjustment(value, name=str(content.get("name") or ""), cls=kind, description="")


def convention_of(entry: ComputedEntry) -> Convention:
    """What an entry says of its calculation.

    Raises:
        MixedSchemesError: if it contradicts itself.
    """
    said = stated(
        entry.parameters,
        entry.data,
        name=str(entry.entry_id),
        elements=(element.symbol for element in entry.composition.elements),
    )
    parts = [part for part in entry.energy_adjustments if part.value]
    shifted = any(
        MIXING_NAME in part.name or part.cls.get("@class") == MIXING_CLASS for part in entry.energy_adjustments
    )
    by_mp2020 = any(part.name.startswith("MP2020") or "MaterialsProject2020" in str(part.cls) for part in parts)
    return replace(said, corrected=bool(parts), shifted=shifted, mp2020=by_mp2020)


def _identifier(named: Any, key: Any) -> str:
    """An entry's id as text, however it is written; its place if it has none."""
    if isinstance(named, Mapping):
        named = named.get("string")
    return (
        str(key if named is None or str(named).strip() == "" else named)
        .replace("\0", "")
        .encode(errors="replace")
        .decode()
    )
