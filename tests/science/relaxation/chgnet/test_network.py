"""The rearranged network against the package's own forward pass, and against itself in other company."""

from __future__ import annotations

import contextlib
import io

import numpy as np
import pytest
import torch

from aiida_mlhull.science.relaxation.chgnet.batch import Within, deal, join
from aiida_mlhull.science.relaxation.chgnet.geometry import Geometry
from aiida_mlhull.science.relaxation.chgnet.quotient import quotient_graph
from aiida_mlhull.science.relaxation.symmetry import symmetrize
from aiida_mlhull.science.representations.volumes import tabulated_volumes
from aiida_mlhull.science.types import Crystals
from tests.science.real_crystals import mp_crystals, pnictides
from tests.science.relaxation.chgnet.test_quotient import without_symmetry

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")

from aiida_mlhull.science.relaxation.chgnet.network import CHGNetNetwork

GPA = 160.21766208


@pytest.fixture(scope="module")
def network():
    return CHGNetNetwork(torch.device("cpu"))


@pytest.fixture(scope="module")
def package():
    from chgnet.model.model import CHGNet

    with contextlib.redirect_stdout(io.StringIO()):
        return CHGNet.load(use_device="cpu", verbose=False)


def real_cells():
    """Twenty relaxed crystals of one to six elements, and twenty unrelaxed pnictides."""
    mp = mp_crystals()
    small = mp.take(np.flatnonzero(mp.n_sites <= 20)[::3][:20])
    raw = pnictides().crystals
    some = raw.take(np.flatnonzero(raw.n_sites <= 20)[::13][:20])
    return Crystals.concatenate([small, some.with_volumes_per_atom(tabulated_volumes().per_atom(some))])


def measure(network, cell):
    positions = cell.frac_coords @ cell.lattice
    graph = quotient_graph(
        cell, cell.lattice, positions, bond_cutoff=network.bond_cutoff + 0.3, angle_cutoff=network.angle_cutoff + 0.3
    )
    return Geometry.measure(graph, cell.lattice, positions)


def ask(network, geometries):
    within = [Within.cutoffs(g, bond_cutoff=network.bond_cutoff, angle_cutoff=network.angle_cutoff) for g in geometries]
    energies, *slopes = network.evaluate(join(geometries, within))
    return energies, list(deal(geometries, within, *slopes))


@pytest.fixture(scope="module")
def cells():
    crystals = real_cells()
    return [symmetrize(*crystals.arrays(index)) for index in range(len(crystals))]


@pytest.fixture(scope="module")
def theirs(package, cells):
    from pymatgen.core import Lattice, Structure

    structures = [Structure(Lattice(cell.lattice), cell.numbers.tolist(), cell.frac_coords) for cell in cells]
    return [package.predict_structure(structure, task="efsm") for structure in structures]


@pytest.mark.parametrize("symmetry", [True, False], ids=["one of every kind", "all atoms"])
def test_energies_are_the_package_s(network, cells, theirs, symmetry):
    used = cells if symmetry else [without_symmetry(cell) for cell in cells]
    energies, _ = ask(network, [measure(network, cell) for cell in used])
    np.testing.assert_allclose(energies, [float(answer["e"]) for answer in theirs], atol=2e-5)


def test_forces_and_stresses_are_the_package_s(network, cells, theirs):
    geometries = [measure(network, without_symmetry(cell)) for cell in cells]
    _, slopes = ask(network, geometries)
    for cell, geometry, (by_distance, by_cosine), answer in zip(cells, geometries, slopes, theirs, strict=True):
        n = len(cell.numbers)
        by_position, by_strain = geometry.pull_back(n * by_distance, n * by_cosine)
        np.testing.assert_allclose(-by_position, answer["f"], atol=2e-3)
        volume = abs(np.linalg.det(cell.lattice))
        np.testing.assert_allclose(by_strain / volume * GPA, answer["s"], atol=5e-2)


def test_company_does_not_change_a_bit(network, cells):
    geometries = [measure(network, cell) for cell in cells]
    energies, slopes = ask(network, geometries)
    for size in (1, 3, 17):
        for start in range(0, len(cells), size):
            some = slice(start, start + size)
            alone, own = ask(network, geometries[some])
            np.testing.assert_array_equal(alone, energies[some])
            for mine, together in zip(own, slopes[some], strict=True):
                np.testing.assert_array_equal(mine[0], together[0])
                np.testing.assert_array_equal(mine[1], together[1])


def test_running_out_of_memory_is_told_apart_from_other_errors(network, cells, monkeypatch):
    """As torch words it for the processor: a bare RuntimeError."""
    batch = join([measure(network, cells[0])], [everything(measure(network, cells[0]))])

    def raises(message):
        def evaluate(_batch):
            raise RuntimeError(message)

        return evaluate

    monkeypatch.setattr(network, "_evaluate", raises("DefaultCPUAllocator: can't allocate memory: you tried 1 TB"))
    with pytest.raises(MemoryError, match="1 crystals"):
        network.evaluate(batch)
    monkeypatch.setattr(network, "_evaluate", raises("shapes cannot be multiplied"))
    with pytest.raises(RuntimeError, match="multiplied"):
        network.evaluate(batch)


def everything(geometry):
    return Within.cutoffs(geometry, bond_cutoff=np.inf, angle_cutoff=np.inf)


@pytest.mark.parametrize("symmetry", [True, False], ids=["one of every kind", "all atoms"])
def test_magnetic_moments_are_the_package_s(network, cells, theirs, symmetry):
    used = cells if symmetry else [without_symmetry(cell) for cell in cells]
    geometries = [measure(network, cell) for cell in used]
    within = [Within.cutoffs(g, bond_cutoff=network.bond_cutoff, angle_cutoff=network.angle_cutoff) for g in geometries]
    moments = network.magnetic_moments(join(geometries, within))
    expected = np.concatenate([their["m"][cell.representatives] for their, cell in zip(theirs, used, strict=True)])
    assert expected.max() > 1.0  # some of them are magnets
    np.testing.assert_allclose(moments, expected, atol=2e-4)
