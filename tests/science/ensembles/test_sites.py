"""Contributions of sites add up to what an ensemble predicts; kinds of sites by hand."""

import numpy as np
import pytest

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, gather, predict
from aiida_mlhull.science.ensembles.sites import site_contributions
from aiida_mlhull.science.errors import CrystalError, InputError
from aiida_mlhull.science.metrics.site_averages import SiteAverages
from aiida_mlhull.science.plots.sites import draw_site_averages
from aiida_mlhull.science.representations.site_kinds import site_kinds
from aiida_mlhull.science.types import Crystals, TrainingRows
from tests.science.real_crystals import model_rows, mp_crystals, mp_energies

# SrTiO3: strontium in the corner, titanium in the middle, oxygen on the faces.
PEROVSKITE = Crystals.from_lists(
    [np.eye(3) * 3.9], [[8, 38, 22, 8, 8]], [[[0.5, 0.5, 0], [0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0, 0.5], [0, 0.5, 0.5]]]
)


def rows():
    asked = model_rows(mp_crystals())
    return TrainingRows(
        ids=asked.ids, formulas=asked.formulas, crystals=asked.crystals, baselines=np.zeros(94),
        energies=mp_energies(), relaxed=asked.crystals,
    )  # fmt: skip


def test_the_mean_over_a_cells_sites_is_the_prediction():
    network = {"atom_width": 8, "layers": 1, "hidden_width": 8, "max_epochs": 3, "pooling": "linear"}
    settings = EnsembleSettings(model="cgcnn", model_settings=network, members=2, loss="l1", volume_scaling=False)
    ensemble = gather([fit_member(rows(), settings, member=number, seed=1) for number in range(2)], settings=settings)
    found = site_contributions(ensemble, rows())
    offsets = rows().crystals.offsets
    means = np.add.reduceat(found, offsets[:-1]) / np.diff(offsets)
    np.testing.assert_allclose(means, predict(ensemble, rows()).mean, atol=1e-5)


def test_models_that_are_not_sums_over_sites_are_refused():
    settings = EnsembleSettings(model="mean", members=1)
    ensemble = gather([fit_member(rows(), settings, member=0, seed=1)], settings=settings)
    with pytest.raises(InputError, match="predictions of mean for .* are not sums over sites"):
        site_contributions(ensemble, rows())


def test_kinds_of_sites():
    assert site_kinds(PEROVSKITE, "perovskite") == ["X", "A", "B", "X", "X"]
    symmetries = site_kinds(PEROVSKITE, "symmetry")
    assert symmetries[1] == symmetries[2] == "m-3m"
    assert len({symmetries[0], symmetries[3], symmetries[4], "m-3m"}) > 1
    assert site_kinds(PEROVSKITE, "all") == ["all"] * 5
    with pytest.raises(CrystalError, match="row 1 is not ABX3"):
        site_kinds(mp_crystals().take([0]), "perovskite")


def test_a_mark_for_each_element_and_kind_that_is_there_often_enough():
    averages = SiteAverages(
        np.asarray([8, 22, 38]),
        ("A", "B"),
        np.asarray([[np.nan, np.nan], [0.5, -1.0], [-2.0, 3.0]]),
        np.asarray([[0, 0], [5, 9], [7, 1]]),
    )
    axes = draw_site_averages(averages, fewest=2, unit="eV").axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["Sr", "Ti"]
    np.testing.assert_array_equal(axes.lines[0].get_ydata(), [-2.0, 0.5])
    np.testing.assert_array_equal(axes.lines[1].get_ydata(), [np.nan, -1.0])
