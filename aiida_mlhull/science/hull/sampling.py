"""Joint samples of what an ensemble believes: errors come together, so phases must be drawn together.

E = mean + (1/√M) Σ_m z_m (member_m - mean) + σ_a (√ρ field + √(1-ρ) noise)

The first sum has the ensemble's own spread and correlations (variance σ_e², with 1/M as in the
sources). The aleatoric part is one of two things: a field that is shared by chemically similar rows,
as errors of a network are, and noise of every row for itself. The field correlates two rows by the
cosine between their vectors of pair products x_i x_j: polymorphs fully, all compounds of one binary
system fully, compounds without a common pair of elements not at all.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from aiida_mlhull.science.representations.composition import distinct
from aiida_mlhull.science.types import Predictions
from aiida_mlhull.science.types.crystals import Floats

if TYPE_CHECKING:
    from scipy import sparse

SHARED = 0.5
"""Share of the aleatoric variance that chemically similar rows have in common, where nothing is known."""


def sample_energies(predictions: Predictions, *, samples: int, seed: int, shared: float = SHARED) -> Floats:
    """(samples, n) eV/atom, joint draws of all rows. The same inputs give the same bits.

    Args:
        predictions: n rows, M members.
        samples: number of draws.
        seed: the only source of chance.
        shared: ρ, between 0 and 1.
    """
    rng = np.random.default_rng(seed)
    mean = predictions.mean
    deviations = (predictions.members - mean[:, None]) / np.sqrt(predictions.members.shape[1])
    energies = rng.standard_normal((samples, deviations.shape[1])) @ deviations.T
    pairs = pair_vectors(predictions.formulas.tolist())
    paired = np.asarray(pairs.multiply(pairs).sum(axis=1)).ravel() > 0
    common = (pairs @ rng.standard_normal((pairs.shape[1], samples))).T
    own = rng.standard_normal((samples, len(mean)))
    spread = predictions.aleatoric
    energies += common * (np.sqrt(shared) * spread)
    energies += own * (np.sqrt(np.where(paired, 1.0 - shared, 1.0)) * spread)
    energies += mean
    return np.asarray(energies)


def pair_vectors(formulas: list[str]) -> sparse.csr_array:
    """(n, p) products of atomic fractions for every pair of elements, rows of unit length (elements: zero)."""
    from scipy import sparse  # noqa: PLC0415  (half a second to import, of those who draw only)

    compositions, which = distinct(formulas)
    columns: dict[tuple[int, int], int] = {}
    entries: list[tuple[int, int, float]] = []
    for row, composition in enumerate(compositions):
        atoms = dict(zip(composition.numbers, composition.counts, strict=True))
        products = {pair: atoms[pair[0]] * atoms[pair[1]] for pair in combinations(composition.numbers, 2)}
        length = np.sqrt(sum(product**2 for product in products.values()))
        entries += [(row, columns.setdefault(pair, len(columns)), p / length) for pair, p in products.items()]
    rows, places, values = zip(*entries, strict=True) if entries else ((), (), ())
    shape = (len(compositions), max(len(columns), 1))
    matrix = sparse.csr_array((np.asarray(values, dtype=np.float64), (rows, places)), shape=shape)
    return matrix[which]
