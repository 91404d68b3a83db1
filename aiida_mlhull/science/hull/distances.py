"""Distances to the hull: how far above (or below) what is known every candidate lies, and why.

Energies are total energies in eV/atom, of candidates and references alike; the references hold the
pure elements as rows of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from aiida_mlhull.science.errors import TableError, listed
from aiida_mlhull.science.hull.end_members import EndMembers, spanned, with_stated
from aiida_mlhull.science.hull.index import GroundStates
from aiida_mlhull.science.hull.points import HullPoints, hull_points
from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import References
from aiida_mlhull.science.types.crystals import Floats, Integers
from aiida_mlhull.science.types.reasons import Reason
from aiida_mlhull.science.types.table import Strings

Formulas = Sequence[str] | Strings


@dataclass(frozen=True, eq=False)
class HullDistances:
    """Where n candidates lie with respect to a hull.

    Attributes:
        e_above_hull: (n,) eV/atom, energy minus hull energy; negative below the hull of what is known.
        hull_energy: (n,) eV/atom, the hull at each candidate's composition.
        gap: (n,) eV/atom, certificate: the hull energy is exact to within this.
        reasons: (n,) empty, or why the row has no distance: ``missing_end_members``.
        points: the hull at the m different compositions, with decompositions and potentials.
        point: (n,) which of them each candidate has, -1 for rows without.
        phase_ids: ids of the entries that ``points.phases`` counts.
    """

    e_above_hull: Floats
    hull_energy: Floats
    gap: Floats
    reasons: Strings
    points: HullPoints
    point: Integers
    phase_ids: Strings

    def __len__(self) -> int:
        return len(self.e_above_hull)

    def decomposition(self, row: int) -> dict[str, float]:
        """Id to atomic fraction: the phases on the hull that a candidate's composition falls apart into.

        Where several sets of phases reach the same energy, the one nearest in composition is given.
        """
        found = self.points.decomposition(self._point(row))
        return {str(self.phase_ids[entry]): fraction for entry, fraction in found.items()}

    def chemical_potentials(self, row: int) -> dict[str, float]:
        """Element to chemical potential in eV/atom: the plane that touches the hull at this composition."""
        return self.points.chemical_potentials(self._point(row))

    def _point(self, row: int) -> int:
        if self.point[row] < 0:
            raise TableError(f"row {row} has no hull: {self.reasons[row]}")
        return int(self.point[row])


def distances(
    formulas: Formulas,
    energies: Floats,
    known: References,
    *,
    end_members: EndMembers = "refuse",
) -> HullDistances:
    """Energy above the hull of what is known; the candidates don't compete with each other.

    Args:
        formulas: n formulas.
        energies: (n,) eV/atom.
        known: references and own results, the pure elements among them.
        end_members: what to do where an element is missing, see :data:`EndMembers`.

    Raises:
        MissingEndMembersError: if ``known`` lacks elements; the message lists them.
        TableError: if lengths differ or an energy is not finite.
        HullError: if a hull energy could not be certified to 1e-9 eV/atom.
    """
    names, values = checked(formulas, energies)
    if isinstance(end_members, Mapping):
        known, end_members = with_stated(known, end_members), "refuse"
    ground = GroundStates(known.formulas, known.energies)
    compositions, which = distinct(names.tolist())
    solvable = spanned(compositions, ground.elements, known, end_members)
    points = hull_points(ground, [c for c, solved in zip(compositions, solvable.tolist(), strict=True) if solved])
    position = np.where(solvable, np.cumsum(solvable) - 1, -1)
    hull_energy = np.append(points.energies, np.nan)[position][which]
    return HullDistances(
        e_above_hull=values - hull_energy,
        hull_energy=hull_energy,
        gap=np.append(points.gaps, np.nan)[position][which],
        reasons=np.where(solvable, "", Reason.MISSING_END_MEMBERS)[which],
        points=points,
        point=position[which],
        phase_ids=known.ids,
    )


def hull_energies(formulas: Formulas, known: References) -> Floats:
    """(n,) eV/atom, the hull of ``known`` at the compositions of ``formulas``.

    Raises:
        MissingEndMembersError: if ``known`` lacks elements.
    """
    return distances(formulas, np.zeros(len(formulas)), known).hull_energy


def checked(formulas: Formulas, energies: Floats) -> tuple[Strings, Floats]:
    """The two columns as arrays.

    Raises:
        TableError: if lengths differ or an energy is not finite.
    """
    names = np.asarray(formulas, dtype=np.str_)
    values = np.asarray(energies, dtype=np.float64)
    if names.shape != values.shape or names.ndim != 1:
        raise TableError(f"{names.shape} formulas and {values.shape} energies don't belong together")
    broken = np.flatnonzero(~np.isfinite(values))
    if len(broken):
        rows = [f"row {i} ({names[i]})" for i in broken.tolist()]
        raise TableError(f"NaN or infinite energies of candidates: {listed(rows)}")
    return names, values
