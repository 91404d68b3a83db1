"""pymatgen's computed entries as competing phases, with corrections that are never guessed.

A correction scheme is only as good as the settings that it was fitted to. So the Materials Project's of
2020 (Wang et al., Sci. Rep. 11, 15496 (2021)) is applied by pymatgen itself, with what every entry says
of its own calculation: run type, Hubbard U, pseudopotentials. What it refuses is left out, with its reason.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from aiida_mlhull.science.errors import MixedSchemesError, SettingsError, TableError, WireError, listed
from aiida_mlhull.science.reading.json_files import load_json
from aiida_mlhull.science.representations.composition import NUMBERS

if TYPE_CHECKING:
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
    from pymatgen.entries.computed_entries import ComputedEntry

Corrections = Literal["mp2020", "none", "included"]
"""What becomes of an entry's energy: corrected by the scheme MP2020; taken without any correction; taken
with the corrections that the entry carries."""

ENTRY_CLASSES: Final = ("ComputedEntry", "ComputedStructureEntry")
"""Others, such as Gibbs energies at a temperature, have energies of another kind."""


@dataclass(frozen=True)
class Phases:
    """Phases as they stand in a file.

    Attributes:
        ids: one a phase.
        formulas: as the file writes them.
        energies: eV/atom.
        refusals: why a phase's energy can't be used, by id.
    """

    ids: list[str] = field(default_factory=list)
    formulas: list[str] = field(default_factory=list)
    energies: list[float] = field(default_factory=list)
    refusals: dict[str, str] = field(default_factory=dict)

    def __add__(self, other: Phases) -> Phases:
        """Both, one after the other."""
        return Phases(
            self.ids + other.ids,
            self.formulas + other.formulas,
            self.energies + other.energies,
            {**self.refusals, **other.refusals},
        )


def read_json_phases(path: Path, *, corrections: Corrections | None = None) -> Phases:
    """Read elements with their energies, or computed entries; packed or not, in a list, by name or alone.

    Args:
        path: JSON as ``json.dump`` or monty's encoder writes it.
        corrections: what becomes of the entries' energies; None takes them as they are. Plain numbers
            stay as they are: elements are corrected by no scheme.

    Raises:
        WireError: if the file can't be read or is empty.
        TableError: if something in it is neither an element nor an entry.
        MixedSchemesError: if only some entries are corrected, or all of them differently from what
            ``corrections`` says.
        SettingsError: if pymatgen was told not to check pseudopotentials.
    """
    loaded = load_json(path)
    if not loaded:
        raise WireError(f"{path.name}: no phases")
    numbers, entries = _sort(path.name, loaded)
    phases = Phases(
        [f"element:{symbol}" for symbol in numbers], list(numbers), [float(energy) for energy in numbers.values()]
    )
    check_corrections(path.name, entries, corrections)
    refusals = apply_mp2020(entries.values()) if corrections == "mp2020" else {}
    raw = corrections == "none"
    return phases + Phases(
        list(entries),
        [entry.composition.formula.replace(" ", "") for entry in entries.values()],
        [entry.uncorrected_energy_per_atom if raw else entry.energy_per_atom for entry in entries.values()],
        {name: refusals[index] for index, name in enumerate(entries) if index in refusals},
    )


def scheme_of(corrections: Corrections, *, said: str = "") -> str:
    """The scheme of energies that were read so, after what is ``said`` of functional and settings."""
    made = {
        "mp2020": f"MP2020 corrections (MaterialsProject2020Compatibility, pymatgen {version('pymatgen')})",
        "none": "without corrections",
        "included": "with the corrections that the entries carry",
    }[corrections]
    return f"{said}, {made}" if said else made


def check_corrections(name: str, entries: Mapping[str, ComputedEntry], corrections: Corrections | None) -> None:
    """Refuse entries that are corrected in part, or not as ``corrections`` says.

    Whether an uncorrected entry lacks something is asked of the anions alone, which every such scheme
    corrects: elements and alloys have no correction in either case.

    Raises:
        MixedSchemesError: naming the entries.
    """
    corrected = [key for key, entry in entries.items() if any(part.value for part in entry.energy_adjustments)]
    bare = _lacking(entries, set(corrected)) if corrected or corrections == "included" else []
    if corrected and bare:
        raise MixedSchemesError(
            f"{name} mixes {len(corrected)} corrected entries ({listed(corrected, 3)}) with {len(bare)} that should "
            f"be corrected but are not ({listed(bare, 3)}): write all of them the same way"
        )
    if bare:
        raise MixedSchemesError(
            f"{name}: corrections are said to be included, but {len(bare)} entries that should have one have none: "
            f"{listed(bare)}; apply them ('mp2020'), or leave them out everywhere ('none')"
        )
    if corrected and corrections == "mp2020":
        raise MixedSchemesError(
            f"{name}: {len(corrected)} entries are corrected already: {listed(corrected)}; take them so ('included'), "
            f"or without ('none')"
        )


def apply_mp2020(entries: Iterable[ComputedEntry]) -> dict[int, str]:
    """Add the corrections to every entry in place.

    Args:
        entries: uncorrected; their ``parameters`` tell run type, Hubbard U and pseudopotentials.

    Returns:
        pymatgen's reason for every entry that it refused, by position.

    Raises:
        SettingsError: if pymatgen's configuration turns the check of pseudopotentials off.
    """
    from pymatgen.core import SETTINGS  # noqa: PLC0415  (slow import)
    from pymatgen.entries.compatibility import CompatibilityError  # noqa: PLC0415

    if SETTINGS.get("PMG_POTCAR_CHECKS") is False:
        raise SettingsError(
            "pymatgen's setting PMG_POTCAR_CHECKS is false, so MP2020 corrections would also go to energies of other "
            "pseudopotentials; take it out of pymatgen's configuration"
        )
    scheme = _mp2020("Advanced", check_potcar=True)
    refusals = {}
    for index, entry in enumerate(entries):
        try:
            entry.energy_adjustments = list(_adjustments(scheme, entry))
        except CompatibilityError as error:
            refusals[index] = _reason(error, entry)
        except KeyError as error:
            # pymatgen looks for the pseudopotentials without asking whether they were written down,
            refusals[index] = f"parameters lack {error.args[0]}"
        except (AttributeError, IndexError, TypeError) as error:
            # and takes names and U values for well-formed.
            refusals[index] = f"parameters can't be read: {error}"
    return refusals


def _sort(name: str, loaded: Any) -> tuple[dict[str, float], dict[str, ComputedEntry]]:
    """Energies (eV/atom) by element, and entries by id."""
    alone = isinstance(loaded, Mapping) and {"composition", "energy"} <= loaded.keys()
    pairs = loaded.items() if isinstance(loaded, Mapping) and not alone else enumerate([loaded] if alone else loaded, 1)
    numbers: dict[str, float] = {}
    entries: dict[str, ComputedEntry] = {}
    repeated = []
    for key, value in pairs:
        if isinstance(value, int | float) and key in NUMBERS:
            numbers[key] = float(value)
        elif isinstance(value, Mapping):
            identifier = str(value.get("entry_id") or key)
            repeated += [identifier] if identifier in entries else []
            entries[identifier] = _entry(name, key, value)
        else:
            raise TableError(f"{name}: {key!r} is neither an element with its energy nor a computed entry")
    if repeated:
        raise TableError(f"{name}: duplicate ids: {listed(sorted(set(repeated)))}")
    return numbers, entries


def _entry(name: str, key: Any, value: Mapping[str, Any]) -> ComputedEntry:
    from pymatgen.entries.computed_entries import ComputedEntry, ComputedStructureEntry  # noqa: PLC0415

    if value.get("@class", ENTRY_CLASSES[0]) not in ENTRY_CLASSES:
        raise TableError(f"{name}: entry {key} is a {value['@class']}; known: {', '.join(ENTRY_CLASSES)}")
    kind = ComputedStructureEntry if "structure" in value else ComputedEntry
    try:
        return kind.from_dict(dict(value))
    except (KeyError, TypeError, ValueError) as error:
        raise TableError(f"{name}: entry {key} is not a computed entry of pymatgen: {error!r}") from error


def _mp2020(kind: str, *, check_potcar: bool) -> MaterialsProject2020Compatibility:
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility  # noqa: PLC0415  (slow import)

    return MaterialsProject2020Compatibility(compat_type=kind, check_potcar=check_potcar)


def _adjustments(scheme: MaterialsProject2020Compatibility, entry: ComputedEntry) -> Sequence[Any]:
    """What the scheme adds; it warns where it has to guess, for thousands of entries at a time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return scheme.get_adjustments(entry)


def _lacking(entries: Mapping[str, ComputedEntry], corrected: set[str]) -> list[str]:
    """Entries without a correction whose anions ask for one, whatever the calculation's settings were."""
    scheme = _mp2020("GGA", check_potcar=False)
    found = []
    for key, entry in entries.items():
        if key not in corrected:
            bare = copy(entry)
            bare.parameters = {"run_type": "GGA"}
            found += [key] if any(part.value for part in _adjustments(scheme, bare)) else []
    return found


def _reason(error: Exception, entry: ComputedEntry) -> str:
    """The message of pymatgen without the entry in it, and its sets in order, so that equal reasons are equal."""
    words = str(error).split(" for {", 1)[0].replace(f"Entry {entry.entry_id} ", "").removesuffix(" Discarding.")
    return re.sub(r"\{([^{}]*)\}", lambda found: ", ".join(sorted(found[1].replace("'", "").split(", "))), words)
