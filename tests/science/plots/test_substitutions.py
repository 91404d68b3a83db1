"""The heat map shows the table's numbers, like elements beside each other."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.errors import InputError
from aiida_mlhull.science.generators.mining import mine_substitutions
from aiida_mlhull.science.plots.substitutions import draw_substitutions, pettifor_order
from aiida_mlhull.science.representations.wyckoff import protostructures
from aiida_mlhull.science.types import Substitutions
from tests.science.real_crystals import mp_crystals

SALTS = ["AB_cF8_225_a_b:Cl-Na", "AB_cF8_225_a_b:Cl-K", "AB_cF8_225_a_b:Mg-O", "AB_cF8_225_a_b:F-Li"]


def test_like_elements_are_neighbors():
    table = mine_substitutions(SALTS)
    assert [table.elements[row] for row in pettifor_order(table).tolist()] == ["K", "Na", "Li", "Mg", "Cl", "O", "F"]


def test_what_is_shown_is_what_the_table_says(tmp_path):
    table = mine_substitutions(protostructures(mp_crystals()))
    figure = draw_substitutions(table, title="94 crystals")
    axes = figure.axes[0]
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert sorted(names) == sorted(table.elements)
    assert [label.get_text() for label in axes.get_xticklabels()] == names
    shown = np.ma.filled(axes.images[0].get_array().astype(float), np.nan)
    rows = [table.elements.index(name) for name in names]
    expected = table.probabilities[np.ix_(rows, rows)]
    seen = table.counts[np.ix_(rows, rows)] > 0
    np.testing.assert_allclose(shown[seen], expected[seen])
    assert np.isnan(shown[~seen]).all()
    figure.savefig(tmp_path / "table.png")
    assert (tmp_path / "table.png").stat().st_size > 10_000


def test_a_table_of_nothing_can_not_be_drawn():
    empty = Substitutions(elements=(), counts=np.zeros((0, 0), dtype=int), smoothing=1.0, n_crystals=0, n_kinds=0)
    with pytest.raises(InputError, match="without elements"):
        draw_substitutions(empty)
