"""Bonds, slopes and hulls under strain, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import SettingsError, TableError
from aiida_mlhull.science.plots.strain import draw_strain
from aiida_mlhull.science.strain.bonds import check_pairs, kinds_of_bonds
from aiida_mlhull.science.strain.grid import StrainSettings, grid_id, strain_grid
from aiida_mlhull.science.strain.response import responses
from aiida_mlhull.science.types import Candidates, Crystals, Labels, References

GRID = StrainSettings(ab=(-0.02, 0.0, 0.02), c=(-0.01, 0.0, 0.01))
SALT = Crystals.from_lists([np.eye(3) * 4.2], [[12, 8]], [[0, 0, 0, 0.5, 0.5, 0.5]])  # of the CsCl type


def labels(energies, *, a=(4.0, 4.0), settings=GRID, failed=()):
    """Crystals p and q of the same composition, a simple tetragonal cell each; energies by name, ab and c."""
    cells = Crystals.from_lists(
        [np.diag([x, x, 5.0]) for x in a], [[12, 8]] * 2, [[0, 0, 0, 0.5, 0.5, 0.5], [0, 0, 0, 0, 0, 0.5]]
    )
    both = Candidates.from_rows(
        ids=["p", "q"], formulas=["MgO"] * 2, crystals=cells, protostructures=[""] * 2, origins=[""] * 2
    )
    grid = strain_grid(both, settings)
    values = np.asarray([energies(*_parts(name)) for name in grid.ids.tolist()])
    values[grid.positions(list(failed))] = np.nan
    failures = np.where(np.isfinite(values), "", "not_converged_ionically")
    return Labels.from_rows(
        ids=grid.ids, formulas=grid.formulas, energies=values, crystals=grid.crystals, failures=failures,
        core_minutes=np.zeros(len(grid)), stage="strain", engine="by hand", scheme="none",
    )  # fmt: skip


def _parts(name):
    crystal, ab, c = name.split("/")
    return crystal, float(ab[2:]), float(c[1:])


def springs(crystal, ab, c):
    """p is best without strain, q is 0.1 eV/atom higher and wants its plane stretched."""
    return -3.0 + 100 * (ab**2 + c**2) if crystal == "p" else -2.9 + 100 * ((ab - 0.02) ** 2 + c**2)


ELEMENTS = References.from_rows(ids=["Mg", "O"], formulas=["Mg", "O"], energies=np.zeros(2))


def test_bonds_are_told_apart_by_length_and_tilt():
    perovskite = Crystals.from_lists(
        [np.eye(3) * 4.0], [[56, 22, 8, 8, 8]], [[0, 0, 0, 0.5, 0.5, 0.5, 0.5, 0.5, 0, 0.5, 0, 0.5, 0, 0.5, 0.5]]
    )
    names = [bond.name for bond in kinds_of_bonds(perovskite, 0, pairs=["O-Ti"])]
    assert names == ["Ti-O 2.000 Å, 0°", "Ti-O 2.000 Å, 90°"]  # equal, but strain splits them
    assert kinds_of_bonds(perovskite, 0, pairs=["Ti-N"]) == ()
    check_pairs(perovskite, ["O-Ti", "Ba-O"])
    with pytest.raises(SettingsError, match="no crystal has bonds Ti-N, xx; there are Ba-Ba, Ba-O, .*Ti-O"):
        check_pairs(perovskite, ["Ti-N", "Ti-O", "xx"])


def test_a_bond_is_followed_when_atoms_are_put_back_into_the_cell():
    (bond,) = kinds_of_bonds(SALT, 0, pairs=["Mg-O"])
    moved = Crystals.from_lists([np.eye(3) * 4.2], [[12, 8]], [[0.9, 0, 0, 0.42, -0.5, 1.5]])
    expected = 4.2 * np.linalg.norm([0.48, 0.5, 0.5])
    assert bond.length(moved, 0) == pytest.approx(expected)


def test_slopes_of_bonds_in_a_cell_whose_sites_stay():
    (p, q) = responses(labels(springs), GRID, names=["p", "q"])
    (along,) = [bond for bond in q.bonds if bond.name == "Mg-O 2.500 Å, 90°"]
    assert along.slopes == pytest.approx((0.0, 2.5), abs=1e-9)
    assert along.r_squared == pytest.approx(1.0)
    assert along.lengths[0].tolist() == pytest.approx([2.475, 2.5, 2.525])
    plane = next(bond for bond in q.bonds if bond.name == "Mg-Mg 4.000 Å, 0°")
    assert plane.slopes == pytest.approx((4.0, 0.0), abs=1e-9)
    assert p.film.tolist() == pytest.approx([-2.96, -3.0, -2.96])


def test_strain_brings_the_metastable_one_down_relative_to_its_competitor():
    p, q = responses(labels(springs), GRID, names=["p", "q"], references=ELEMENTS)
    assert q.e_above_hull.tolist() == pytest.approx([-2.74 + 2.96, -2.86 + 3.0, -2.9 + 2.96])
    assert q.e_above_hull.argmin() == 2
    assert p.e_above_hull.tolist() == pytest.approx([-0.22, -0.14, -0.06])
    assert q.competitors.tolist() == [1, 1, 1]


def test_on_one_substrate_areas_are_compared_and_not_strains():
    """q's plane is 2 % larger, so p stretched by 2 % meets q without strain; below its grid q is left out."""
    settings = GRID.model_copy(update={"compare": "substrate"})
    p, _ = responses(labels(springs, a=(4.0, 4.08), settings=settings), settings, names=["p", "q"], references=ELEMENTS)
    assert p.competitors.tolist() == [0, 1, 1]
    assert p.e_above_hull[2] == pytest.approx(-2.96 - (-2.86), abs=1e-6)
    assert p.e_above_hull[0] == pytest.approx(-2.96)  # of the elements alone


def test_points_that_failed_are_gaps():
    lost = [grid_id("q", ab=0.02, c=c) for c in GRID.c]
    p, q = responses(labels(springs, failed=lost), GRID, names=["p", "q"], references=ELEMENTS)
    assert np.isnan(q.film[2])
    assert np.isnan(q.e_above_hull[2])
    assert p.e_above_hull[2] == pytest.approx(-2.96)
    told = q.to_dict(GRID)
    assert told["energies"][2] == [None] * 3
    figure = draw_strain([p, q], GRID)
    np.testing.assert_allclose(figure.axes[0].lines[0].get_ydata(), 1000 * p.e_above_hull)
    with pytest.raises(TableError, match=r"q/ab\+0.0000/c\+0.0000 failed"):
        responses(labels(springs, failed=[grid_id("q", ab=0.0, c=0.0)]), GRID, names=["p", "q"])
    everything = labels(springs)
    with pytest.raises(TableError, match="no results for 3 points"):
        responses(everything.without(lost), GRID, names=["p", "q"])
