"""A scheme in parts, and the one-line text that tables carry."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Final, NamedTuple

UNCORRECTED: Final = "none"
MP2020: Final = "MP2020"
NO_U: Final = "none"
SOME_U: Final = "not stated"
"""U was used, but the text doesn't say on which elements, nor how much."""


class Functional(NamedTuple):
    """What a run type such as ``GGA+U`` names.

    Attributes:
        name: ``PBE``, ``r2SCAN``, ...
        plus_u: whether a Hubbard U was added; None if some calculations have one, ``(+U)``.
    """

    name: str
    plus_u: bool | None


@dataclass(frozen=True, kw_only=True)
class Scheme:
    """How energies were made. What is not known is an empty string.

    Attributes:
        functional: of exchange and correlation, ``PBE``; an empty string where the text names none.
        hubbard: whose U values: ``none``, ``Materials Project``, or the values in eV, ``Fe 5.3 Mn 3.9``.
        settings: everything else of the calculation (cutoff, k-points, potentials), by whose input sets it was chosen.
        corrections: what was added to the energies: ``none``, ``MP2020``, ...
        version: of the program that corrected them. It is kept, but doesn't make two schemes different.
    """

    functional: str = ""
    hubbard: str = ""
    settings: str = ""
    corrections: str = ""
    version: str = ""

    @property
    def meaning(self) -> tuple[str, str, str, str]:
        """The parts that have to agree: functional, U, settings, corrections."""
        return (self.functional, self.hubbard, _plain(self.settings), _plain(self.corrections))

    @property
    def text(self) -> str:
        """One line; :func:`parse_scheme` makes the same scheme of it."""
        theirs = bool(self.hubbard) and self.settings == f"{self.hubbard} settings"
        plus = {"": "", NO_U: "", SOME_U: "+U"}.get(self.hubbard, "(+U)")
        corrections = {"": "", UNCORRECTED: "not corrected", MP2020: "MP2020-corrected"}
        parts = [
            f"{self.functional}{plus} at {self.settings}" if theirs else f"{self.functional}{plus}",
            f"U {self.hubbard} eV" if re.fullmatch(_VALUES, self.hubbard) else "",
            "" if theirs else self.settings,
            corrections.get(self.corrections, self.corrections),
            f"pymatgen {self.version}" if self.version else "",
        ]
        return ", ".join(part for part in parts if part)


_VALUES: Final = r"[A-Z][a-z]? -?\d+(?:\.\d+)?(?: [A-Z][a-z]? -?\d+(?:\.\d+)?)*"
_NAMES: Final = {
    "gga": "PBE",
    "pe": "PBE",
    "pbe": "PBE",
    "pbe52": "PBE",
    "pbe54": "PBE",
    "pbesol": "PBEsol",
    "ps": "PBEsol",
    "r2scan": "r2SCAN",
    "rscan": "rSCAN",
    "scan": "SCAN",
    "lda": "LDA",
    "ca": "LDA",
    "hse": "HSE06",
    "hse06": "HSE06",
    "pbe0": "PBE0",
    "hf": "HF",
    "rpbe": "RPBE",
    "rp": "RPBE",
    "revpbe": "revPBE",
    "re": "revPBE",
    "am05": "AM05",
    "am": "AM05",
    "tpss": "TPSS",
    "revtpss": "revTPSS",
    "optb88vdw": "optB88-vdW",
    "b3lyp": "B3LYP",
}
_WITH_U: Final = re.compile(
    r"^(?P<name>[^\s,+()]+(?:[ _-][^\s,+()]+)?)\s*(?P<u>\(\+\s*U\)|\+\s*U)?(?P<rest>.*)$", re.IGNORECASE
)
_PIECE: Final = re.compile(r",\s*(?![^()]*\))")
_UNCORRECTED: Final = re.compile(
    r"(energies )?(are )?(not corrected|uncorrected|without (any )?corrections?|raw)", re.IGNORECASE
)
_MP2020: Final = re.compile(
    r"MP[ -]?2020([ -](corrected|corrections?))?(\s*\(.*\))?|MaterialsProject2020Compatibility", re.IGNORECASE
)
_VERSION: Final = re.compile(r"pymatgen (\d[\w.]*)")
_THEIR_SETTINGS: Final = re.compile(r"(?:at|with) (?P<whose>.+?) settings", re.IGNORECASE)


def functional_named(run_type: str) -> Functional | None:
    """The functional that a run type or a functional's name stands for; None if it is not known.

    ``GGA`` is PBE, as the Materials Project and VASP's pseudopotentials have it; ``_`` and ``-`` don't matter.
    """
    words = re.sub(r"[\s_²-]", lambda mark: "2" if mark[0] == "²" else "", run_type.strip())
    name, plus, after = words.partition("+")
    if plus and after.casefold() not in {"u", "u)"}:
        return None
    known = _NAMES.get(name.rstrip("(").casefold())
    if known is None:
        return None
    return Functional(known, None if name.endswith("(") else bool(plus))


def parse_scheme(text: str) -> Scheme:
    """The parts of a scheme that is written in one line.

    What is not understood becomes part of ``settings``: such a scheme is the same as another one only if these
    words are.
    """
    version = _VERSION.search(text)
    scheme = Scheme(version=version[1] if version else "")
    left = []
    for number, piece in enumerate(_PIECE.split(text.strip())):
        words = piece.strip()
        if _UNCORRECTED.fullmatch(words):
            scheme = replace(scheme, corrections=UNCORRECTED)
        elif _MP2020.fullmatch(words):
            scheme = replace(scheme, corrections=MP2020)
        elif _VERSION.fullmatch(words):
            continue
        elif (values := re.fullmatch(rf"U ({_VALUES}) eV", words)) is not None:
            scheme = replace(scheme, hubbard=values[1])
        elif number == 0 and (parsed := _functional(words)) is not None:
            scheme = replace(scheme, functional=parsed.functional, hubbard=parsed.hubbard)
            left += [parsed.settings] if parsed.settings else []
        elif words:
            left.append(words)
    return replace(scheme, settings=", ".join(left))


def _functional(words: str) -> Scheme | None:
    """Functional, U and settings from ``PBE(+U) at Materials Project settings``; None where no functional leads."""
    split = _WITH_U.match(words)
    if split is None:
        return None
    named, u, rest = split["name"], (split["u"] or "").replace(" ", ""), split["rest"].strip()
    functional = functional_named(named)
    if functional is None and " " in named:
        first, _, more = named.partition(" ")
        named, rest, functional = first, f"{more}{rest and ' '}{rest}".strip(), functional_named(first)
    if functional is None:
        return None
    theirs = _THEIR_SETTINGS.fullmatch(rest)
    settings = f"{theirs['whose']} settings" if theirs else rest
    hubbard = NO_U if not u else SOME_U
    if u == "(+U)" and theirs:
        hubbard = theirs["whose"]
    return Scheme(functional=functional.name, hubbard=hubbard, settings=settings)


def _plain(words: str) -> str:
    return " ".join(words.replace("²", "2").casefold().split())
