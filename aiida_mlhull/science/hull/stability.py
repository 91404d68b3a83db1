"""The self-consistent hull: candidates compete with what is known and with each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.hull.distances import Formulas, checked
from aiida_mlhull.science.hull.end_members import check_end_members
from aiida_mlhull.science.hull.index import GroundStates
from aiida_mlhull.science.hull.points import hull_points
from aiida_mlhull.science.representations.composition import Composition, distinct
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats
from aiida_mlhull.science.types.table import Strings


@dataclass(frozen=True, eq=False)
class Stability:
    """Three distances of n candidates on the hull that they span together with what is known.

    For an unstable ground state all three agree. For stable ones the first is zero, and the others say
    how much lower it lies than its rivals. A pure element can't fall apart: its rivals are the other
    phases of that element, one of which at least is known.

    Attributes:
        e_above_hull: (n,) eV/atom above the hull of everything, never negative (Ekström 2022: the
            energy on the predicted hull).
        signed: (n,) eV/atom above the hull of everything but the row itself: negative for the stable,
            zero for two polymorphs of equal energy on the hull.
        phase_separation: (n,) eV/atom above the hull without any entry of the same composition:
            the energy of separating into other phases (Bartel 2020: decomposition energy).
        hull_energy: (n,) eV/atom, the self-consistent hull.
    """

    e_above_hull: Floats
    signed: Floats
    phase_separation: Floats
    hull_energy: Floats

    def __len__(self) -> int:
        return len(self.e_above_hull)


def stability(formulas: Formulas, energies: Floats, known: References) -> Stability:
    """Distances on the self-consistent hull of ``known`` and all candidates.

    Args:
        formulas: n formulas.
        energies: (n,) eV/atom.
        known: references and own results, the pure elements among them.

    Raises:
        MissingEndMembersError: if ``known`` lacks elements; the message lists them.
        TableError: if lengths differ or an energy is not finite.
        HullError: if a hull energy could not be certified.
    """
    names, values = checked(formulas, energies)
    check_end_members(names.tolist(), known)
    all_names = np.concatenate([known.formulas, names])
    all_energies = np.concatenate([known.energies, values])
    ground = GroundStates(all_names, all_energies)
    targets, which = distinct(names.tolist())
    hull = hull_points(ground, targets).energies
    elemental = np.asarray([len(target.numbers) == 1 for target in targets], dtype=bool)
    mixtures = _hull_without_own(ground, [target for target in targets if len(target.numbers) > 1])
    separated = hull.copy()
    separated[~elemental] = mixtures
    rivals = np.where(elemental, np.inf, separated)[which]
    rivals = np.minimum(rivals, lowest_other(all_names, all_energies)[len(known) :])
    return Stability(
        e_above_hull=np.maximum(values - hull[which], 0.0),
        signed=values - rivals,
        phase_separation=values - separated[which],
        hull_energy=hull[which],
    )


def _hull_without_own(ground: GroundStates, targets: list[Composition]) -> Floats:
    """(m,) eV/atom, the hull at every compound's composition when no entry has that composition."""
    own = np.asarray([ground.row_of.get(target, -1) for target in targets], dtype=np.int64)
    return hull_points(ground, targets, excluded=own).energies


def lowest_other(formulas: Strings, energies: Floats) -> Floats:
    """(n,) eV/atom, the lowest entry of the same composition other than the row itself; else infinite."""
    compositions, which = distinct(formulas.tolist())
    order = np.lexsort((np.arange(len(which)), energies, which))
    first = np.searchsorted(which[order], np.arange(len(compositions)))
    lowest = order[first]
    padded = np.append(energies[order], np.inf)
    second = np.where(np.append(which[order], -1)[first + 1] == np.arange(len(compositions)), padded[first + 1], np.inf)
    others = energies[lowest][which]
    others[lowest] = second
    return np.asarray(others)
