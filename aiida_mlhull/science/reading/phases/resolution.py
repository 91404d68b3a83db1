"""From what energies say of themselves, and what their user says, to one scheme."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import Final, Literal

from aiida_mlhull.science.errors import MixedSchemesError
from aiida_mlhull.science.reading.phases.conventions import Convention
from aiida_mlhull.science.schemes import (
    KNOWN,
    MP2020,
    UNCORRECTED,
    Scheme,
    canonical,
    difference,
    same_scheme,
    scheme_of,
)
from aiida_mlhull.science.schemes.scheme import NO_U

Corrections = Literal["mp2020", "none", "included", "auto"]
"""What becomes of energies: corrected by the scheme MP2020; taken without any correction; taken with the corrections
that they carry; or, ``auto``, with those that they carry if they carry some, else corrected by MP2020."""

CARRIED: Final = "with the corrections that the entries carry"


def resolved_scheme(name: str, said: str, *, convention: Convention, corrections: Corrections | None) -> str:
    """The scheme of energies that were read so.

    Args:
        name: of the file, for messages.
        said: by the user; empty if nothing.
        convention: what all entries share.
        corrections: what became of the energies; None takes them as they stand.

    Returns:
        The text that tables carry; empty if nothing is known.

    Raises:
        MixedSchemesError: if the user and the entries contradict each other.
    """
    if convention.shifted or convention.thermo_type:
        return _the_projects(name, said, convention=convention, corrections=corrections)
    ours = scheme_of(said) if said else Scheme()
    if ours.functional and convention.functional and ours.functional != convention.functional:
        raise MixedSchemesError(f"{name}: the entries themselves say {convention.run_type}, but the scheme is {said!r}")
    ours = _with_dispersion(name, said, ours, convention)
    corrected = _corrections(convention, corrections=corrections)
    if corrected == CARRIED and ours.corrections not in {"", UNCORRECTED}:
        corrected = ours.corrections  # whose they are is for the user to say
    if ours.corrections and corrected and ours.corrections != corrected:
        hint = "; 'corrections: mp2020' applies them" if ours.corrections == MP2020 and corrected == UNCORRECTED else ""
        raise MixedSchemesError(
            f"{name}: the scheme {said!r} means corrections {ours.corrections!r}, but the energies are read with "
            f"corrections {corrected!r}{hint}"
        )
    corrected = corrected or ours.corrections
    if corrected == MP2020 and not ours.settings:
        # pymatgen applies them only to the project's run types, U values and pseudopotentials.
        return KNOWN["mp-pbe-2020"].text
    if not (ours.functional or convention.functional or corrected in {UNCORRECTED, CARRIED}):
        return said
    whole = replace(ours, functional=ours.functional or convention.functional, corrections=corrected)
    if convention.hubbards:
        values = " ".join(f"{element} {u:g}" for element, u in convention.hubbards.items())
        whole = replace(whole, hubbard=values)
    elif not whole.hubbard:
        whole = replace(whole, hubbard=NO_U)
    if corrected == MP2020:
        whole = replace(whole, version=version("pymatgen"))
    return canonical(said) if said and same_scheme(said, whole.text) else canonical(whole.text)


def _with_dispersion(name: str, said: str, ours: Scheme, convention: Convention) -> Scheme:
    """The user's scheme, with the correction for dispersion that the energies hold.

    Raises:
        MixedSchemesError: if the user says something else.
    """
    if not convention.dispersion or convention.dispersion.casefold() in said.casefold():
        return ours
    if said:
        raise MixedSchemesError(
            f"{name}: its energies hold a correction for dispersion ({convention.dispersion}), but the scheme is {said!r}; "
            f"say so in it: '{convention.functional or 'PBE'} with {convention.dispersion}'"
        )
    return replace(ours, settings=f"with {convention.dispersion}")


def _corrections(convention: Convention, *, corrections: Corrections | None) -> str:
    """What the energies carry; empty if nothing is known."""
    if corrections == "mp2020":
        return MP2020
    if corrections == "none":
        return UNCORRECTED
    if convention.mp2020:
        return MP2020
    if convention.corrected:
        return CARRIED
    return UNCORRECTED if convention.functional else ""


def _the_projects(name: str, said: str, *, convention: Convention, corrections: Corrections | None) -> str:
    """The scheme of a hull of the Materials Project."""
    thermo = {"R2SCAN": "mp-r2scan", "GGA_GGA+U": "mp-pbe-2020"}.get(convention.thermo_type, "mp-mixed-r2scan")
    text = KNOWN["mp-pbe-raw" if corrections == "none" and thermo == "mp-pbe-2020" else thermo].text
    ours = scheme_of(said)
    if said and not same_scheme(said, text) and (ours.functional or ours.corrections):
        raise MixedSchemesError(
            f"{name}: its energies are {canonical(text)!r}, but the scheme is {said!r} ({difference(text, said)})"
        )
    return text
