"""The loop over crystals, driven by a pair potential whose minima can be worked out by other means."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Lattice, Structure
from scipy.optimize import minimize_scalar

from aiida_mlhull.science.relaxation.base import RelaxationSettings
from aiida_mlhull.science.relaxation.chgnet import active_set, survey
from aiida_mlhull.science.relaxation.chgnet.active_set import ActiveSet
from aiida_mlhull.science.types import Crystals

DEPTH, RADIUS = 0.4, 2.6


class PairPotential:
    """Morse-like wells between all atoms, brought to zero smoothly at the cutoff; angles carry nothing."""

    bond_cutoff = 6.0
    angle_cutoff = 3.0

    def pair(self, r):
        """Energy and slope of one bond."""
        u = np.exp(-1.5 * (r - RADIUS))
        fade = np.where(r < self.bond_cutoff, (1 - (r / self.bond_cutoff) ** 2) ** 3, 0.0)
        slope = np.where(r < self.bond_cutoff, -6 * r / 36 * (1 - (r / self.bond_cutoff) ** 2) ** 2, 0.0)
        well, well_slope = DEPTH * (u * u - 2 * u), DEPTH * (-3 * u * u + 3 * u)
        return well * fade, well_slope * fade + well * slope

    def evaluate(self, batch):
        energy, slope = self.pair(batch.distances)
        share = 0.5 * batch.shares[batch.centers] * batch.edge_counts
        energies = np.bincount(batch.owners[batch.centers], share * energy[batch.bonds], batch.n_crystals + 1)[:-1]
        slopes = np.bincount(batch.bonds, share * slope[batch.bonds], len(batch.distances))
        return energies, slopes, np.zeros(len(batch.cosines))


def lattice_energy(structure):
    """eV/atom, by pymatgen's neighbor list."""
    return 0.5 * PairPotential().pair(structure.get_neighbor_list(6.0)[3])[0].sum() / len(structure)


def fcc(a):
    return Structure(Lattice.cubic(a), ["Cu"] * 4, [[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def rutile(u=0.25):
    return Structure.from_spacegroup(136, Lattice.tetragonal(4.3, 2.8), ["Ti", "O"], [[0, 0, 0], [u, u, 0]])


def relax(structures, network=None, **settings):
    crystals = Crystals.from_structures(structures)
    stream = ActiveSet(network or PairPotential(), RelaxationSettings(**settings)).stream
    rows = {row.row: row for row in stream(crystals, range(len(crystals)))}
    assert sorted(rows) == list(range(len(crystals)))
    return [rows[k] for k in range(len(crystals))]


def test_lattice_constant_of_fcc():
    best = minimize_scalar(
        lambda a: lattice_energy(fcc(a)), bounds=(3.0, 4.5), method="bounded", options={"xatol": 1e-8}
    )
    for start in (3.2, 3.6, 4.2):
        (row,) = relax([fcc(start)], max_force=1e-4)
        assert row.failure == ""
        assert row.energy == pytest.approx(best.fun, abs=1e-7)
        assert np.linalg.det(row.lattice) == pytest.approx(best.x**3, rel=1e-4)


@pytest.mark.parametrize("freedom", ["volume", "full"])
def test_volume_alone_or_everything(freedom):
    """Rutile has a coordinate and c/a to relax; with the volume alone both stay."""
    start = rutile()
    (row,) = relax([start], freedom=freedom, max_force=1e-3)
    after = Structure(Lattice(row.lattice), start.species, row.frac_coords)
    assert row.energy == pytest.approx(lattice_energy(after), abs=1e-9)
    assert row.energy < lattice_energy(start) - 1e-3
    same_shape = abs(after.lattice.c / after.lattice.a - start.lattice.c / start.lattice.a) < 1e-9
    same_sites = np.abs(row.frac_coords - start.frac_coords).max() < 1e-9
    assert same_shape == same_sites == (freedom == "volume")
    assert row.max_force < 1e-3


def strained(structure, ab, c):
    """The same sites in a cell stretched in the plane of its first two vectors and along their normal."""
    lattice = structure.lattice.matrix @ np.diag([1 + ab, 1 + ab, 1 + c])
    return Structure(Lattice(lattice), structure.species, structure.frac_coords)


def test_positions_alone_find_their_minimum_in_the_cell_as_it_is():
    (row,) = relax([strained(rutile(), 0.02, -0.01)], freedom="positions", max_force=1e-4)
    best = minimize_scalar(
        lambda u: lattice_energy(strained(rutile(u), 0.02, -0.01)), bounds=(0.2, 0.4), method="bounded"
    )
    assert row.lattice.tolist() == strained(rutile(), 0.02, -0.01).lattice.matrix.tolist()  # to the last bit
    assert row.energy == pytest.approx(best.fun, abs=1e-7)
    assert row.energy < lattice_energy(strained(rutile(), 0.02, -0.01)) - 1e-3
    assert row.max_force < 1e-4


@pytest.mark.parametrize("freedom", ["static", "positions"])
def test_a_strain_within_the_symmetry_search_s_tolerance_is_not_healed(freedom):
    """0.2 % of 3.6 Å is less than what the search takes for noise, and fcc has nothing else to relax."""
    cell = strained(fcc(3.6), 0.0, 0.002)
    (row,) = relax([cell], freedom=freedom, max_force=1e-4)
    assert row.lattice.tolist() == cell.lattice.matrix.tolist()
    assert row.energy == pytest.approx(lattice_energy(cell), abs=1e-10)
    assert abs(row.energy - lattice_energy(fcc(3.6 * 1.002 ** (1 / 3)))) > 1e-8  # what a healed cell would give


def test_a_film_answers_to_its_substrate_along_the_normal_alone():
    """fcc stretched in its plane shrinks along c (far along the Bain path), as far as a search over c alone says."""
    start = strained(fcc(3.6), 0.03, 0.0)
    (row,) = relax([start], freedom="normal", max_force=1e-5)
    best = minimize_scalar(lambda c: lattice_energy(strained(fcc(3.6), 0.03, c)), bounds=(-0.25, 0.1), method="bounded")
    assert row.lattice[:2].tolist() == start.lattice.matrix[:2].tolist()
    assert row.lattice[2, 2] == pytest.approx(3.6 * (1 + best.x), abs=2e-4)
    assert row.energy == pytest.approx(best.fun, abs=1e-7)
    (full,) = relax([start], max_force=1e-5)
    assert full.energy < row.energy - 1e-4


def test_the_third_vector_of_an_oblique_cell_may_lean():
    """A primitive cell of fcc, its plane fixed: c moves within the plane, too, and finds the cubic minimum again."""
    cubic = minimize_scalar(lambda a: lattice_energy(fcc(a)), bounds=(3.0, 4.5), method="bounded")
    lattice = np.asarray([[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]) * cubic.x
    leaning = lattice.copy()
    leaning[2] += [0.15, 0.05, 0.1]
    (row,) = relax([Structure(Lattice(leaning), ["Cu"], [[0, 0, 0]])], freedom="normal", max_force=1e-5)
    assert row.lattice[:2].tolist() == leaning[:2].tolist()
    assert row.energy == pytest.approx(cubic.fun, abs=1e-6)
    np.testing.assert_allclose(row.lattice[2], lattice[2], atol=2e-3)


def test_static_is_one_evaluation():
    (row,) = relax([rutile()], freedom="static")
    assert (row.steps, row.failure) == (0, "")
    assert row.energy == pytest.approx(lattice_energy(rutile()), abs=1e-9)
    np.testing.assert_allclose(row.lattice, rutile().lattice.matrix, atol=1e-12)


def test_collecting_bonds_seldom_is_as_good_as_always(monkeypatch):
    """Bonds enter and leave the cutoff on the way: with hardly a skin they are collected at every step."""
    (seldom,) = relax([rutile()], max_force=1e-3)
    monkeypatch.setattr(survey, "SKIN", 1e-6)
    (always,) = relax([rutile()], max_force=1e-3)
    assert always.energy == pytest.approx(seldom.energy, abs=1e-9)
    assert always.steps == seldom.steps


def test_many_at_once_as_one_by_one(monkeypatch):
    monkeypatch.setattr(active_set, "WIDTH", 3)
    monkeypatch.setattr(active_set, "MESSAGES_PER_CALL", 50)
    structures = [fcc(3.1), rutile(0.2), fcc(4.0), rutile(0.3), rutile(0.35), fcc(3.5), rutile(0.28)]
    together = relax(structures)
    for row, structure in zip(together, structures, strict=True):
        (alone,) = relax([structure])
        assert alone.energy == row.energy
        np.testing.assert_array_equal(alone.frac_coords, row.frac_coords)
        assert row.core_seconds > 0


@pytest.mark.parametrize(("must_converge", "failure"), [(True, "not_converged_ionically"), (False, "")])
def test_out_of_steps(must_converge, failure):
    (row,) = relax([rutile()], max_steps=1, max_force=1e-6, must_converge=must_converge)
    assert row.failure == failure
    assert np.isnan(row.energy) == must_converge
    if must_converge:
        np.testing.assert_array_equal(row.lattice, rutile().lattice.matrix)


class Repulsive(PairPotential):
    """Nothing but repulsion."""

    def pair(self, r):
        return 2.0 * np.exp(-(r - RADIUS)), -2.0 * np.exp(-(r - RADIUS))


class Undefined(PairPotential):
    """Gives up on short bonds."""

    def pair(self, r):
        energy, slope = super().pair(r)
        return np.where(r < 2.5, np.nan, energy), slope


def lone_atoms():
    return Structure(Lattice.cubic(9.0), ["Cs"], [[0, 0, 0]])


def overlapping():
    return Structure(Lattice.cubic(3.5), ["Cu", "Cu"], [[0, 0, 0], [0.05, 0, 0]])


def test_unphysical_cells_end_with_a_reason_and_don_t_disturb_the_others():
    rows = relax([overlapping(), fcc(3.6), lone_atoms()])
    assert [row.failure for row in rows] == ["unphysical_cell", "", "unphysical_cell"]
    assert rows[1].energy == relax([fcc(3.6)])[0].energy
    (flown,) = relax([fcc(3.4)], Repulsive())
    assert flown.failure == "unphysical_cell"
    (undefined,) = relax([fcc(3.0)], Undefined())
    assert undefined.failure == "unphysical_cell"


class Small(PairPotential):
    """Holds so many edges and no more."""

    def __init__(self, most):
        self.most = most

    def evaluate(self, batch):
        if len(batch.centers) > self.most:
            raise MemoryError
        return super().evaluate(batch)


def test_out_of_memory_cuts_the_portion_before_it_gives_up():
    structures = [rutile(0.2 + 0.01 * k) for k in range(8)]
    assert [row.energy for row in relax(structures, Small(150))] == [row.energy for row in relax(structures)]
    rows = relax([fcc(3.6), rutile()], Small(80))
    assert [row.failure for row in rows] == ["", "out_of_memory"]
