"""Pseudopotentials: what stands in their files, and what a family of them recommends."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import Field

from aiida_mlhull.science.errors import InputError, MissingPotentialError, SettingsError, listed
from aiida_mlhull.science.types.strict import Strict

_HEADER: Final = re.compile(r"<PP_HEADER(?P<attributes>.*?)/?>", re.DOTALL)
_ATTRIBUTE: Final = re.compile(r'(?P<name>\w+)\s*=\s*"(?P<value>[^"]*)"')
_YES: Final = ("t", "true", ".true.")
_DIGEST: Final = 8

# What pw.x and generators of pseudopotentials call the functional of Perdew, Burke and Ernzerhof, and its kin.
_FUNCTIONALS: Final = {
    "PBE": "PBE",
    "SLA PW PBX PBC": "PBE",
    "SLA-PW-PBX-PBC": "PBE",
    "SLA PW PBE PBE": "PBE",
    "PBESOL": "PBEsol",
    "SLA PW PSX PSC": "PBEsol",
    "SLA-PW-PSX-PSC": "PBEsol",
    "PZ": "LDA",
    "SLA PZ NOGX NOGC": "LDA",
    "SLA-PZ-NOGX-NOGC": "LDA",
    "PW": "LDA",
    "SLA PW NOGX NOGC": "LDA",
    "SLA-PW-NOGX-NOGC": "LDA",
}


class Pseudo(Strict):
    """One pseudopotential.

    Attributes:
        md5: of its file.
        functional: that it was made for.
        valence: electrons that it leaves to be calculated.
        spin_orbit: whether it holds spin-orbit terms.
        cutoffs: recommended for wavefunctions and density, Ry, by stringency.
    """

    md5: str
    functional: str
    valence: float = Field(gt=0)
    spin_orbit: bool = False
    cutoffs: dict[str, tuple[float, float]] = Field(default_factory=dict)


class PseudoFamily(Strict):
    """A family of pseudopotentials, one for each element.

    Attributes:
        label: what it is called, with its version.
        stringency: default one of its recommended cutoffs; None if it recommends none.
        pseudos: by element.
    """

    label: str
    stringency: str | None = None
    pseudos: dict[str, Pseudo]

    @property
    def functional(self) -> str:
        """What all its pseudopotentials were made for; several names where they differ."""
        return " and ".join(sorted({pseudo.functional for pseudo in self.pseudos.values()}))

    @property
    def digest(self) -> str:
        """Eight digits that change with any of its files."""
        lines = "\n".join(f"{element} {self.pseudos[element].md5}" for element in sorted(self.pseudos))
        return hashlib.sha256(lines.encode()).hexdigest()[:_DIGEST]

    def missing(self, elements: Iterable[str]) -> list[str]:
        """Elements that it lacks, sorted."""
        return sorted(set(elements) - self.pseudos.keys())

    def of(self, elements: Iterable[str]) -> dict[str, Pseudo]:
        """The pseudopotentials of some elements.

        Raises:
            MissingPotentialError: naming those that it lacks.
        """
        wanted = list(elements)
        lacking = self.missing(wanted)
        if lacking:
            raise MissingPotentialError(f"the family {self.label!r} has no pseudopotential for {listed(lacking)}")
        return {element: self.pseudos[element] for element in wanted}

    def cutoffs(self, elements: Iterable[str], *, stringency: str | None = None) -> tuple[float, float]:
        """Cutoffs for wavefunctions and density that serve all of some elements, Ry.

        Args:
            elements: of a crystal.
            stringency: of the recommendation; None takes the family's default.

        Raises:
            MissingPotentialError: naming elements that it lacks.
            SettingsError: if it recommends nothing of that stringency.
        """
        level = stringency or self.stringency
        pseudos = self.of(elements)
        without = sorted(element for element, pseudo in pseudos.items() if level not in pseudo.cutoffs)
        if level is None or without:
            levels = sorted({name for pseudo in pseudos.values() for name in pseudo.cutoffs})
            raise SettingsError(
                f"the family {self.label!r} recommends no cutoffs"
                f"{f' of stringency {level!r} for {listed(without)}' if level else ''} "
                f"(recommended: {listed(levels) or 'none'}); say ecutwfc and ecutrho (Ry) in the stage's settings, or "
                f"give the family cutoffs with 'aiida-pseudo family cutoffs set'"
            )
        pairs = [pseudo.cutoffs[level] for pseudo in pseudos.values()]
        return max(wfc for wfc, _ in pairs), max(rho for _, rho in pairs)


def read_header(text: str) -> dict[str, str]:
    """Attributes of a UPF file's header (version 2), lower case.

    Args:
        text: the file, or as much of it as holds the header.

    Raises:
        InputError: if there is none.
    """
    header = _HEADER.search(text)
    if header is None:
        raise InputError("no <PP_HEADER ...> of a UPF file, version 2")
    pairs = _ATTRIBUTE.finditer(header.group("attributes"))
    return {pair.group("name").lower(): pair.group("value").strip() for pair in pairs}


def read_pseudo(text: str, *, md5: str, cutoffs: Mapping[str, tuple[float, float]] | None = None) -> Pseudo:
    """What stands in a UPF file.

    Args:
        text: the file, or as much of it as holds the header.
        md5: of the file.
        cutoffs: recommended, Ry, by stringency.

    Raises:
        InputError: if it has no header, or that says neither functional nor valence.
    """
    header = read_header(text)
    lacking = [name for name in ("functional", "z_valence") if not header.get(name)]
    if lacking:
        raise InputError(f"the header of the UPF file lacks {listed(lacking)}")
    return Pseudo(
        md5=md5,
        functional=functional_name(header["functional"]),
        valence=float(header["z_valence"]),
        spin_orbit=header.get("has_so", "").lower() in _YES,
        cutoffs=dict(cutoffs or {}),
    )


def functional_name(words: str) -> str:
    """One name for what files call differently: ``SLA PW PBX PBC`` is PBE; unknown words stay as they are."""
    plain = " ".join(words.split())
    return _FUNCTIONALS.get(plain.upper(), plain)
