"""The shipped tables against pymatgen's periodic table."""

from __future__ import annotations

import numpy as np
import pytest
from pymatgen.core import Element

from aiida_mlhull.science.errors import CrystalError
from aiida_mlhull.science.representations.elements import atom_features, check_atom_features, element_table


def test_symbols_and_places_are_pymatgens():
    table = element_table()
    for z in range(1, 119):
        element = Element.from_Z(z)
        assert table.symbols[z] == element.symbol
        assert table.group[z] == element.group
        assert table.row[z] == (element.row if element.row <= 7 else element.row - 2)


def test_electronegativities_are_paulings():
    table = element_table()
    for symbol in ("H", "Li", "N", "O", "F", "Fe", "As", "Au", "U"):
        element = Element(symbol)
        assert table.electronegativity[element.Z] == pytest.approx(element.X)


def test_every_property_is_known_for_every_element():
    table = element_table()
    for name in ("electronegativity", "row", "group", "covalent_radius", "atomic_volume"):
        values = getattr(table, name)
        assert values.shape == (119,)
        assert (values[1:] > 0).all(), name


def test_atom_features_are_one_hot_categories():
    features = atom_features()
    assert features.shape == (101, 92)
    assert not features[0].any()
    assert set(np.unique(features).tolist()) == {0.0, 1.0}
    # The group is one of the first 19 categories, the period one of the next seven.
    groups, periods = features[1:, :19], features[1:, 19:26]
    assert (groups.sum(axis=1) == 1).all()
    assert (periods.sum(axis=1) == 1).all()
    assert periods.argmax(axis=1)[[0, 2, 10, 18, 36, 54, 86]].tolist() == [0, 1, 2, 3, 4, 5, 6]


def test_elements_that_the_published_features_do_not_tell_apart():
    symbols, alike = element_table().symbols, {}
    for z, row in enumerate(atom_features()[1:], start=1):
        alike.setdefault(row.tobytes(), []).append(str(symbols[z]))
    assert [names for names in alike.values() if len(names) > 1] == [
        ["La", "Ce"],
        ["Sm", "Gd"],
        ["Ho", "Er"],
        ["Th", "Np"],
        ["Am", "Cm"],
        ["Bk", "Cf", "Es", "Fm"],
    ]


def test_elements_beyond_the_features_are_named():
    check_atom_features(np.asarray([1, 26, 100]))
    with pytest.raises(CrystalError, match="Md, Rf"):
        check_atom_features(np.asarray([26, 104, 101]))
