"""What happens where the references lack an element that a candidate needs: a declared policy."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping, Sequence
from typing import Final, Literal

import numpy as np

from aiida_mlhull.science.errors import InputError, MissingEndMembersError, listed
from aiida_mlhull.science.representations.composition import NUMBERS, SYMBOLS, Composition, distinct
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.table import Booleans

EndMembers = Literal["refuse", "mark"] | Mapping[str, float]
"""``"refuse"``: raise, listing the elements (the default). ``"mark"``: those rows carry NaN and the
reason. A mapping: element to the stated energy in eV/atom that serves as its reference."""

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
        raise refusal(missing, known)


def refusal(missing: Sequence[str], known: References) -> MissingEndMembersError:
    """The error that lists the elements and what to do."""
    source = f" of {known.source}" if known.source else ""
    return MissingEndMembersError(
        f"the references{source} hold no pure {listed(missing, limit=20)}: "
        f"add these elements to the references, or state their energies"
    )


def spanned(compositions: Sequence[Composition], elements: Container[int], known: References, policy: str) -> Booleans:
    """(m,) which compositions have all their elements among ``elements`` (atomic numbers of ``known``).

    Raises:
        MissingEndMembersError: if some have not, and the policy is to refuse.
    """
    missing = {z for composition in compositions for z in composition[0] if z not in elements}
    if not missing:
        return np.ones(len(compositions), dtype=bool)
    if policy == "refuse":
        raise refusal(tuple(SYMBOLS[z - 1] for z in sorted(missing)), known)
    return np.asarray([missing.isdisjoint(composition[0]) for composition in compositions], dtype=bool)


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
