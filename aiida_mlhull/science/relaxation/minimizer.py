"""A quasi-Newton search along the directions that keep a crystal's space group.

Prototype-like crystals have a handful of invariant coordinates, so a dense Hessian costs nothing and
steps are few. The search is BFGS inside a trust region (Nocedal & Wright, *Numerical Optimization*, 2nd
ed., chapters 4 and 6), with the symmetric rank-one update where the curvature is negative, and with
eigenvalues taken by their absolute values so that it walks away from saddles.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from aiida_mlhull.science.types.crystals import Floats

LARGEST_DISPLACEMENT = 0.25
"""Å an atom and step."""

LARGEST_STRAIN = 0.08
"""Frobenius norm of the strain of one step."""

_STIFFNESS = 20.0  # eV/Å²: a first guess that suits both atoms and, times sqrt(N), cells
_SOFTEST = 1.0  # eV/Å²: directions softer than this are treated as this stiff
_BENT = 1e-3  # eV/Å²: least curvature along a step for BFGS
_NARROWER, _WIDER = 0.35, 2.0
_SMALLEST_TRUST = 1e-4
_NOISE = 5e-6  # eV/atom: what single precision can't tell apart


@dataclass(eq=False)
class QuasiNewton:
    """One crystal's search; :meth:`propose` and :meth:`tell` alternate.

    The coordinates are amplitudes of the displacement patterns (Å) and of the strains, these times
    sqrt(N) Å, so that both kinds have stiffnesses of the same order whatever the size of the cell.

    Attributes:
        lattice: (3, 3) Å, the best point so far.
        positions: (N, 3) Å, Cartesian.
        displacements: (D, N, 3) orthonormal patterns that atoms may follow.
        strains: (S, 3, 3) orthonormal symmetric strains that the cell may follow.
        energy: eV/atom at the best point; infinite before the first :meth:`tell`.
        max_force: the largest force on an atom in eV/Å, or the largest row of the virial per atom in
            eV, whichever is larger, along the directions that are free.
        stuck: whether steps have become too small to matter.
    """

    lattice: Floats
    positions: Floats
    displacements: Floats
    strains: Floats
    energy: float = np.inf
    max_force: float = np.inf
    stuck: bool = False
    _trust: float = 1.0
    _step: Floats | None = None
    _gradient: Floats = field(init=False)
    _hessian: Floats = field(init=False)
    _proposal: tuple[Floats, Floats] = field(init=False)

    def __post_init__(self) -> None:
        size = len(self.displacements) + len(self.strains)
        self._gradient = np.zeros(size)
        self._hessian = _STIFFNESS * np.eye(size)
        self._proposal = (self.lattice, self.positions)

    def propose(self) -> tuple[Floats, Floats]:
        """The cell (3, 3) and positions (N, 3), both in Å, to be evaluated next."""
        return self._proposal

    def tell(self, energy: float, by_position: Floats, by_strain: Floats) -> None:
        """Learn what the proposed point gave and choose the next.

        Args:
            energy: eV/atom.
            by_position: (N, 3) eV/Å, derivatives of the cell's energy by positions.
            by_strain: (3, 3) eV, derivatives of the cell's energy by strain.
        """
        n = len(self.positions)
        slopes = np.tensordot(self.displacements, by_position, 2)
        virial = np.tensordot(self.strains, by_strain, 2)
        gradient = np.concatenate([slopes, virial / np.sqrt(n)])
        rise = n * (energy - self.energy)
        accepted = self._step is None or rise <= n * _NOISE
        if self._step is not None:
            self._adapt(rise, expected=float(self._gradient @ self._step), accepted=accepted)
            self._learn(self._step, gradient - self._gradient)
        if accepted:
            self.lattice, self.positions = self._proposal
            self.energy, self._gradient = energy, gradient
            self.max_force = self._largest(slopes, virial / n)
        if len(gradient):
            self._advance()

    def _largest(self, slopes: Floats, virial: Floats) -> float:
        on_atoms = np.tensordot(slopes, self.displacements, 1)
        on_cell = np.tensordot(virial, self.strains, 1)
        return float(np.sqrt(np.square(np.concatenate([on_atoms, on_cell])).sum(axis=1).max()))

    def _adapt(self, rise: float, *, expected: float, accepted: bool) -> None:
        """Narrow the trust region after a step uphill, widen it where half of the slope's promise came true."""
        if not accepted:
            self._trust *= _NARROWER
        elif rise < 0.25 * expected:
            self._trust = min(1.0, _WIDER * self._trust)
        self.stuck = self._trust < _SMALLEST_TRUST

    def _learn(self, step: Floats, change: Floats) -> None:
        """Update the Hessian so that it maps ``step`` to ``change``."""
        image = self._hessian @ step
        if step @ change > _BENT * (step @ step) and step @ image > 0:
            self._hessian = (
                self._hessian + np.outer(change, change) / (step @ change) - np.outer(image, image) / (step @ image)
            )
            return
        miss = change - image
        if abs(step @ miss) > 1e-8 * np.linalg.norm(step) * np.linalg.norm(miss):
            self._hessian = self._hessian + np.outer(miss, miss) / (step @ miss)

    def _advance(self) -> None:
        """Propose the Newton step, cut to the trust region."""
        stiffness, modes = np.linalg.eigh(self._hessian)
        step = -modes @ ((modes.T @ self._gradient) / np.maximum(np.abs(stiffness), _SOFTEST))
        n, d = len(self.positions), len(self.displacements)
        moves = np.tensordot(step[:d], self.displacements, 1)
        strain = np.tensordot(step[d:], self.strains, 1) / np.sqrt(n)
        longest = max(
            float(np.sqrt(np.square(moves).sum(axis=1).max())) / LARGEST_DISPLACEMENT,
            float(np.linalg.norm(strain)) / LARGEST_STRAIN,
        )
        scale = min(1.0, self._trust / longest) if longest > 0 else 1.0
        stretch = np.eye(3) + scale * strain
        self._step = scale * step
        self._proposal = (self.lattice @ stretch, self.positions @ stretch + scale * moves)
