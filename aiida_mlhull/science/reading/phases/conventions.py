"""What computed entries say of their own calculations, and whether they may stand in one hull.

A total energy means nothing without its functional: r²SCAN's and PBE's differ by more than 10 eV/atom. That a
file is all of one kind is checked here rather than believed: the entries' run types, U values,
pseudopotentials and adjustments are compared.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar

from aiida_mlhull.science.errors import InputError, MixedSchemesError, listed
from aiida_mlhull.science.reading.phases.incar import incar_of
from aiida_mlhull.science.schemes import Functional, functional_named

RUN_TYPE_KEYS: Final = ("run_type", "functional", "xc_functional", "xc", "dft_functional", "energy_type", "metagga")
TASK_KEYS: Final = ("calc_type", "task_type")
"""Keys whose first word may be a functional: ``r2SCAN Static``."""

OFTEN_ELSE: Final = ("energy_type", "metagga")
"""Keys that often hold other words: only those of functionals count."""

MIXING_NAME: Final = "mixing adjustment"
MIXING_CLASS: Final = "MaterialsProjectDFTMixingScheme"
MIXED_THERMO: Final = "GGA_GGA+U_R2SCAN"
_SUFFIX: Final = re.compile(r"-(GGA\+U|GGA|R2SCAN|SCAN|PBESOL|PBESol|PBEsol)$")
_POTCAR: Final = re.compile(
    r"(?:PAW_)?(?P<family>LDA|PBE|GGA|PW91|US)(?:_(?:52|54|64))?\s+(?P<symbol>\S+)", re.IGNORECASE
)

T = TypeVar("T")


@dataclass(frozen=True)
class Convention:
    """What one entry, document or row states.

    Attributes:
        functional: ``PBE``; empty if it doesn't say.
        plus_u: whether it was calculated with a Hubbard U.
        hubbards: element to U (eV) where they are written down; None if they aren't.
        elements: of the compound.
        potentials: element to the name of its pseudopotential, as far as they are written down.
        family: what these were made for: ``PBE`` or ``LDA``; empty if it isn't written down.
        dispersion: the correction for dispersion that its INCAR asks for, ``IVDW 11``; empty if none is written down.
        thermo_type: the Materials Project's word for a hull's convention.
        corrected: whether it carries corrections.
        mp2020: whether MP2020's are among them.
        shifted: whether one of them puts it onto another functional's hull.
    """

    functional: str = ""
    plus_u: bool = False
    hubbards: Mapping[str, float] | None = None
    elements: frozenset[str] = frozenset()
    potentials: Mapping[str, str] = field(default_factory=dict)
    family: str = ""
    dispersion: str = ""
    thermo_type: str = ""
    corrected: bool = False
    mp2020: bool = False
    shifted: bool = False

    @property
    def run_type(self) -> str:
        """As the Materials Project would call it, with PBE for GGA."""
        return f"{self.functional}+U" if self.plus_u else self.functional


def stated(parameters: Mapping[str, Any], data: Mapping[str, Any], *, name: str, elements: Iterable[str]) -> Convention:
    """The convention that an entry's parameters, data and id speak of.

    Raises:
        MixedSchemesError: if they contradict each other.
    """
    said: dict[str, Any] = {}
    for place in (data, parameters):
        said |= {key: value for key in RUN_TYPE_KEYS if (value := _functional_in(place.get(key), key=key))}
        said |= {
            key: word for key in TASK_KEYS if functional_named(word := str(place.get(key) or "").partition(" ")[0])
        }
    suffix = _SUFFIX.search(name)
    if suffix:
        said["entry_id"] = suffix[1]
    incar = incar_of({**data, **parameters})
    said |= incar.functional
    named = {key: functional_named(value) or Functional(value.strip(), "+U" in value) for key, value in said.items()}
    names = {key: functional.name for key, functional in named.items()}
    if len(set(names.values())) > 1:
        words = ", ".join(f"{key} {said[key]}" for key in said)
        raise MixedSchemesError(f"{name} contradicts itself: {words}")
    raw = parameters.get("hubbards", data.get("hubbards"))
    hubbards = _values(raw) if isinstance(raw, Mapping) else None
    plus_u = bool(hubbards) or any(functional.plus_u for functional in named.values())
    plus_u = plus_u or (parameters.get("is_hubbard", data.get("is_hubbard")) is True and hubbards != {})
    plus_u = plus_u or (hubbards is None and incar.plus_u)
    potentials, family = _potentials(parameters)
    thermo = data.get("thermo_type", parameters.get("thermo_type"))
    return Convention(
        functional=next(iter(names.values()), ""),
        plus_u=plus_u,
        hubbards=(hubbards if hubbards or not plus_u else None),
        elements=frozenset(elements),
        potentials=potentials,
        family=family,
        dispersion=incar.dispersion,
        thermo_type=str(thermo) if thermo else "",
    )


def _functional_in(value: Any, *, key: str) -> str:
    """The functional's name in a value; empty if there is none. ``PBE (VASP 6.4)`` names the program, too."""
    if not isinstance(value, str) or value.strip().casefold() in {"", "none", "--"}:
        return ""
    name = value.strip() if functional_named(value) else value.partition(" (")[0].strip()
    return name if functional_named(name) or key not in OFTEN_ELSE else ""


def _values(raw: Mapping[str, Any]) -> dict[str, float]:
    """U values other than zero; one that isn't a number is kept as NaN, which equals no other."""
    values = {}
    for symbol, value in raw.items():
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = float("nan")
        if number != 0:
            values[str(symbol)] = number
    return values


def _potentials(parameters: Mapping[str, Any]) -> tuple[dict[str, str], str]:
    """Pseudopotentials by element, and what functional they were made for."""
    specs, symbols = parameters.get("potcar_spec"), parameters.get("potcar_symbols")
    stated_family = re.match(r"LDA|PBE|PW91", str(parameters.get("potcar_functional") or ""))
    titles = [spec.get("titel") for spec in specs if isinstance(spec, Mapping)] if isinstance(specs, list) else []
    titles += symbols if isinstance(symbols, list) else []
    potentials, families = {}, {stated_family[0]} if stated_family else set()
    for title in titles:
        match = _POTCAR.match(title) if isinstance(title, str) else None
        if match is not None:
            potentials[match["symbol"].split("_")[0]] = match["symbol"]
            families.add("PBE" if match["family"].upper() in {"PBE", "GGA"} else match["family"].upper())
    return potentials, families.pop() if len(families) == 1 else "/".join(sorted(families))


def common(name: str, conventions: Mapping[str, Convention], *, corrections: str | None) -> Convention:
    """The convention of a file as a whole.

    Args:
        name: of the file.
        conventions: by id.
        corrections: what becomes of the energies: ``mp2020``, ``none``, ``included``; None as they stand.

    Returns:
        Functional, U and thermo type that all of them share; ``shifted`` where the Materials Project has mixed them.

    Raises:
        MixedSchemesError: if they can't stand in one hull; the message names entries of each kind.
    """
    functionals, thermo, mixed = one_functional(name, conventions)
    if mixed and corrections in {"none", "mp2020"}:
        raise MixedSchemesError(
            f"{name} holds energies that the Materials Project has mixed from several functionals: they can only be "
            f"taken so ('included')"
        )
    families = _groups({key: one.family for key, one in conventions.items() if one.family})
    if len(families) > 1:
        raise MixedSchemesError(f"{name} mixes pseudopotentials made for {_told(families)}")
    functional = next(iter(functionals), "")
    if mixed:
        return Convention(functional=functional, thermo_type=next(iter(thermo), ""), shifted=True, corrected=True)
    hubbards: dict[str, float] = {}
    if corrections != "mp2020":
        _same_potentials(name, conventions)
        hubbards = _same_u(name, conventions, corrections=corrections)
    corrected = corrections != "none" and any(one.corrected for one in conventions.values())
    return Convention(
        functional=functional,
        dispersion=next((one.dispersion for one in conventions.values()), ""),
        plus_u=any(one.plus_u for one in conventions.values()),
        hubbards=hubbards,
        thermo_type=next(iter(thermo), ""),
        corrected=corrected,
        mp2020=any(one.mp2020 for one in conventions.values()),
    )


def one_functional(
    name: str, conventions: Mapping[str, Convention]
) -> tuple[dict[str, list[str]], dict[str, list[str]], bool]:
    """The functional of all energies.

    Returns:
        Ids by functional and by thermo type, and whether the Materials Project has mixed them.

    Raises:
        MixedSchemesError: if there are several, and they weren't mixed so.
    """
    thermo = _groups({key: one.thermo_type for key, one in conventions.items() if one.thermo_type})
    if len(thermo) > 1:
        raise MixedSchemesError(
            f"{name} mixes conventions of the Materials Project: {_told(thermo)}; choose one with --only"
        )
    functionals = _groups({key: one.functional for key, one in conventions.items() if one.functional})
    mixed = MIXED_THERMO in thermo or _shifted(conventions)
    dispersions = _groups({key: one.dispersion or "none" for key, one in conventions.items()})
    if len(dispersions) > 1 and not mixed:
        raise MixedSchemesError(f"{name} mixes corrections for dispersion: {_told(dispersions)}; choose one kind")
    if len(functionals) > 1 and not mixed:
        raise MixedSchemesError(
            f"{name} mixes functionals: {_told(functionals)}; their energies don't meet in one hull. Take those of one "
            f"(--only), or entries that the Materials Project has mixed"
        )
    return functionals, thermo, mixed


def _shifted(conventions: Mapping[str, Convention]) -> bool:
    """Whether the entries of one functional have all been put onto the hull of the others."""
    by_functional: defaultdict[str, list[bool]] = defaultdict(list)
    for one in conventions.values():
        by_functional[one.functional].append(one.shifted)
    return any(all(shifted) for shifted in by_functional.values())


def _same_potentials(name: str, conventions: Mapping[str, Convention]) -> None:
    """Refuse one element with several pseudopotentials among entries that were not checked before."""
    used: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for key, one in conventions.items():
        if not one.corrected:
            for element, potential in one.potentials.items():
                used[element].setdefault(potential, key)
    several = {element: kinds for element, kinds in used.items() if len(kinds) > 1}
    if several:
        words = listed(
            f"{element}: {', '.join(f'{potential} ({key})' for potential, key in kinds.items())}"
            for element, kinds in several.items()
        )
        raise MixedSchemesError(f"{name} mixes pseudopotentials of one element: {words}")


def _same_u(name: str, conventions: Mapping[str, Convention], *, corrections: str | None) -> dict[str, float]:
    """U of every element, the same wherever the element is, in its own solid, too.

    Raises:
        MixedSchemesError: if some entries have a U that others lack, and no correction makes up for it.
    """
    taken_off = corrections == "none"
    bare = {key: one for key, one in conventions.items() if one.plus_u and (taken_off or not one.corrected)}
    if not bare:
        return {}
    values: defaultdict[str, dict[float | None, str]] = defaultdict(dict)
    unknown = [key for key, one in bare.items() if one.hubbards is None]
    with_u = {element for one in bare.values() for element in one.hubbards or ()}
    for key, one in conventions.items():
        for element in with_u & one.elements:
            values[element].setdefault((one.hubbards or {}).get(element), key)
    different = {element: kinds for element, kinds in values.items() if len(kinds) > 1}
    alone = {element for element in with_u if not any(one.elements == {element} for one in conventions.values())}
    plain = [key for key, one in conventions.items() if not one.plus_u]
    if (unknown and plain) or different or alone:
        words = "; ".join(
            f"{element}: " + ", ".join(f"{'no U' if u is None else f'U {u:g} eV'} ({key})" for u, key in kinds.items())
            for element, kinds in sorted(different.items())
        )
        raise MixedSchemesError(
            f"{name} mixes GGA and GGA+U without corrections: {len(bare)} with U ({listed(bare, 3)}), {len(plain)} "
            f"without ({listed(plain, 3)}){words and '; '}{words}; energies with and without U meet in one hull only "
            f"after corrections that were fitted to them ('mp2020')"
        )
    return {element: next(iter(kinds)) or 0.0 for element, kinds in sorted(values.items())}


def answer_needed(name: str, conventions: Mapping[str, Convention]) -> InputError | None:
    """The question to the user where only some entries say how they were calculated; None if there is none."""
    silent = [key for key, one in conventions.items() if not one.functional and not one.thermo_type]
    if not silent or len(silent) == len(conventions):
        return None
    return InputError(
        f"{name}: {len(silent)} of {len(conventions)} entries don't say what they were calculated with ({listed(silent, 3)}): "
        f"which functional and settings are it? Say so with --scheme, or 'scheme' in a campaign file; 'aiida-mlhull "
        f"references schemes' lists those that have a name"
    )


def _groups(values: Mapping[str, T]) -> dict[T, list[str]]:
    groups: defaultdict[T, list[str]] = defaultdict(list)
    for key, value in values.items():
        groups[value].append(key)
    return dict(groups)


def _told(groups: Mapping[str, list[str]]) -> str:
    return " and ".join(f"{len(keys)} of {kind} ({listed(keys, 3)})" for kind, keys in groups.items())
