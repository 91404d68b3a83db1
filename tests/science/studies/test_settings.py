"""Studies as they are written: those that the package brings can be run, and what is wrong with others is named."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import yaml

from aiida_mlhull.science.errors import SettingsError, UnknownNameError
from aiida_mlhull.science.models import MODELS
from aiida_mlhull.science.reading.columns import Columns
from aiida_mlhull.science.studies import load_study, runs_of, study_names
from benchmarks.places import find

TINY: dict[str, Any] = {
    "name": "tiny",
    "title": "Tiny",
    "source": {"citation": "Nobody, 2026"},
    "about": "Nothing.",
    "tables": [{"name": "crystals", "file": "mp20_excerpt.parquet", "about": "600 crystals"}],
    "rows": [
        {
            "name": "parent",
            "about": "by formula",
            "where": "Table 1",
            "figure": 0.5,
            "table": "crystals",
            "target": "formation_energy_per_atom",
            "unit": "eV/atom",
            "ensemble": {"model": "roost", "members": 2, "model_settings": {"preset": "thesis", "max_epochs": 9}},
            "quick": {"members": 1, "model_settings": {"max_epochs": 1}, "learn": 60},
        },
        {
            "name": "child",
            "about": "the same again",
            "where": "Table 2",
            "table": "crystals",
            "target": "band_gap",
            "unit": "eV",
            "parent": "parent",
            "ensemble": {"model": "roost", "members": 1, "transfer": {"mode": "head"}},
        },
    ],
}


def changed(change: dict[str, Any], *, row: int = 0, **top: Any) -> dict[str, Any]:
    content = deepcopy(TINY) | top
    content["rows"][row] |= change
    return content


def load(tmp_path, content: dict[str, Any]):
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(content))
    return load_study(str(path))


@pytest.mark.parametrize("name", study_names())
def test_every_study_says_what_can_be_run(name):
    study = load_study(name)
    assert study.name == name
    for size in ("quick", "full"):
        runs = runs_of(study, size=size)
        assert {run.row.name for run in runs} == {row.name for row in study.rows}
        assert len({run.label for run in runs}) == len(runs)
        for run in runs:
            assert (run.settings is None) == bool(run.row.weights)
            assert run.settings is None or run.settings.model in MODELS
            assert run.parent is None or run.parent.settings.model == run.settings.model, (
                "a child has its parent's model"
            )


@pytest.mark.parametrize("name", study_names())
def test_every_column_is_in_its_table(name):
    study = load_study(name)
    for row in study.rows:
        table = study.table(row.table)
        path = find(table.file)
        if path is None and table.stand_in is not None:
            continue
        if path is None:
            pytest.skip("the folder of public data is not there")
        assert not row.target or row.target in Columns.read(path)
        assert not row.weights or find(row.weights), row.weights


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (changed({"tables": 1}), r"rows.parent.tables: unknown key .* did you mean 'table'"),
        (changed({"quick": {"member": 1}}), r"quick.member: unknown key .* did you mean 'members'"),
        (changed({"table": "crystal"}), r"no table 'crystal'; did you mean 'crystals'"),
        (changed({"quantity": "rmes"}), r"no quantity 'rmes'; did you mean 'rmse'"),
        (changed({"quantity": "auc"}), "auc and classes don't go together"),
        (changed({"quantity": "slope"}), "a learning curve has sizes"),
        (changed({"sizes": [10, 20]}), "a learning curve has sizes"),
        (changed({"quantity": "mae_at", "sizes": [10, 20]}), "name both or neither"),
        (changed({"weights": "some.pth.tar"}), "either an ensemble or weights"),
        (changed({"ensemble": {"model": "rost"}}), "rost"),
        (changed({"ensemble": {"model": "roost", "member": 1}}), "member: unknown key .* did you mean 'members'"),
        (changed({"ensemble": {"model": "roost", "model_settings": {"preset": "thsis"}}}), "unknown preset 'thsis'"),
        (changed({"quick": {"model_settings": {"max_epoch": 1}}}), "max_epoch: unknown key"),
        (changed({"parent": "parnt"}, row=1), r"no row 'parnt' before it .* did you mean 'parent'"),
        (changed({"parent": ""}, row=1), "belong together"),
        (changed({"name": "child"}), "a name is there twice"),
        (changed({"target": ""}), "target is missing"),
        (changed({}, titel="x"), r"titel: unknown key .* did you mean 'title'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, content, told):
    with pytest.raises(SettingsError, match=told):
        load(tmp_path, content)


def test_a_study_that_is_not_there():
    with pytest.raises(UnknownNameError, match="did you mean 'xie-2018'"):
        load_study("xie2018")


def test_a_row_that_is_not_there(tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'child'"):
        runs_of(load(tmp_path, TINY), size="quick", only=["chid"])


def test_a_row_brings_its_parent(tmp_path):
    parent, child = runs_of(load(tmp_path, TINY), size="quick", only=["child"])
    assert child.parent is parent
    assert [run.name for run in runs_of(load(tmp_path, TINY), size="quick", only=["parent"])] == ["parent"]


def test_quick_takes_less_and_full_all(tmp_path):
    study = load(tmp_path, TINY)
    quick, full = runs_of(study, size="quick")[0], runs_of(study, size="full")[0]
    assert (quick.learn, quick.settings.members, quick.settings.model_settings["max_epochs"]) == (60, 1, 1)
    assert (full.learn, full.settings.members, full.settings.model_settings["max_epochs"]) == (None, 2, 9)
    assert quick.settings.model_settings["preset"] == "thesis"


@pytest.mark.parametrize(
    ("change", "same"),
    [
        ({"figure": 0.7, "about": "other words", "where": "Table 9", "differs": "x"}, True),
        ({"by": "formula"}, False),
        ({"target": "band_gap"}, False),
        ({"learn": 100}, False),
        ({"only_above": 0.0}, False),
        ({"asked": 10}, False),
        ({"test_share": 0.3}, False),
        ({"ensemble": {"model": "roost", "members": 3}}, False),
    ],
)
def test_what_counts_for_a_recipe(tmp_path, change, same):
    before = runs_of(load(tmp_path, TINY), size="full")
    after = runs_of(load(tmp_path, changed(change)), size="full")
    assert (before[0].label == after[0].label) == same
    assert (before[1].label == after[1].label) == same, "a child's result rests on its parent's"


def test_a_seed_counts(tmp_path):
    study = load(tmp_path, TINY)
    labels = {runs_of(study, size="full", seed=seed)[0].label for seed in range(3)}
    assert len(labels) == 3
