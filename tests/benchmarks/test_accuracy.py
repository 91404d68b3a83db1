"""What the accuracy tables are made with: rankings, sites of perovskites, splits; on the excerpts that are shipped."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from aiida_mlhull.science.reading.properties import read_properties
from aiida_mlhull.science.types import Crystals
from benchmarks import perovskites, recall
from benchmarks.perovskites import EXCERPT, site_kinds
from benchmarks.pnictides import read_pnictides, scaled


@pytest.fixture
def excerpts(monkeypatch):
    """No public data at hand: what is shipped has to do."""
    for module in ("pnictides", "perovskites", "places"):
        monkeypatch.setattr(f"benchmarks.{module}.find", lambda *_: None)


def asked(monkeypatch, capsys, module, *words):
    """What a benchmark prints."""
    monkeypatch.setattr(sys, "argv", [module.__name__, *words, "--json"])
    module.main()
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("origin", ["A", "B"])
def test_cations_are_told_by_their_distance_from_the_anions(origin):
    """SrTiO3 with strontium (A, 12 oxygens at a/sqrt 2) or titanium (B, 6 at a/2) in the corner."""
    faces = [[0.5, 0.5, 0.0], [0.5, 0.0, 0.5], [0.0, 0.5, 0.5]]
    corner, center = (38, 22) if origin == "A" else (22, 38)
    oxygens = faces if origin == "A" else (np.asarray(faces) + 0.5) % 1.0
    cells = Crystals.from_lists(
        [np.eye(3) * 3.9], [[corner, center, 8, 8, 8]], [[[0, 0, 0], [0.5, 0.5, 0.5], *np.asarray(oxygens).tolist()]]
    )
    kinds = dict(zip(cells.numbers[:2].tolist(), site_kinds(cells, "perovskite")[:2], strict=True))
    assert kinds == {38: "A", 22: "B"}
    assert site_kinds(cells, "perovskite")[2:] == ["X"] * 3


def test_every_perovskite_has_both_kinds_of_cations():
    crystals = read_properties(EXCERPT, target="heat_all_ev").rows.crystals
    kinds = np.asarray(site_kinds(crystals, "perovskite")).reshape(-1, 5)
    assert ((kinds == "A").sum(axis=1) == 1).all()
    assert ((kinds == "B").sum(axis=1) == 1).all()


def test_crystals_that_relaxed_to_one_minimum_stay_on_one_side(excerpts):
    data = read_pnictides()
    learned, test = data.split(share=0.3, seed=1)
    assert sorted([*learned, *test]) == list(range(len(data.rows)))
    assert not set(data.minima()[learned]) & set(data.minima()[test])
    assert len(np.unique(data.minima())) < len(data.rows)


def test_scaled_cells_have_the_size_of_relaxed_ones(excerpts):
    data = read_pnictides()
    learned, test = data.split(share=0.3, seed=0)
    off = np.abs(np.log(scaled(data.rows, learned).crystals.volumes_per_atom / data.rows.relaxed.volumes_per_atom))
    before = np.abs(np.log(data.rows.crystals.volumes_per_atom / data.rows.relaxed.volumes_per_atom))
    assert np.median(off[test]) < np.median(before[test])


def test_perovskites_are_measured_on_the_excerpt(excerpts, monkeypatch, capsys, tmp_path):
    settings = '{"preset": "paper", "max_epochs": 2}'
    picture = tmp_path / "sites.png"
    found = asked(monkeypatch, capsys, perovskites, "--model-settings", settings, "--picture", str(picture))
    assert found["data"] == EXCERPT.name
    assert found["full"]["test_rows"] == found["linear"]["test_rows"] == 80
    assert set(found["site_energies"]) == {"A", "B", "X"}
    assert set(found["site_energies"]["X"]) == {"N", "O", "F", "S"}
    assert picture.stat().st_size > 10_000


def test_a_smaller_promise_loses_more_and_keeps_less(excerpts, monkeypatch, capsys):
    found = asked(monkeypatch, capsys, recall, "--labels", "60", "--repeats", "1", "--members", "2")["results"]
    kept = {row["rule"]: row["kept"] for row in found if row["calibration"] == "conformal"}
    lost = {row["rule"]: row["lost_25mev"] for row in found if row["calibration"] == "conformal"}
    strict, loose = "recall_target, α = 0.02", "recall_target, α = 0.1"
    assert 1 >= kept[strict] > kept[loose] > 0
    assert lost[strict] <= lost[loose]
