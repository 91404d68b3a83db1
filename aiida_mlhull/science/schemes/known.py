"""Schemes with ids of their own; one line here, and every door knows it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from typing import Final

from aiida_mlhull.science.schemes.scheme import MP2020, NO_U, UNCORRECTED, Scheme, parse_scheme

MP: Final = "Materials Project"
MP_SETTINGS: Final = "Materials Project settings"


@dataclass(frozen=True)
class KnownScheme:
    """A scheme that is met often.

    Attributes:
        name: the short id.
        scheme: its parts.
        text: as tables carry it.
        meaning: a sentence for people.
        aliases: what else it is called, such as the Materials Project's ``thermo_type``.
    """

    name: str
    scheme: Scheme
    text: str
    meaning: str
    aliases: tuple[str, ...] = ()


KNOWN: Final = {
    known.name: known
    for known in (
        KnownScheme(
            "mp-pbe-2020",
            Scheme(functional="PBE", hubbard=MP, settings=MP_SETTINGS, corrections=MP2020),
            "PBE(+U) at Materials Project settings, MP2020-corrected",
            "PBE, with the Materials Project's U for oxides and fluorides of eight metals, cutoff, k-points and "
            "potentials of MPRelaxSet, and the corrections of Wang et al., Sci. Rep. 11, 15496 (2021). CHGNet's energies, "
            "and the protocols mp-compatible and goodall-2021 with 'corrections: mp2020'.",
            ("GGA_GGA+U", "MP GGA/GGA+U", "GGA/GGA+U"),
        ),
        KnownScheme(
            "mp-pbe-raw",
            Scheme(functional="PBE", hubbard=MP, settings=MP_SETTINGS, corrections=UNCORRECTED),
            "PBE(+U) at Materials Project settings, not corrected",
            "The same calculations without corrections. Only for systems in which none, or all, have a U.",
        ),
        KnownScheme(
            "mp-mixed-r2scan",
            Scheme(functional="PBE(+U) and r2SCAN", hubbard=MP, settings=MP_SETTINGS, corrections="MP2020 and mixing"),
            "PBE(+U) and r²SCAN at Materials Project settings, MP2020-corrected and mixed",
            "What the Materials Project gives by default: r²SCAN where it is there, PBE(+U) shifted onto its hull, or "
            "the other way round (Kingsbury et al., npj Comput. Mater. 8, 195 (2022)). The shifts belong to the "
            "chemical system that they were made for.",
            ("GGA_GGA+U_R2SCAN", "MP GGA/GGA+U/r2SCAN", "GGA/GGA+U/r2SCAN", "MP DFT mixing scheme"),
        ),
        KnownScheme(
            "mp-r2scan",
            Scheme(functional="r2SCAN", hubbard=NO_U, settings="as the Materials Project", corrections=UNCORRECTED),
            "r²SCAN, as the Materials Project, not corrected",
            "r²SCAN with MPScanRelaxSet, which needs no corrections (Kingsbury et al., Phys. Rev. Materials 6, 013801 "
            "(2022)). The protocol r2scan.",
            ("R2SCAN of the Materials Project",),
        ),
        KnownScheme(
            "ekstrom-2022",
            Scheme(functional="PBE", hubbard=NO_U, settings="600 eV, as Ekström 2022", corrections=UNCORRECTED),
            "PBE, 600 eV, as Ekström 2022, not corrected",
            "PBE at 600 eV without U (Ekström Kelvinius et al., 2022). The protocol ekstrom-2022.",
        ),
        KnownScheme(
            "nrel-pbe",
            Scheme(functional="PBE", hubbard=NO_U, settings="NREL settings"),
            "PBE, NREL settings",
            "PBE as the hypothetical pnictides of the demo were calculated (Pandey et al., Patterns 2, 100361 (2021); "
            "Law et al., 2022).",
        ),
        KnownScheme(
            "oqmd-pbe",
            Scheme(functional="PBE", hubbard="OQMD", settings="OQMD settings", corrections="fitted by OQMD"),
            "PBE(+U) at OQMD settings, fitted by OQMD",
            "Formation energies of the Open Quantum Materials Database, with its fitted elemental references (Kirklin et "
            "al., npj Comput. Mater. 1, 15010 (2015)).",
            ("OQMD",),
        ),
        KnownScheme(
            "alexandria-pbe",
            Scheme(functional="PBE", hubbard=MP, settings="Alexandria settings", corrections=MP2020),
            "PBE(+U) at Alexandria settings, MP2020-corrected",
            "PBE(+U) of the Alexandria database, corrected like the Materials Project's but relaxed tighter (Schmidt et "
            "al., Mater. Today Phys. 48, 101560 (2024)).",
        ),
    )
}
"""By id."""

_APPLIED: Final = re.compile(
    r"((PBE|GGA)(\(\+U\))?, )?MP2020 corrections \(MaterialsProject2020Compatibility, pymatgen [\w.]+\)"
)
"""Earlier versions wrote so of entries that pymatgen had corrected, which it does only if U and potentials are the
Materials Project's."""


def canonical(text: str) -> str:
    """The text that tables carry for an id, another name or another wording of a known scheme.

    Other texts stay as they are: they are compared by their parts.
    """
    known = _known(text)
    return text if known is None else known.text


def scheme_of(text: str) -> Scheme:
    """The parts of a scheme that is given by its id, another name, or in words."""
    known = _known(text)
    return parse_scheme(text) if known is None else known.scheme


def same_scheme(one: str, other: str) -> bool:
    """Whether energies of the two may meet in one hull: functional, U, settings and corrections agree."""
    return one == other or scheme_of(one).meaning == scheme_of(other).meaning


def difference(one: str, other: str) -> str:
    """Where two schemes differ, for messages: ``corrections: MP2020 / none``."""
    first, second = scheme_of(one), scheme_of(other)
    parts = []
    for number, name in enumerate(("functional", "U", "settings", "corrections")):
        if first.meaning[number] != second.meaning[number]:
            field = "hubbard" if name == "U" else name
            ours, theirs = getattr(first, field), getattr(second, field)
            parts.append(f"{name}: {ours or 'not stated'} / {theirs or 'not stated'}")
    return "; ".join(parts)


def described(text: str) -> str:
    """The text with its id in front, where it has one."""
    known = _known(text)
    return text if known is None else f"{known.name} ({known.text})"


@cache
def _known(text: str) -> KnownScheme | None:
    if _APPLIED.fullmatch(text):
        return KNOWN["mp-pbe-2020"]
    plain = _squeezed(text)
    for known in KNOWN.values():
        if plain in {_squeezed(name) for name in (known.name, known.text, *known.aliases)}:
            return known
    meaning = parse_scheme(text).meaning
    return next((known for known in KNOWN.values() if parse_scheme(known.text).meaning == meaning), None)


@cache
def _squeezed(text: str) -> str:
    return re.sub(r"[^a-z0-9+ö]", "", text.replace("²", "2").casefold())
