"""The slice between two formulas, from references and conditions."""

from __future__ import annotations

from aiida_mlhull.science.hull.phase_space import PhaseSpace, phase_space
from aiida_mlhull.science.hull.reactions.slices import Slice, cut
from aiida_mlhull.science.representations.composition import reduce_formula
from aiida_mlhull.science.thermochemistry import Conditions, apply
from aiida_mlhull.science.types import References


def between(start: str, end: str, references: References, conditions: Conditions) -> tuple[PhaseSpace, Slice]:
    """The phases of the elements of two formulas, and the hull between these.

    Raises:
        InputError: if a formula can't be read, or the two are the same.
        MissingEndMembersError: if an element is missing.
    """
    elements = {*reduce_formula(start).symbols, *reduce_formula(end).symbols}
    applied = apply(references, conditions)
    potentials = {e: value for e, value in applied.potentials.items() if e in elements}
    space = phase_space(applied.references, elements, potentials=potentials)
    return space, cut(space, start, end)
