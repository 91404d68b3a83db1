"""What happens where the references lack an element that a candidate needs: a declared policy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, Literal

import numpy as np

from aiida_mlhull.science.errors import InputError, MissingEndMembersError, listed
from aiida_mlhull.science.representations.composition import NUMBERS, SYMBOLS, distinct
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.tables import Booleans, Strings

EndMembers = Literal["refuse", "mark"] | Mapping[str, float]
"""``"refuse"``: raise, listing the elements (the default). ``"mark"``: those rows carry NaN and the
reason. A mapping: element to the stated energy in eV/atom that serves as its reference."""

REASON: Final = "missing_end_members"
STATED: Final = "stated:"
"""References that were stated by hand have ids such as ``stated:N``."""


def missing_end_members(formulas: Iterable[str], known: References) -> tuple[str, ...]:
    """Elements in ``formulas`` that have no pure phase among the references, by atomic number."""
    pure = {c.numbers[0] for c in distinct(known.formulas.tolist())[0] if len(c.numbers) == 1}
    needed = {z for c in distinct(formulas)[0] for z in c.numbers}
    return tuple(SYMBOLS[z - 1] for z in sorted(needed - pure))


def check_end_members(formulas: Iterable[str], known: References) -> None:
    """Refuse references that can't span the hull of ``formulas``.

    Raises:
        MissingEndMembersError: listing the elements.
    """
    missing = missing_end_members(formulas, known)
    if missing:
        raise MissingEndMembersError(
            f"the references{f' of {known.source}' if known.source else ''} hold no pure {listed(missing, limit=20)}: "
            f"add these elements to the references, or state their energies"
        )


def apply_policy(formulas: Strings, known: References, policy: EndMembers) -> tuple[References, Booleans]:
    """References that hold what they can, and the rows of ``formulas`` that have a hull.

    Raises:
        MissingEndMembersError: if elements are missing, and ``policy`` neither states nor marks them.
        InputError: if a stated element is among the references, or its energy is not finite.
    """
    if isinstance(policy, Mapping):
        known = with_stated(known, policy)
        policy = "refuse"
    missing = set(missing_end_members(formulas.tolist(), known))
    if missing and policy == "refuse":
        check_end_members(formulas.tolist(), known)
    compositions, which = distinct(formulas.tolist())
    spanned = np.asarray([missing.isdisjoint(composition.symbols) for composition in compositions], dtype=bool)
    return known, spanned[which]


def with_stated(known: References, energies: Mapping[str, float]) -> References:
    """The references and end members stated by hand, ids ``stated:X``.

    Args:
        known: the references.
        energies: element to eV/atom, of the same scheme as the references.

    Raises:
        InputError: if an element has a pure phase already, is none, or an energy is not finite.
    """
    strange = [symbol for symbol in energies if symbol not in NUMBERS]
    if strange:
        raise InputError(f"stated end members must be elements: {listed(strange)}")
    present = sorted(set(energies) - set(missing_end_members(energies, known)))
    if present:
        raise InputError(f"the references hold these elements, their energies can't be stated too: {listed(present)}")
    broken = sorted(symbol for symbol, energy in energies.items() if not np.isfinite(energy))
    if broken:
        raise InputError(f"NaN or infinite stated energies: {listed(broken)}")
    stated = sorted(energies)
    return References.from_rows(
        ids=[*known.ids.tolist(), *(STATED + symbol for symbol in stated)],
        formulas=[*known.formulas.tolist(), *stated],
        energies=np.append(known.energies, [energies[symbol] for symbol in stated]),
        source=known.source,
        scheme=known.scheme,
    )
