"""A crystal in a hundred numbers, for models that learn from few labels.

Elements play one of three roles: the least electronegative one, the most electronegative one, and
whatever lies between them (averaged where it is several). That gives every composition, of one element
or of eight, the same columns. Contacts are those of the quotient graph, so that a descriptor doesn't
depend on the choice of cell, its origin or the order of sites. Lengths come in two units: the cube root
of the volume per atom, which leaves the volume to one column of its own, and the sum of covalent radii.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np
from numpy.typing import NDArray

from aiida_mlhull.science.representations.crystal_graph import CrystalGraphs, crystal_graphs, node_weights
from aiida_mlhull.science.representations.elements import element_table
from aiida_mlhull.science.representations.space_groups import space_groups
from aiida_mlhull.science.types.crystals import Crystals, Floats, Integers

ROLES: Final = ("cation", "middle", "anion")
_ELEMENTAL: Final = ("electronegativity", "row", "group", "covalent_radius", "mendeleev_number")
_FAR: Final = 2.0
"""Stands for a contact that doesn't exist: longer than nearly all that do, in either unit."""
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
    fractions: Floats  # (3 n,) share of the atoms that play each role
    edge_owner: Integers  # (E,)
    centers: Integers  # (E,) node number over all crystals
    others: Integers  # (E,)
    lengths: Floats  # (E,) in units of the cube root of the volume per atom
    radial: Floats  # (E,) in units of the sum of covalent radii
    edge_weights: Floats  # (E,) contacts per atom of the crystal

    @property
    def role_of_node(self) -> Integers:
        """(V,) position in arrays of 3 n roles."""
        return self.owner * len(ROLES) + self.roles


def describe(crystals: Crystals) -> Descriptors:
    """Describe crystals of any composition; scale them to a sensible volume first."""
    sites = _sites(crystals, crystal_graphs(crystals))
    composition = _composition(sites) | {"volume_per_atom": crystals.volumes_per_atom}
    structure = _role_contacts(sites) | _environments(sites) | _whole(sites) | _symmetry(sites, crystals)
    names = (*composition, *structure)
    return Descriptors(
        values=np.column_stack([*composition.values(), *structure.values()]),
        names=names,
        compositional=np.asarray([name in composition for name in names]),
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


def _sites(crystals: Crystals, graphs: CrystalGraphs) -> _Sites:
    n = len(graphs)
    owner = np.repeat(np.arange(n), graphs.n_nodes)
    edge_owner = np.repeat(np.arange(n), graphs.n_edges)
    first = graphs.node_offsets[:-1][edge_owner]
    weights, roles = node_weights(graphs), element_roles(graphs)
    centers, others = graphs.centers + first, graphs.others + first
    distances = graphs.distances.astype(np.float64)
    radii = element_table().covalent_radius[graphs.numbers]
    return _Sites(
        n=n,
        graphs=graphs,
        owner=owner,
        roles=roles,
        weights=weights,
        fractions=_sums(owner * len(ROLES) + roles, weights, n * len(ROLES)),
        edge_owner=edge_owner,
        centers=centers,
        others=others,
        lengths=distances / np.cbrt(crystals.volumes_per_atom)[edge_owner],
        radial=distances / (radii[centers] + radii[others]),
        edge_weights=weights[centers] * graphs.counts,
    )


def _composition(sites: _Sites) -> dict[str, Floats]:
    """Every role's fraction and mean elemental properties (zero where no element plays it), and overall spreads."""
    table = element_table()
    columns = _by_role("fraction", sites.fractions)
    for name in _ELEMENTAL:
        columns |= _by_role(name, _role_means(getattr(table, name)[sites.graphs.numbers], sites))
    for name in ("electronegativity", "covalent_radius"):
        values = getattr(table, name)[sites.graphs.numbers]
        mean, variance = _moments(values, sites.weights, sites.owner, sites.n)
        columns |= {f"{name}_mean": mean, f"{name}_spread": np.sqrt(variance)}
    return columns


def _role_contacts(sites: _Sites) -> dict[str, Floats]:
    """For every ordered pair of roles, what an atom of the first sees of the second."""
    pairs = len(ROLES) ** 2
    key = sites.edge_owner * pairs + sites.roles[sites.centers] * len(ROLES) + sites.roles[sites.others]
    contacts = _sums(key, sites.edge_weights, sites.n * pairs)
    there = contacts > _NOTHING
    atoms = np.repeat(sites.fractions, len(ROLES))

    def nearest(lengths: Floats) -> Floats:
        shortest = np.full(len(contacts), np.inf)
        np.minimum.at(shortest, key, lengths)
        return np.where(there, shortest, _FAR)

    def mean(lengths: Floats) -> Floats:
        return _ratio(_sums(key, sites.edge_weights * lengths, len(contacts)), contacts, otherwise=_FAR)

    def per_atom(values: Floats) -> Floats:
        return _ratio(_sums(key, sites.edge_weights * values, len(contacts)), atoms)

    computed = {
        "nearest": nearest(sites.lengths),
        "mean": mean(sites.lengths),
        "nearest_radial": nearest(sites.radial),
        "mean_radial": mean(sites.radial),
        "count": per_atom(np.ones_like(sites.lengths)),
        "soft_count": per_atom(np.exp(-np.power(sites.lengths / _SOFT_RANGE, 6))),
        "repulsion": per_atom(np.power(sites.lengths, -6.0)),
    }
    return {
        f"{first}_{second}_{name}": values[position::pairs]
        for name, values in computed.items()
        for position, (first, second) in enumerate(product(ROLES, ROLES))
    }


def _environments(sites: _Sites) -> dict[str, Floats]:
    """How many kinds of atoms play each role, and the share of the most frequent kind."""
    kinds = np.bincount(sites.role_of_node, minlength=len(sites.fractions)).astype(np.float64)
    largest = np.zeros(len(sites.fractions))
    np.maximum.at(largest, sites.role_of_node, sites.weights)
    return _by_role("kinds", kinds) | _by_role("largest_kind", _ratio(largest, sites.fractions))


def _whole(sites: _Sites) -> dict[str, Floats]:
    """What needs no roles: tightest contacts, spread of the contacts."""
    offsets = sites.graphs.edge_offsets[:-1]
    _, variance = _moments(sites.lengths, sites.edge_weights, sites.edge_owner, sites.n)
    return {
        "nearest": np.minimum.reduceat(sites.lengths, offsets),
        "nearest_radial": np.minimum.reduceat(sites.radial, offsets),
        "length_variance": variance,
    }


def _symmetry(sites: _Sites, crystals: Crystals) -> dict[str, Floats]:
    """Space group, size of the primitive cell and symmetry of the mean site.

    A site's symmetry is the order of the point group over the size of its orbit in the primitive cell.
    """
    found = space_groups(crystals)
    orders = found.point_group_orders.astype(np.float64)
    primitive = found.primitive_sites.astype(np.float64)
    orbit = sites.weights * primitive[sites.owner]
    site_symmetry = np.log(np.maximum(orders[sites.owner] / orbit, 1.0))
    return {
        "space_group": found.numbers.astype(np.float64),
        "log_primitive_sites": np.log(primitive),
        "log_point_group_order": np.log(orders),
        "log_site_symmetry": _sums(sites.owner, sites.weights * site_symmetry, sites.n),
        "log_asymmetric_sites": np.log(primitive / orders),
    }


def _by_role(name: str, values: Floats) -> dict[str, Floats]:
    return {f"{role}_{name}": values[k :: len(ROLES)] for k, role in enumerate(ROLES)}


def _role_means(values: Floats, sites: _Sites) -> Floats:
    return _ratio(_sums(sites.role_of_node, sites.weights * values, len(sites.fractions)), sites.fractions)


def _sums(owner: Integers, values: Floats, n: int) -> Floats:
    """(n,) sum of the values of every owner."""
    return np.bincount(owner, values, minlength=n).astype(np.float64)


def _ratio(above: Floats, below: Floats, *, otherwise: float = 0.0) -> Floats:
    """``above / below``, and ``otherwise`` where there is nothing below."""
    result = np.full(len(above), otherwise)
    np.divide(above, below, out=result, where=below > _NOTHING)
    return result


def _moments(values: Floats, weights: Floats, owner: Integers, n: int) -> tuple[Floats, Floats]:
    """Weighted mean and variance by owner; the weights of an owner need not sum to one."""
    totals = _sums(owner, weights, n)
    mean = _ratio(_sums(owner, weights * values, n), totals)
    return mean, _ratio(_sums(owner, weights * np.square(values - mean[owner]), n), totals)
