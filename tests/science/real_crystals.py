"""Real crystals for tests, and the many ways to write down the same one."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from pymatgen.core import Composition, Element

import aiida_mlhull
from aiida_mlhull.science.types import Crystals, ModelRows, TrainingRows

MP = Path(__file__).parent / "representations" / "data" / "mp_crystals.parquet"
DEMO = Path(aiida_mlhull.__file__).parent / "demo_data"


def packed(lattices, species, frac_coords):
    """Crystals from columns as the files hold them."""
    return Crystals.from_lists(lattices, [[Element(s).Z for s in sites] for sites in species], frac_coords)


@cache
def mp_crystals():
    """94 crystals of one to six elements, two to 52 sites."""
    table = pq.read_table(MP).to_pydict()
    return packed(table["lattice"], table["species"], table["frac_coords"])


@cache
def mp_energies():
    """(94,) formation energies, eV/atom."""
    return np.asarray(pq.read_table(MP)["formation_energy_per_atom"])


@cache
def pnictides():
    """The shipped hypothetical pnictides: unrelaxed and relaxed cells, energies and elemental baselines."""
    table = pq.read_table(DEMO / "hypothetical_pnictides.parquet").to_pandas()
    table = table[table.clean_pair]
    elements = json.loads((DEMO / "elements.json").read_text())
    compositions = [Composition(formula) for formula in table.reduced_formula]
    return TrainingRows.from_rows(
        ids=table.structure_id.to_list(),
        formulas=table.reduced_formula.to_list(),
        crystals=packed(table.lattice_unrelaxed, table.species_unrelaxed, table.frac_coords_unrelaxed),
        relaxed=packed(table.lattice_relaxed, table.species_relaxed, table.frac_coords_relaxed),
        energies=table.energy_per_atom_ev.to_numpy(dtype=np.float64),
        baselines=np.asarray(
            [sum(c.get_atomic_fraction(e) * elements[e.symbol] for e in c.elements) for c in compositions]
        ),
    )


def model_rows(crystals, baselines=None):
    """Rows to ask a model about, in the order of the crystals."""
    n = len(crystals)
    return ModelRows(
        ids=np.asarray([f"row-{i:05d}" for i in range(n)]),
        formulas=np.asarray(crystals.reduced_formulas()),
        crystals=crystals,
        baselines=np.zeros(n) if baselines is None else baselines,
    )


def disguised(crystals, seed, *, order=True, origin=True, cell=True, turned=True):
    """The same crystals with sites in another order, another origin, another cell, turned in space."""
    rng = np.random.default_rng(seed)
    lattices, numbers, coordinates = [], [], []
    for index in range(len(crystals)):
        lattice, atoms, frac_coords = crystals.arrays(index)
        if order:
            shuffled = rng.permutation(len(atoms))
            atoms, frac_coords = atoms[shuffled], frac_coords[shuffled]
        if origin:
            frac_coords = frac_coords + rng.random(3)
        if cell:
            change = unimodular(rng)
            lattice, frac_coords = change @ lattice, frac_coords @ np.linalg.inv(change)
        if turned:
            lattice = lattice @ rotation(rng)
        lattices.append(lattice)
        numbers.append(atoms.tolist())
        coordinates.append(frac_coords)
    return Crystals.from_lists(lattices, numbers, coordinates)


def unimodular(rng):
    """An integer matrix of determinant one: another choice of cell vectors."""
    change = np.eye(3)
    for _ in range(3):
        i, j = rng.permutation(3)[:2]
        change[i] += rng.integers(-1, 2) * change[j]
    return change


def rotation(rng):
    """A random orthogonal matrix."""
    return np.linalg.qr(rng.normal(size=(3, 3)))[0]


def supercells(crystals, scaling=(1, 2, 2)):
    """The same crystals in larger cells."""
    structures = [crystals.structure(i) for i in range(len(crystals))]
    return Crystals.from_structures([structure.make_supercell(scaling) for structure in structures])
