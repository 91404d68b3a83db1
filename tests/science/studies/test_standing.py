"""What stands beside the source's figures, and how it is written."""

from __future__ import annotations

import numpy as np
import pytest

from aiida_mlhull.science.studies import Study
from aiida_mlhull.science.studies.scores import scores
from aiida_mlhull.science.studies.standing import study_facts
from aiida_mlhull.science.studies.written import html, markdown
from aiida_mlhull.science.types import Crystals, Labels, Predictions

ROW = {"about": "by | formula", "where": "Table 1", "table": "t", "target": "e", "unit": "eV"}
ENSEMBLE = {"ensemble": {"model": "mean", "members": 2}}
STUDY = Study(
    name="tiny",
    title="Tiny <study>",
    source={"citation": "Nobody, 2026", "doi": "10.1/x"},
    about="",
    tables=[{"name": "t", "file": "t.parquet", "about": ""}],
    rows=[
        {"name": "plain", "figure": 0.25, **ROW, **ENSEMBLE},
        {"name": "curve", "figure": 0.04, "quantity": "mae_at", "at": 10000, "sizes": [100, 1000], **ROW, **ENSEMBLE},
        {"name": "unknown", "quantity": "ranking", **ROW, **ENSEMBLE},
    ],
    out_of_reach=[{"what": "a map", "where": "Fig. 3", "why": "no coordinates"}],
)


def told(seed: int, mae: float, learned: int = 80) -> dict:
    return {
        "seed": seed, "learned": learned, "asked": 20, "members": 2, "epochs": [7, None],
        "scores": {"mae": mae, "ranking": None}, "versions": {"torch": "2", "file": "a.pth.tar"}, "pks": {"fit": 12}, "data": "",
    }  # fmt: skip


def test_means_over_seeds_and_power_laws():
    runs = {"plain": [told(0, 0.3), told(1, 0.4)], "curve": [told(0, 0.4, 100), told(0, 0.2, 1000)]}
    plain, curve, unknown = study_facts(STUDY, runs, size="full")["rows"]
    assert plain["ours"] == pytest.approx(0.35)
    assert plain["difference"] == pytest.approx(0.10)
    assert curve["ours"] == pytest.approx(0.1), "halved by every factor of ten"
    assert "| 0.100 (from at most 1,000 rows) | +0.060 |" in markdown(study_facts(STUDY, runs, size="full"))
    assert (unknown["ours"], unknown["difference"], unknown["source"]) == (None, None, None)


def test_one_point_is_not_a_curve():
    assert study_facts(STUDY, {"curve": [told(0, 0.4, 100)]}, size="full")["rows"][1]["ours"] is None


def test_reports_list_everything_also_what_was_not_run():
    facts = study_facts(STUDY, {"plain": [told(0, 0.3)]}, size="quick")
    page = markdown(facts)
    assert "| plain | Table 1 | MAE, eV | 0.25 | 0.300 | +0.050 |" in page
    assert "| curve | Table 1 | MAE by the learning curve's power law at 10,000 rows, eV | 0.04 | not run |  |" in page
    assert "| not at hand | not run |" in page
    assert "| a map | Fig. 3 | no coordinates |" in page
    assert r"by \| formula" in page
    assert "Size quick, seeds 0. Made with torch 2." in page
    assert "| plain | 0 | 80 | fit 12 |" in page
    assert "says little about the models" in page
    assert "says little" not in markdown(study_facts(STUDY, {"plain": [told(0, 0.3)]}, size="full"))


def test_the_page_is_one_file_with_a_picture_of_the_curves():
    runs = {"curve": [told(0, 0.4, 100), told(0, 0.2, 1000)]}
    page = html(study_facts(STUDY, runs, size="full"))
    assert page.count("data:image/png;base64,") == 1
    assert "Tiny &lt;study&gt;" in page
    assert 'src="http' not in page
    assert "<img" not in html(study_facts(STUDY, {}, size="full"))


def test_scores_are_those_of_the_definitions():
    rng = np.random.default_rng(5)
    n, members = 12, 3
    true, said = rng.normal(size=n), rng.normal(size=(n, members))
    ids = [f"row-{number:02d}" for number in range(n)]
    formulas = ["NaCl"] * n
    cells = Crystals.from_lists(
        *(column * n for column in ([np.eye(3) * 4], [[11, 17]], [[[0, 0, 0], [0.5, 0.5, 0.5]]]))
    )
    labels = Labels.from_rows(
        ids=ids, formulas=formulas, energies=true, crystals=cells, failures=[""] * n, core_minutes=np.zeros(n),
        stage="", engine="", scheme="",
    )  # fmt: skip
    spread = np.full((n, members), 0.5)
    found = scores(Predictions.from_rows(ids=ids, formulas=formulas, members=said, member_aleatoric=spread), labels)
    errors = said.mean(axis=1) - true
    assert found["mae"] == pytest.approx(np.abs(errors).mean())
    assert found["rmse"] == pytest.approx(np.linalg.norm(errors) / np.sqrt(n))
    assert found["member_mae"] == pytest.approx(np.mean([np.abs(said[:, m] - true).mean() for m in range(members)]))
    assert found["member_mae"] > found["mae"]
    assert found["median"] == pytest.approx(sum(sorted(np.abs(errors))[5:7]) / 2)
