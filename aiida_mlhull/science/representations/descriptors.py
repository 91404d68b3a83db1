"""A crystal in about ninety numbers, for models that learn from few labels.

Elements play one of three roles: the least electronegative one, the most electronegative one, and
whatever lies between them (averaged where it is several). That gives every composition, of one element
or of eight, the same columns. Contacts are those of the quotient graph, so that a descriptor doesn't
depend on the choice of cell, its origin or the order of sites. Lengths are in units of the cube root of
the volume per atom, which leaves the volume to one column of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.representations.crystal_graph import CrystalGraphs, crystal_graphs, node_weights
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers

ROLES: Final = ("cation", "middle", "anion")
_ELEMENTAL: Final = ("electronegativity", "row", "group", "covalent_radius", "mendeleev_number")
_CONTACTS: Final = ("nearest", "mean", "count", "soft_count", "repulsion")
_ABSENT: Final = (2.0, 2.0, 0.0, 0.0, 0.0)
_SOFT_RANGE: Final = 0.85
_NOTHING: Final = 1e-12


@dataclass(frozen=True, eq=False)
class Descriptors:
    """Descriptors of n crystals.

    Attributes:
        values: (n, D), finite.
        names: (D,), what the columns are.
        compositional: (D,), true for columns that only depend on the composition.
    """

    values: Floats
    names: tuple[str, ...]
    compositional: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Sites:
    """What the columns are computed from: nodes and edges with their roles and weights."""

    n: int
    graphs: CrystalGraphs
    owner: Integers  # (V,) crystal of every node
    roles: Integers  # (V,) 0, 1, 2
    weights: Floats  # (V,) share of the crystal's atoms
    edge_owner: Integers  # (E,)
    sources: Integers  # (E,) node number over all crystals
    targets: Integers  # (E,)
    lengths: Floats  # (E,) in units of the cube root of the volume per atom
    edge_weights: Floats  # (E,) contacts per atom of the crystal


def describe(crystals: Crystals) -> Descriptors:
    """Describe crystals of any composition; scale them to a sensible volume first."""
    sites = _sites(crystals, crystal_graphs(crystals))
    composition = _composition(sites) | {"volume_per_atom": crystals.volumes_per_atom}
    structure = _role_contacts(sites) | _environments(sites) | _whole(sites)
    names = (*composition, *structure)
    return Descriptors(
        values=np.column_stack([*composition.values(), *structure.values()]),
        names=names,
        compositional=np.asarray([name in composition for name in names]),
    )


def _sites(crystals: Crystals, graphs: CrystalGraphs) -> _Sites:
    n = len(graphs)
    owner = np.repeat(np.arange(n), graphs.n_nodes)
    edge_owner = np.repeat(np.arange(n), graphs.n_edges)
    first = graphs.node_offsets[:-1][edge_owner]
    weights = node_weights(graphs)
    sources = graphs.sources + first
    return _Sites(
        n=n,
        graphs=graphs,
        owner=owner,
        roles=element_roles(graphs),
        weights=weights,
        edge_owner=edge_owner,
        sources=sources,
        targets=graphs.targets + first,
        lengths=graphs.distances / np.cbrt(crystals.volumes_per_atom)[edge_owner],
        edge_weights=weights[sources] * graphs.counts,
    )


def element_roles(graphs: CrystalGraphs) -> Integers:
    """(V,) 0 for the least electronegative element of a crystal, 2 for the most, 1 for those between.

    A crystal of one element has only role 0. Equal electronegativities are ordered by atomic number.
    """
    rank = np.argsort(np.argsort(element_table().electronegativity, kind="stable"), kind="stable")
    ranks = rank[graphs.numbers]
    lowest = np.repeat(np.minimum.reduceat(ranks, graphs.node_offsets[:-1]), graphs.n_nodes)
    highest = np.repeat(np.maximum.reduceat(ranks, graphs.node_offsets[:-1]), graphs.n_nodes)
    return np.where(ranks == lowest, 0, np.where(ranks == highest, 2, 1))


def _composition(sites: _Sites) -> dict[str, Floats]:
    """Every role's fraction and mean elemental properties (zero where nobody plays it), and overall spreads."""
    table = element_table()
    key = sites.owner * len(ROLES) + sites.roles
    fractions = _sums(key, sites.weights, sites.n * len(ROLES))
    columns = {f"{role}_fraction": fractions[k :: len(ROLES)] for k, role in enumerate(ROLES)}
    for name in _ELEMENTAL:
        values = getattr(table, name)[sites.graphs.numbers]
        sums = _sums(key, sites.weights * values, len(fractions))
        means = np.divide(sums, fractions, out=np.zeros_like(sums), where=fractions > _NOTHING)
        columns |= {f"{role}_{name}": means[k :: len(ROLES)] for k, role in enumerate(ROLES)}
    for name in ("electronegativity", "covalent_radius"):
        values = getattr(table, name)[sites.graphs.numbers]
        mean, variance = _moments(values, sites.weights, sites.owner, sites.n)
        columns |= {f"{name}_mean": mean, f"{name}_spread": np.sqrt(variance)}
    return columns


def _sums(owner: Integers, values: Floats, n: int) -> Floats:
    """(n,) sum of the values of every owner."""
    return np.bincount(owner, values, minlength=n).astype(np.float64)


def _moments(values: Floats, weights: Floats, owner: Integers, n: int) -> tuple[Floats, Floats]:
    """Weighted mean and variance by owner; the weights of an owner need not sum to one."""
    totals = np.maximum(_sums(owner, weights, n), _NOTHING)
    mean = _sums(owner, weights * values, n) / totals
    variance = _sums(owner, weights * np.square(values - mean[owner]), n) / totals
    return mean, variance


def _role_contacts(sites: _Sites) -> dict[str, Floats]:
    """For every ordered pair of roles, what an atom of the first sees of the second."""
    pairs = len(ROLES) ** 2
    key = sites.edge_owner * pairs + sites.roles[sites.sources] * len(ROLES) + sites.roles[sites.targets]
    size = sites.n * pairs

    def summed(values: Floats | None = None) -> Floats:
        terms = sites.edge_weights if values is None else sites.edge_weights * values
        return _sums(key, terms, size)

    nearest = np.full(size, np.inf)
    np.minimum.at(nearest, key, sites.lengths)
    role_key = sites.owner * len(ROLES) + sites.roles
    fractions = _sums(role_key, sites.weights, sites.n * len(ROLES))
    per_atom = np.maximum(np.repeat(fractions, len(ROLES)), _NOTHING)
    contacts = summed()
    there = contacts > 0
    computed = (
        nearest,
        summed(sites.lengths) / np.maximum(contacts, _NOTHING),
        contacts / per_atom,
        summed(np.exp(-np.power(sites.lengths / _SOFT_RANGE, 6))) / per_atom,
        summed(np.power(sites.lengths, -6.0)) / per_atom,
    )
    columns = {}
    for name, values, absent in zip(_CONTACTS, computed, _ABSENT, strict=True):
        filled = np.where(there, values, absent)
        for position, (first, second) in enumerate(product(ROLES, ROLES)):
            columns[f"{first}_{second}_{name}"] = filled[position::pairs]
    return columns


def _environments(sites: _Sites) -> dict[str, Floats]:
    """How many kinds of atoms play each role, and the share of the most frequent kind."""
    key = sites.owner * len(ROLES) + sites.roles
    size = sites.n * len(ROLES)
    kinds = np.bincount(key, minlength=size)
    largest = np.zeros(size)
    np.maximum.at(largest, key, sites.weights)
    fractions = _sums(key, sites.weights, size)
    share = np.divide(largest, fractions, out=np.zeros(size), where=fractions > _NOTHING)
    columns = {f"{role}_kinds": kinds[k :: len(ROLES)].astype(np.float64) for k, role in enumerate(ROLES)}
    return columns | {f"{role}_largest_kind": share[k :: len(ROLES)] for k, role in enumerate(ROLES)}


def _whole(sites: _Sites) -> dict[str, Floats]:
    """What needs no roles: tightest contact, spread of the contacts."""
    table = element_table()
    radius = table.covalent_radius[sites.graphs.numbers]
    sums = radius[sites.sources] + radius[sites.targets]
    offsets = sites.graphs.edge_offsets[:-1]
    _, variance = _moments(sites.lengths, sites.edge_weights, sites.edge_owner, sites.n)
    return {
        "tightest_contact": np.minimum.reduceat(sites.graphs.distances / sums, offsets),
        "nearest_contact": np.minimum.reduceat(sites.lengths, offsets),
        "contact_spread": variance,
    }
