"""Networks that CGCNN's authors have published: what they say through our code is what they say through theirs."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from aiida_mlhull.science.ensembles import EnsembleSettings, fit_member, predict
from aiida_mlhull.science.ensembles.familiar import unfamiliar
from aiida_mlhull.science.ensembles.published import CGCNN, read_cgcnn
from aiida_mlhull.science.errors import WeightsError
from aiida_mlhull.science.reading.properties import read_properties
from aiida_mlhull.science.types import TrainingRows
from aiida_mlhull.science.wire import decode_ensemble, encode_ensemble

HERE = Path(__file__).parent / "published"
SHIPPED = HERE / "formation-energy-per-atom.pth.tar"
ALL = "MLHULL_CGCNN_CHECKPOINTS"
"""Environment variable with the folder of all eight, to have them tested, too."""
TABLE = Path(__file__).parents[3] / "benchmarks" / "data" / "mp20_excerpt.parquet"
FIGURES = json.loads((HERE / "figures.json").read_text())


@pytest.fixture(scope="module")
def crystals() -> TrainingRows:
    """The crystals that the figures are of."""
    return read_properties(TABLE, target="formation_energy_per_atom").rows.select(FIGURES["crystals"])


@pytest.mark.parametrize("name", sorted(CGCNN))
def test_outputs_are_those_of_the_authors_layers(crystals, name):
    path = SHIPPED if SHIPPED.name.startswith(name) else Path(os.environ.get(ALL, "")) / f"{name}.pth.tar"
    if not path.exists():
        pytest.skip(f"{name} is not shipped: name the folder of the authors' files with {ALL}")
    said = predict(read_cgcnn(path), crystals)
    ours = said.mean[said.positions(FIGURES["crystals"])]
    np.testing.assert_allclose(ours, FIGURES["on_our_grid"][name], rtol=0, atol=1e-5)
    # What the grid of distances does, at most 0.5 meV.
    np.testing.assert_allclose(ours, FIGURES["exact"][name], rtol=0, atol=5e-4)


def test_formation_energies_of_known_crystals_are_nearly_right(crystals):
    ensemble = read_cgcnn(SHIPPED)
    said = predict(ensemble, crystals)
    # The Materials Project corrects its energies otherwise today than in 2017.
    assert np.median(np.abs(said.mean - crystals.energies)) < 0.08
    assert (ensemble.target, ensemble.unit, ensemble.baseline) == ("energy_minus_baseline", "eV/atom", "references")
    assert said.sigma[0] == pytest.approx(np.sqrt(np.pi / 2) * 0.03972001800748568)
    assert encode_ensemble(decode_ensemble(encode_ensemble(ensemble))) == encode_ensemble(ensemble)
    assert unfamiliar(ensemble, read_properties(TABLE, target=None).tables()[0]) == []


def test_a_campaigns_members_can_begin_with_it(crystals):
    parent = read_cgcnn(SHIPPED)
    settings = EnsembleSettings(
        model="cgcnn",
        model_settings={**parent.settings, "max_epochs": 1, "patience": 1},
        members=1,
        loss="l2",
        volume_scaling=False,
        transfer={"mode": "head", "learning_rate_factor": 1e-9},
    )
    child = fit_member(crystals, settings, member=0, seed=0, parent=parent, baseline="references")
    assert child.meta["center"] == parent.members[0].meta["center"]
    kept = predict(replace(parent, members=(child,)), crystals).mean
    np.testing.assert_allclose(kept, predict(parent, crystals).mean, atol=1e-5)


def test_no_code_of_a_file_runs(tmp_path):
    class Trap:
        def __reduce__(self):
            return (Path.touch, (tmp_path / "ran",))

    held = torch.load(SHIPPED, weights_only=True)
    torch.save({**held, "args": Trap()}, tmp_path / SHIPPED.name)
    with pytest.raises(WeightsError, match="can't be read as weights alone"):
        read_cgcnn(tmp_path / SHIPPED.name)
    assert not (tmp_path / "ran").exists()
    del held["normalizer"]
    torch.save(held, tmp_path / SHIPPED.name)
    with pytest.raises(WeightsError, match="holds no network of CGCNN's authors"):
        read_cgcnn(tmp_path / SHIPPED.name)
    with pytest.raises(WeightsError, match="none of CGCNN's published networks"):
        read_cgcnn(tmp_path / "weights.pth")
