"""Ensembles for the columns of a table: band gaps by composition, volumes by cell, a child of another target."""

from __future__ import annotations

import json
import re

import click
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from aiida_mlhull.cli.table_options import table_options
from aiida_mlhull.launching.questions import training
from tests.arsenides import every_sixth
from tests.cli.conftest import Desk, run
from tests.science.real_crystals import mp_crystals, mp_energies

NETWORK = {"width": 8, "hidden_width": 8, "output_widths": [16], "max_epochs": 3, "patience": 3}


@pytest.fixture
def compositions(tmp_path):
    """Formation energies of real crystals, by formula alone."""
    path = tmp_path / "energies.parquet"
    energies = mp_energies()
    columns = {"e_form": energies, "twice": 2 * energies, "strong": energies < np.median(energies)}
    pq.write_table(pa.table({"formula": mp_crystals().reduced_formulas(), **columns}), path)
    return path


@pytest.fixture
def cells(tmp_path):
    """Volumes of arsenides' cells."""
    crystals = every_sixth().candidates.crystals
    path = tmp_path / "volumes.parquet"
    parts = [crystals.arrays(index) for index in range(len(crystals))]
    columns = {
        "formula": crystals.reduced_formulas(),
        "volume": crystals.volumes_per_atom,
        "lattice": [lattice.ravel().tolist() for lattice, _, _ in parts],
        "species": [[site.specie.symbol for site in crystals.structure(i)] for i in range(len(crystals))],
        "frac_coords": [coordinates.ravel().tolist() for _, _, coordinates in parts],
    }
    pq.write_table(pa.table(columns), path)
    return path


@pytest.mark.slow
def test_a_parent_its_child_and_what_it_brings(registered, compositions, tmp_path):
    from aiida import orm

    from aiida_mlhull.data import EnsembleData

    (tmp_path / "small.yaml").write_text(yaml.safe_dump({"model_settings": NETWORK, "calibration": "conformal"}))
    shared = ["--model", "roost", "--members", 1, "--settings", tmp_path / "small.yaml", "--unit", "eV/atom"]
    result = run("fit", compositions, "--target", "e_form", *shared)
    assert result.exit_code == 0, result.output
    assert "94 rows with e_form" in result.output
    parent = orm.load_node(int(result.output.split("Ensemble ")[1].split(":")[0]))
    assert (parent.base.attributes.get("target"), parent.base.attributes.get("unit")) == ("e_form", "eV/atom")
    assert parent.base.attributes.get("calibration")["method"] == "conformal"

    result = run("fit", compositions, "--target", "twice", *shared, "--parent", parent.pk, "--transfer", "head")
    assert result.exit_code == 0, result.output
    child = orm.load_node(int(result.output.split("Ensemble ")[1].split(":")[0]))
    query = orm.QueryBuilder().append(EnsembleData, filters={"id": parent.pk}, tag="parent")
    assert query.append(EnsembleData, with_ancestors="parent", filters={"id": child.pk}).count() >= 1
    before, after = (node.to_science().members[0].arrays for node in (parent, child))
    assert before["embedding.weight"].tobytes() == after["embedding.weight"].tobytes()

    ensemble = {
        "model": "roost",
        "model_settings": NETWORK,
        "members": 1,
        "blind_members": 0,
        "transfer": {"mode": "full"},
    }
    wish = Desk(tmp_path).campaign(parent=parent.pk, overrides={"ensemble": ensemble, "start": 16})
    result = run("launch", wish, "--dry-run")
    assert result.exit_code == 0, result.output
    assert "1 x roost" in result.output
    without = Desk(tmp_path).campaign(overrides={"ensemble": ensemble, "start": 16})
    assert "there is no parent ensemble to begin with" in run("launch", without, "--dry-run").output

    picture = tmp_path / "curve.png"
    asked = ["--target", "twice", *shared, "--sizes", "20,60", "--parent", parent.pk, "-o", picture, "--json"]
    result = run("learning-curve", compositions, *asked)
    assert result.exit_code == 0, result.output
    told = json.loads(result.stdout)
    assert set(told) == {"roost", f"from {parent.pk}, full"}
    assert told["roost"]["sizes"] == [20, 60]
    assert picture.stat().st_size > 10_000


@pytest.mark.slow
def test_classes_from_a_table_to_their_roc(registered, compositions, tmp_path):
    from aiida import orm

    (tmp_path / "small.yaml").write_text(yaml.safe_dump({"model_settings": NETWORK}))
    words = ["--members", 2, "--settings", tmp_path / "small.yaml"]
    result = run("fit", compositions, "--classes", "strong", *words)
    assert result.exit_code == 0, result.output
    assert "94 rows of strong False (47), True (47), " in result.output
    node = orm.load_node(int(result.output.split("Ensemble ")[1].split(":")[0]))
    assert node.base.attributes.get("classes") == ["False", "True"]
    assert "2 members of roost for strong (False, True); mean probability of wrong classes" in node.description

    result = run("diagnose", node.pk, "-o", tmp_path / "pictures", "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    confusion = facts["confusion"]
    assert sum(map(sum, confusion)) == facts["rows"]
    assert facts["accuracy"] == pytest.approx((confusion[0][0] + confusion[1][1]) / facts["rows"])
    assert list(facts["auc"]) == ["True"]
    assert sorted(path.name for path in (tmp_path / "pictures").iterdir()) == ["confusion.png", "roc.png"]
    assert "AUC of True" in run("diagnose", node.pk).output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "what is to be learned?"),
        (("--target", "e_form", "--classes", "strong"), "give one of them"),
        (("--classes", "strong", "--model", "magpie_forest"), "magpie_forest can't learn classes"),
    ],
)
def test_what_can_not_be_learned_as_classes(compositions, words, message):
    result = run("fit", compositions, *words)
    assert result.exit_code == 1
    assert re.search(message, result.output)


def test_a_learning_curve_of_volumes(cells):
    result = run("learning-curve", cells, "--target", "volume", "--unit", "Å³/atom", "--members", 1, "--sizes", "20,40")
    assert result.exit_code == 0, result.output
    assert "59 rows with volume" in result.stderr
    assert "MAE, Å³/atom, of 12 test rows" in result.stdout
    assert "MAE = 10^" in result.stdout


def test_a_search_writes_its_trials_and_what_fit_reads(cells, tmp_path):
    pytest.importorskip("optuna", reason="the extra 'tune' is not installed")
    trials = tmp_path / "trials.jsonl"
    result = run("tune", cells, "--target", "volume", "--members", 1, "--trials", 2, "-o", trials)
    assert result.exit_code == 0, result.output
    lines = [json.loads(line) for line in trials.read_text().splitlines()]
    assert [line["number"] for line in lines] == [0, 1]
    told = yaml.safe_load(result.stdout)
    assert told["model"] == "magpie_forest"
    assert told["model_settings"] in [line["settings"] for line in lines]


@click.command()
@table_options
def reading(seed, **given):
    """What all three commands make of their options."""
    return training.read_training_set(**given)


@pytest.mark.parametrize(
    ("words", "model", "unit"),
    [((), "roost", "meV"), (("--model", "mean"), "mean", "meV"), (("--unit", "eV"), "roost", "eV")],
)
def test_settings_hold_where_the_command_line_says_nothing(compositions, tmp_path, words, model, unit):
    """What ``tune`` prints names the model; a default of the command line may not overrule it."""
    said = {"model": "roost", "unit": "meV", "members": 1}
    (tmp_path / "best.yaml").write_text(yaml.safe_dump(said))
    words = [str(compositions), "--target", "e_form", "--settings", str(tmp_path / "best.yaml"), *words]
    _, settings = reading.main(words, standalone_mode=False)
    assert (settings.model, settings.unit, settings.members) == (model, unit, 1)


def test_an_unknown_setting_of_a_model_is_told_with_those_it_knows(compositions, tmp_path):
    (tmp_path / "best.yaml").write_text(yaml.safe_dump({"model": "magpie_forest", "model_settings": {"layers": 3}}))
    result = run("fit", compositions, "--target", "e_form", "--settings", tmp_path / "best.yaml")
    assert "best.yaml: model_settings of magpie_forest: layers: unknown key (known: trees" in result.output


def test_what_does_not_fit_is_refused(compositions, cells):
    for words, message in [
        ((compositions, "--target", "e_form", "--model", "cgcnn"), "has no cells, which cgcnn reads"),
        ((compositions, "--target", "band_gap"), "no column for the target (one of band_gap)"),
        ((cells, "--target", "volume", "--parent", "12"), "--parent and --transfer belong together"),
        ((cells, "--target", "volume", "--loss", "l3"), "loss"),
    ]:
        result = run("fit", *words)
        assert result.exit_code == 1
        assert message in result.output
    assert run("learning-curve", cells, "--target", "volume", "--sizes", "many").exit_code == 2
