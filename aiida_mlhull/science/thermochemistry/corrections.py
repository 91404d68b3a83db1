"""Corrections of groups that a functional gets wrong, as declared schemes: never applied silently."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from aiida_mlhull.science.errors import UnknownNameError
from aiida_mlhull.science.representations.composition import Composition, reduce_formula
from aiida_mlhull.science.types import References

SCHEMES: Final[Mapping[str, Mapping[str, float]]] = {
    "none": {},
    "carbonates-mcdermott-2021": {"CO3": 0.830},
}
"""Name to eV for every group. ``carbonates-mcdermott-2021``: added to compounds with CO3 groups, for PBE energies
with the Materials Project's anion corrections (M. J. McDermott et al., Nat. Commun. 12 (2021) 3097)."""

CARBON, OXYGEN = 6, 8


def groups(composition: Composition) -> dict[str, int]:
    """How many groups of a kind the composition holds, judged by the composition alone.

    A compound of at least three elements counts as a carbonate where it has three oxygen atoms or more for
    every carbon atom, and no nitrogen or hydrogen that could bind the carbon instead.
    """
    atoms = dict(zip(composition.numbers, composition.counts, strict=True))
    carbon, oxygen = atoms.get(CARBON, 0), atoms.get(OXYGEN, 0)
    organic = {1, 7} & atoms.keys()
    if carbon and len(atoms) > 2 and oxygen >= 3 * carbon and not organic:  # noqa: PLR2004
        return {"CO3": carbon}
    return {}


def corrected(references: References, scheme: str) -> References:
    """The references with a declared scheme of corrections, which their own scheme then names.

    Args:
        references: total or formation energies.
        scheme: one of :data:`SCHEMES`.

    Raises:
        UnknownNameError: if there is no such scheme.
    """
    if scheme not in SCHEMES:
        raise UnknownNameError(f"unknown scheme of corrections {scheme!r}; known: {', '.join(SCHEMES)}")
    if not SCHEMES[scheme]:
        return references
    added = np.zeros(len(references))
    for row, formula in enumerate(references.formulas.tolist()):
        composition = reduce_formula(formula)
        for group, count in groups(composition).items():
            added[row] += SCHEMES[scheme].get(group, 0.0) * count / composition.atoms
    return replace(references, energies=references.energies + added, scheme=f"{references.scheme} + {scheme}")
