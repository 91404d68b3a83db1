"""Ensembles that are asked about tables, folders, nodes and campaigns, and held against what is true."""

from __future__ import annotations

import json
import re

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from aiida_mlhull.launching import stored
from aiida_mlhull.science.ensembles import predict
from aiida_mlhull.science.reading.properties import read_properties
from aiida_mlhull.science.wire import encode_ensemble
from tests.cli.conftest import run
from tests.science.real_crystals import mp_crystals, mp_energies

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Formation energies of real crystals, by formula."""
    path = tmp_path_factory.mktemp("asked") / "energies.parquet"
    energies = mp_energies()
    columns = {"e_form": energies, "strong": energies < np.median(energies)}
    pq.write_table(pa.table({"formula": mp_crystals().reduced_formulas(), **columns}), path)
    return path


@pytest.fixture(scope="module")
def ensemble(registered, table):
    """Trees that have learned them."""
    result = run("fit", table, "--target", "e_form", "--unit", "eV/atom", "--members", 2)
    assert result.exit_code == 0, result.output
    return int(result.output.split("Ensemble ")[1].split(":")[0])


def predictions_of(facts):
    """The stored predictions that a command names."""
    from aiida import orm

    return orm.load_node(facts["predictions"][0]).to_science()


def test_a_table_is_predicted_as_its_members_predict(ensemble, table, tmp_path):
    result = run("predict", ensemble, table, "-o", tmp_path / "said.csv")
    assert result.exit_code == 0, result.output
    assert "Warning" not in result.output
    said = pc.read_csv(tmp_path / "said.csv")
    noun = stored.ensemble(str(ensemble)).to_science()
    alone = predict(noun, read_properties(table, target="e_form").rows)
    np.testing.assert_allclose(said["mean"].to_numpy(), alone.mean, rtol=1e-5)
    np.testing.assert_allclose(said["sigma"].to_numpy(), alone.sigma, rtol=1e-5)


def test_errors_are_those_of_the_table(ensemble, table, tmp_path):
    result = run("evaluate", ensemble, table, "--target", "e_form", "-o", tmp_path / "pictures", "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    told = predictions_of(facts)
    truth = read_properties(table, target="e_form").rows
    errors = told.mean - truth.energies[truth.positions(told.ids)]
    assert facts["mae"] == pytest.approx(np.abs(errors).mean())
    assert facts["rmse"] == pytest.approx(np.sqrt((errors**2).mean()))
    assert facts["quantiles"]["0.9"] == pytest.approx(np.quantile(np.abs(errors), 0.9))
    assert facts["coverage"]["0.95"] == pytest.approx((np.abs(errors) <= 1.959964 * told.sigma).mean())
    assert (tmp_path / "pictures" / "parity.png").stat().st_size > 10_000


def test_what_was_never_seen_is_warned_of(ensemble, tmp_path):
    (tmp_path / "rare.csv").write_text("formula,e_form\nPu2O3,-3.1\nMgO,-3.0\n")
    result = run("evaluate", ensemble, tmp_path / "rare.csv", "--target", "e_form")
    assert result.exit_code == 0, result.output
    assert "Warning: never learned: Pu, in 1 of 2 rows (row-0000000)" in result.output
    assert "MAE, eV/atom" in result.output


def test_classes_are_scored_as_classes(registered, table, tmp_path):
    (tmp_path / "small.yaml").write_text(
        "model_settings: {width: 8, hidden_width: 8, output_widths: [16], max_epochs: 3}"
    )
    result = run("fit", table, "--classes", "strong", "--members", 1, "--settings", tmp_path / "small.yaml")
    pk = int(result.output.split("Ensemble ")[1].split(":")[0])
    result = run("evaluate", pk, table, "--target", "strong", "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["rows"] == 94
    assert sum(map(sum, facts["confusion"])) == 94
    told = predictions_of(facts)
    truth = read_properties(table, target="strong", as_classes=True).rows
    right = (told.mean > 0.5) == (truth.energies[truth.positions(told.ids)] == 1)
    assert facts["accuracy"] == pytest.approx(right.mean())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("evaluate",), "nothing is known of these rows"),
        (("evaluate", "--truth", "nothing"), "nothing"),
        (("predict", "--references", "nothing"), "nothing"),
    ],
)
def test_what_can_not_be_answered(ensemble, table, words, message):
    command, *rest = words
    result = run(command, ensemble, table, *rest)
    assert result.exit_code == 1
    assert message in result.output


def test_published_weights_predict(registered, tmp_path):
    """The network of CGCNN's authors, imported, asked about two crystals."""
    from tests.science.ensembles.test_published import SHIPPED, TABLE

    result = run("import", "weights", SHIPPED)
    assert result.exit_code == 0, result.output
    assert "1 members of cgcnn for energy_minus_baseline" in result.output
    assert "MIT license" in result.output
    pq.write_table(pq.read_table(TABLE).slice(0, 2), tmp_path / "two.parquet")
    words = [tmp_path / "two.parquet", "--target", "formation_energy_per_atom", "--formation", "--json"]
    result = run("evaluate", "formation-energy-per-atom", *words)
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["rows"] == 2
    assert facts["mae"] < 0.1


def test_an_exported_ensemble_comes_back(ensemble, table, tmp_path):
    """Out by AiiDA's command, in by ours; it says the same."""
    from aiida import orm

    from aiida_mlhull.cli.data import ensemble as of_verdi

    folder = tmp_path / "mine"
    words = ["export", str(ensemble), "--format", "safetensors", "-o", f"{folder}/"]
    exported = CliRunner().invoke(of_verdi, words)
    assert exported.exit_code == 0, exported.output
    result = run("import", "weights", folder)
    assert result.exit_code == 0, result.output
    assert "made by aiida-mlhull" in result.output
    again = int(re.match(r"Ensemble (\d+):", result.output)[1])
    there, here = (encode_ensemble(orm.load_node(pk).to_science()) for pk in (ensemble, again))
    assert here == there
    assert orm.load_node(again).label == "mine"
    (folder / "member_000.safetensors").unlink()
    result = run("import", "weights", folder)
    assert result.exit_code == 1
    assert "weights files are missing: member_000.safetensors" in result.output
    assert "no exported ensemble" in run("import", "weights", tmp_path).output
