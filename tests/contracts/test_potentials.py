"""What every registered potential has to keep to; a new one is tested without a new test."""

from __future__ import annotations

import inspect
import os
import sys

import numpy as np
import pytest
import spglib
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.errors import DeviceError, InputError, MissingExtraError
from aiida_mlhull.science.relaxation import POTENTIALS
from aiida_mlhull.science.relaxation.base import RelaxationSettings, Relaxer
from aiida_mlhull.science.representations.volumes import tabulated_volumes
from aiida_mlhull.science.schemes import scheme_of
from aiida_mlhull.science.types import Crystals
from aiida_mlhull.science.types.reasons import Stated, is_stated
from tests.science.real_crystals import disguised, pnictides

ROCK_SALT = Structure.from_spacegroup(225, Lattice.cubic(4.24), ["Ti", "N"], [[0, 0, 0], [0.5, 0.5, 0.5]])


SAME_CODE = {"sevennet-l3i5": "sevennet", "sevennet-mf-0": "sevennet", "sevennet-mf-0-r2scan": "sevennet"}
"""Weights that run through another potential's code: they have to declare themselves, and to tell crystals apart."""


@pytest.fixture(params=[name for name in POTENTIALS if name not in SAME_CODE], scope="module")
def name(request):
    return request.param


def build(name, **settings):
    """The potential; people who want one that doesn't ship its weights name them, MACE's for instance in MLHULL_MACE."""
    weights = os.environ.get(f"MLHULL_{name.upper()}")
    if weights is None and not POTENTIALS[name].ships_weights:
        pytest.skip(f"no weights of {name} are at hand")
    try:
        return POTENTIALS[name](RelaxationSettings(**settings), weights=weights)
    except MissingExtraError as missing:
        pytest.skip(str(missing))


@pytest.fixture(scope="module")
def crystals(name):
    """Unrelaxed hypothetical pnictides of at most twelve sites, at plausible volumes; CHGNet is fast, others see four."""
    rows = pnictides().crystals
    small = rows.take(np.flatnonzero(rows.n_sites <= 12)[::15][: 12 if name == "chgnet" else 4])
    return small.with_volumes_per_atom(tabulated_volumes().per_atom(small))


def relax(relaxer, crystals, **options):
    ids = [f"id-{k:03d}" for k in range(len(crystals))]
    return relaxer.relax(ids, crystals.reduced_formulas(), crystals, stage="cheap", **options)


@pytest.fixture(scope="module")
def relaxed(name, crystals):
    return relax(build(name), crystals)


def test_it_is_a_relaxer(name):
    relaxer = build(name)
    assert isinstance(relaxer, Relaxer)
    assert relaxer.name == name


@pytest.mark.parametrize("registered", list(POTENTIALS))
def test_every_potential_declares_itself_without_its_package(registered):
    """Engines ask for the scheme where the potential itself need not be installed."""
    potential = POTENTIALS[registered]
    scheme = scheme_of(potential.scheme)
    assert potential.name == registered
    assert scheme.functional
    assert scheme.hubbard
    assert scheme.corrections
    assert potential.training
    for method in ("__init__", "stream", "relax"):
        expected = inspect.signature(getattr(Relaxer, method)).parameters
        assert list(inspect.signature(getattr(potential, method)).parameters) == list(expected)


@pytest.mark.parametrize("registered", [name for name in POTENTIALS if not POTENTIALS[name].ships_weights])
def test_weights_that_aren_t_shipped_have_to_be_named(registered, tmp_path):
    with pytest.raises(InputError, match="weights: /path/to/file"):
        POTENTIALS[registered](RelaxationSettings())
    with pytest.raises(InputError, match="not there"):
        POTENTIALS[registered](RelaxationSettings(), weights=str(tmp_path / "nothing"))


def test_weights_that_are_shipped_need_not_be_named(name):
    if not POTENTIALS[name].ships_weights:
        pytest.skip("people name its weights")
    with pytest.raises(InputError, match="leave 'weights' out"):
        POTENTIALS[name](RelaxationSettings(), weights=__file__)


@pytest.mark.parametrize("other", SAME_CODE)
def test_other_weights_of_the_same_code_say_something_else(other):
    rock_salt = Crystals.from_structures([ROCK_SALT])
    theirs = next(iter(build(other, freedom="static").stream(rock_salt)))
    first = next(iter(build(SAME_CODE[other], freedom="static").stream(rock_salt)))
    assert theirs.failure == ""
    difference = abs(theirs.energy - first.energy)
    assert difference > 1e-4
    if POTENTIALS[other].scheme == POTENTIALS[SAME_CODE[other]].scheme:
        assert difference < 0.1


def test_every_crystal_is_a_row(name, crystals, relaxed):
    assert relaxed.ids.tolist() == [f"id-{k:03d}" for k in range(len(crystals))]
    assert relaxed.succeeded.all()
    np.testing.assert_array_equal(relaxed.crystals.numbers, crystals.numbers)
    assert (relaxed.stage, relaxed.scheme, relaxed.cost_basis) == ("cheap", POTENTIALS[name].scheme, "measured")
    assert relaxed.engine.startswith(name)
    assert (relaxed.core_minutes > 0).all()


def test_same_crystals_give_the_same_bits_in_any_company(name, crystals, relaxed):
    some = np.array([3, 0, 2])
    again = relax(build(name), crystals.take(some))
    np.testing.assert_array_equal(again.energies, relaxed.energies[some])
    for k, row in enumerate(some):
        for mine, first in zip(again.crystals.arrays(k), relaxed.crystals.arrays(int(row)), strict=True):
            np.testing.assert_array_equal(mine, first)


def test_rows_stream_as_they_are_done_and_progress_is_told(name, crystals):
    relaxer = build(name, max_steps=3)
    told = []
    labels = relax(relaxer, crystals, report=lambda done, total: told.append((done, total)))
    assert told == [(k + 1, len(crystals)) for k in range(len(crystals))]
    rows = {row.row: row for row in relaxer.stream(crystals)}
    assert sorted(rows) == list(range(len(crystals)))
    np.testing.assert_array_equal([rows[k].energy for k in range(len(crystals))], labels.energies)


def test_relaxing_goes_downhill(name, crystals, relaxed):
    static = relax(build(name, freedom="static"), crystals)
    volume = relax(build(name, freedom="volume"), crystals)
    assert (volume.energies <= static.energies + 1e-5).all()
    assert (relaxed.energies <= static.energies + 1e-5).all()
    assert (relaxed.energies < static.energies - 1e-3).mean() > 0.5


def test_freedom_is_what_it_says(name, crystals):
    static = relax(build(name, freedom="static"), crystals)
    np.testing.assert_array_equal(static.crystals.lattices, crystals.lattices)
    volume = relax(build(name, freedom="volume"), crystals)
    # A static cell is the one that was given; any other freedom begins with the cell in exact symmetry, which is found
    # from what is given to some 1e-7 of a length.
    exact = relax(build(name, freedom="positions", max_steps=1), crystals)
    for before, after in zip(exact.crystals.lattices, volume.crystals.lattices, strict=True):
        scale = np.cbrt(np.linalg.det(after) / np.linalg.det(before))
        np.testing.assert_allclose(after, scale * before, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(exact.crystals.lattices, crystals.lattices, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(volume.crystals.frac_coords, static.crystals.frac_coords, atol=1e-5)


def test_space_groups_are_kept_or_raised(crystals, relaxed):
    def operations(table, index):
        lattice, numbers, frac_coords = table.arrays(index)
        return len(spglib.get_symmetry_dataset((lattice, frac_coords, numbers), symprec=0.02).rotations)

    for index in range(len(crystals)):
        assert operations(relaxed.crystals, index) >= operations(crystals, index)


def test_the_same_crystal_in_other_words_has_the_same_energy(name, crystals, relaxed):
    """Rounding may send one with soft modes to another stop on a flat floor; the others agree."""
    other = relax(build(name), disguised(crystals, seed=4))
    differences = np.sort(np.abs(other.energies - relaxed.energies))
    assert differences[-2] < 2e-3
    assert np.median(differences) < 1e-4
    assert differences[-1] < 0.02


def test_rows_that_can_t_be_relaxed_have_a_reason(name, crystals):
    overlapping = Structure(Lattice.cubic(3.5), ["Cu", "Cu"], [[0, 0, 0], [0.05, 0, 0]])
    unknown = Structure(Lattice.cubic(4.0), ["Og"], [[0, 0, 0]])
    scattered = Structure(Lattice.cubic(20.0), ["Na"], [[0, 0, 0]])
    labels = relax(build(name), Crystals.from_structures([overlapping, ROCK_SALT, unknown, scattered]))
    assert [failure.split(":")[0] for failure in labels.failures] == [
        "unphysical_cell",
        "",
        "engine_error",
        "unphysical_cell",
    ]
    assert all(is_stated(failure, Stated.RELAXATION) for failure in labels.failures[labels.failures != ""].tolist())
    assert "Og" in labels.failures[2]
    assert np.isnan(labels.energies[[0, 2, 3]]).all()
    np.testing.assert_array_equal(labels.crystals.lattices[2], unknown.lattice.matrix)
    alone = relax(build(name), Crystals.from_structures([ROCK_SALT]))
    assert alone.energies[0] == labels.energies[1]


def test_stopping_short_is_a_failure_only_where_asked_for(name, crystals):
    hurried = relax(build(name, max_steps=1, max_force=1e-6), crystals)
    assert hurried.succeeded.all()
    strict = relax(build(name, max_steps=1, max_force=1e-6, must_converge=True), crystals)
    assert "not_converged_ionically" in strict.failures
    np.testing.assert_array_equal(strict.energies[strict.succeeded], hurried.energies[strict.succeeded])


def test_no_crystals(name, crystals):
    assert len(relax(build(name), crystals.take([]))) == 0


def test_a_device_that_isn_t_there_is_refused(name):
    weights = None if POTENTIALS[name].ships_weights else __file__
    with pytest.raises(DeviceError, match="abacus"):
        POTENTIALS[name](RelaxationSettings(), device="abacus", weights=weights)


def test_a_missing_package_names_the_extra(name, monkeypatch):
    weights = None if POTENTIALS[name].ships_weights else __file__
    blocked = ("chgnet", "sevenn", "mace", "orb_models", "mattersim", "tensorpotential", "matgl", "fairchem")
    loaded = [module for module in sys.modules if module.split(".")[0] in blocked]
    for module in [*blocked, *loaded]:
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtraError, match=r"pip install "):
        POTENTIALS[name](RelaxationSettings(), weights=weights)
