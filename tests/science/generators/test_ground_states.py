"""Ground states of the elements: densities and space groups against pymatgen's own data."""

from __future__ import annotations

import warnings

import pytest
from pymatgen.core import Element
from pymatgen.symmetry.analyzer import SpacegroupAnalyzer

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.generators.ground_states import BOX, elemental_cells, known_elements

MOLECULES = {"H": 0.741, "N": 1.098, "O": 1.208, "F": 1.412, "Cl": 1.988}


@pytest.mark.parametrize("element", sorted(set(known_elements()) - MOLECULES.keys()))
def test_crystals_have_the_density_of_the_solid(element):
    (cell,) = elemental_cells([element])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        density = Element(element).density_of_solid
    assert not cell.is_molecule
    assert set(cell.structure.symbol_set) == {element}
    if density is not None and element != "Sn":  # gray tin, stable at zero temperature, is less dense than white
        assert cell.structure.density == pytest.approx(float(density) / 1000, rel=0.07)


@pytest.mark.parametrize(("element", "group"), [("Al", 225), ("Fe", 229), ("Mg", 194), ("Si", 227), ("As", 166)])
def test_space_groups_and_primitive_cells(element, group):
    (cell,) = elemental_cells([element])
    assert SpacegroupAnalyzer(cell.structure).get_space_group_number() == group
    assert len(cell.structure) == len(cell.structure.get_primitive_structure())


def test_molecules_stand_alone_in_a_box():
    for cell in elemental_cells(MOLECULES):
        assert cell.is_molecule
        assert cell.structure.lattice.abc == BOX
        assert cell.structure.get_distance(0, 1) == pytest.approx(MOLECULES[cell.element], abs=0.02)
        assert len(cell.structure.get_neighbors(cell.structure[0], 8.0)) == 1
        assert cell.has_moment == (cell.element == "O")


def test_elements_without_a_ground_state_are_named():
    with pytest.raises(InputError, match="no ground state in the table for Ga, Mn .*from-group"):
        elemental_cells(["Al", "Mn", "Ga"])
