"""Which atoms of a compound are anions, as far as its composition tells.

The corrections MP2020 depend on it: so much for every oxide, other values for peroxides and superoxides, nothing for
the sulfur of a sulfate. pymatgen decides it by the structure where there is one, else by guesses. What
charges decide is decided here; what remains a guess is said to be one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from pymatgen.core import Composition
    from pymatgen.entries.computed_entries import ComputedEntry

LISTED: Final = frozenset({"Br", "I", "Se", "Si", "Sb", "Te", "H", "N", "F", "Cl"})
"""Elements that are corrected where they are anions, besides oxygen and sulfur."""

LARGEST: Final = 20
"""Atoms of a formula that pymatgen guesses oxidation states of."""

MOST_COMBINATIONS: Final = 20_000
NEUTRAL: Final = 1e-6
SULFITE: Final = 4.0
"""Oxidation state from which sulfur is the cation of its anion, as in sulfites and sulfates."""


@dataclass
class Anions:
    """What is known of a compound's anions.

    Attributes:
        states: element to oxidation state; empty if none balance.
        oxide_type, sulfide_type: what pymatgen is to be told; None where its structure tells, or nothing is there.
        remarks: what was guessed, in words.
        open: what only a structure could decide, in words; the correction depends on it.
    """

    states: dict[str, float] = field(default_factory=dict)
    oxide_type: str | None = None
    sulfide_type: str | None = None
    remarks: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)


def anions_of(entry: ComputedEntry) -> Anions:
    """The anions of an entry; what it says itself in ``data`` is taken, and its structure left to pymatgen."""
    composition, anions = entry.composition, Anions()
    if len(composition) == 1:
        return anions
    by_structure = getattr(entry, "structure", None) is not None
    _oxidation_states(composition, entry.data, anions)
    if "O" in composition and not by_structure and not entry.data.get("oxide_type"):
        _oxygen(composition, anions)
    if "S" in composition and not by_structure and not entry.data.get("sulfide_type"):
        _sulfur(composition, anions)
    return anions


def _oxidation_states(composition: Composition, data: Mapping[str, Any], anions: Anions) -> None:
    given = data.get("oxidation_states")
    if isinstance(given, Mapping) and given:
        anions.states = {str(symbol): float(state) for symbol, state in given.items()}
        return
    symbols = {element.symbol for element in composition}
    guessed = _pymatgens_guess(composition)
    if guessed:
        anions.states = guessed
        return
    balanced = list(_balanced(composition))
    negative = {frozenset(symbol for symbol, state in states.items() if state < 0) for states in balanced}
    if len(negative) == 1:
        anions.states = balanced[0]
        if symbols & LISTED:
            said = ", ".join(f"{symbol} {state:+g}" for symbol, state in sorted(balanced[0].items()))
            anions.remarks.append(f"oxidation states by charge balance: {said}")
    elif symbols & LISTED:
        last = max(composition.elements, key=lambda element: element.X).symbol
        anions.remarks.append(f"no oxidation states balance: only {last}, the most electronegative, counts as an anion")


def _pymatgens_guess(composition: Composition) -> dict[str, float]:
    """Its first guess, as its corrections take it; empty if there is none."""
    try:
        guesses = composition.oxi_state_guesses(max_sites=-LARGEST)
    except ValueError:
        return {}
    return dict(guesses[0]) if guesses else {}


def _balanced(composition: Composition) -> Iterator[dict[str, float]]:
    """Assignments of one common oxidation state to every element that add up to zero."""
    elements = composition.elements
    choices = [_common_states(element) for element in elements]
    if not all(choices) or prod(map(len, choices)) > MOST_COMBINATIONS:
        return
    amounts = [composition[element] for element in elements]
    for states in product(*choices):
        if abs(sum(n * state for n, state in zip(amounts, states, strict=True))) < NEUTRAL:
            yield {element.symbol: float(state) for element, state in zip(elements, states, strict=True)}


def _common_states(element: Any) -> tuple[int, ...]:
    states: tuple[int, ...] = element.common_oxidation_states or element.oxidation_states
    return states


def _oxygen(composition: Composition, anions: Anions) -> None:
    """Oxide, unless the other elements can't give two electrons to every oxygen."""
    others = [element for element in composition.elements if element.symbol != "O"]
    most = sum(float(composition[element]) * _highest(element) for element in others)
    if most >= 2 * composition["O"] - NEUTRAL:
        anions.oxide_type = "oxide"
        return
    anions.open.append("whether its oxygen is an oxide's, a peroxide's or a superoxide's")


def _highest(element: Any) -> int:
    """The highest oxidation state that is known; fluorine only takes electrons."""
    highest: int = max(element.oxidation_states, default=0)
    return highest if element.symbol != "F" else -1


def _sulfur(composition: Composition, anions: Anions) -> None:
    """Sulfide or cation, by its oxidation state; in between there are both, as in thiosulfates."""
    state = anions.states.get("S")
    if max(composition.elements, key=lambda element: element.X).symbol == "S" or (state is not None and state < 0):
        anions.sulfide_type = "sulfide"
    elif state is not None and state >= SULFITE:
        anions.sulfide_type = "sulfate"
    else:
        anions.open.append("whether its sulfur is a sulfide's")
