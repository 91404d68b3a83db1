"""The Materials Project's corrections of 2020, applied by pymatgen; what it has to guess is a finding.

A correction scheme is only as good as the settings that it was fitted to. So the corrections (Wang et al., Sci. Rep.
11, 15496 (2021)) are applied with what every entry says of its own calculation: run type, Hubbard U,
pseudopotentials. What pymatgen refuses is left out, with its reason.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from aiida_mlhull.science.errors import SettingsError
from aiida_mlhull.science.reading.phases.anions import anions_of

if TYPE_CHECKING:
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility
    from pymatgen.entries.computed_entries import ComputedEntry

Guesses = Literal["leave_out", "keep"]
"""What becomes of entries without a structure whose correction depends on it."""


@dataclass
class Corrected:
    """What came of correcting entries, by their position.

    Attributes:
        refusals: pymatgen's reason for every entry that it refused.
        open: what only a structure could decide, where the correction depends on it.
        remarks: what was guessed all the same.
    """

    refusals: dict[int, str] = field(default_factory=dict)
    open: dict[int, str] = field(default_factory=dict)
    remarks: dict[int, str] = field(default_factory=dict)


def apply_mp2020(entries: Iterable[ComputedEntry]) -> Corrected:
    """Add the corrections to every entry in place.

    Args:
        entries: uncorrected; their ``parameters`` tell run type, Hubbard U and pseudopotentials.

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
    corrected = Corrected()
    for index, entry in enumerate(entries):
        try:
            entry.energy_adjustments, remarks, open_ = adjustments(
                entry, scheme=compatibility("Advanced", check_potcar=True)
            )
        except CompatibilityError as error:
            corrected.refusals[index] = _reason(error, entry)
        except KeyError as error:
            # pymatgen looks for the pseudopotentials without asking whether they were written down,
            corrected.refusals[index] = f"parameters lack {error.args[0]}"
        except (AttributeError, IndexError, TypeError, ValueError, ArithmeticError) as error:
            # and takes names and U values for well-formed.
            corrected.refusals[index] = f"parameters can't be read: {error}"
        else:
            corrected.remarks |= {index: remarks} if remarks else {}
            corrected.open |= {index: open_} if open_ else {}
    return corrected


def adjustments(entry: ComputedEntry, *, scheme: MaterialsProject2020Compatibility) -> tuple[list[Any], str, str]:
    """What the scheme adds, what it had to guess, and what only a structure could decide (both in words).

    What pymatgen warns of is among the guesses, unless charges decide it: see
    :mod:`~aiida_mlhull.science.reading.phases.anions`.

    Raises:
        CompatibilityError: if pymatgen refuses the entry.
    """
    anions = anions_of(entry)
    entry.data["oxidation_states"] = anions.states
    for kind in ("oxide_type", "sulfide_type"):
        if (value := getattr(anions, kind)) is not None:
            entry.data[kind] = value
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        added = list(scheme.get_adjustments(entry))
    remarks = anions.remarks + [
        str(warning.message)
        for warning in caught
        if not str(warning.message).startswith(("Failed to guess oxidation states", "No structure or oxide_type"))
    ]
    return added, "; ".join(remarks), "; ".join(anions.open)


def lacks_a_correction(entry: ComputedEntry) -> bool:
    """Whether the anions of an uncorrected entry ask for one, whatever the calculation's settings were."""
    from pymatgen.entries.computed_entries import ComputedEntry  # noqa: PLC0415  (slow import)

    bare = ComputedEntry(entry.composition, 0.0, parameters={"run_type": "GGA"}, entry_id=entry.entry_id)
    return any(part.value for part in adjustments(bare, scheme=compatibility("GGA", check_potcar=False))[0])


def compatibility(kind: str, *, check_potcar: bool) -> MaterialsProject2020Compatibility:
    """Pymatgen's scheme; ``kind`` is ``Advanced``, or ``GGA`` for anions alone."""
    from pymatgen.entries.compatibility import MaterialsProject2020Compatibility  # noqa: PLC0415  (slow import)

    scheme = MaterialsProject2020Compatibility(compat_type=kind, check_potcar=check_potcar)
    # There is one instance per process, and pymatgen's mixing scheme switches the check off in it.
    scheme.check_potcar = check_potcar
    return scheme


def _reason(error: Exception, entry: ComputedEntry) -> str:
    """The message of pymatgen without the entry in it, and its sets in order, so that equal reasons are equal."""
    words = str(error).split(" for {", 1)[0].replace(f"Entry {entry.entry_id} ", "").removesuffix(" Discarding.")
    return re.sub(r"\{([^{}]*)\}", lambda found: ", ".join(sorted(found[1].replace("'", "").split(", "))), words)
