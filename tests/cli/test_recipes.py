"""How to make a phase, and whether it lasts: from a file, and from the graph."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.conftest import run
from tests.science.recipes.conftest import published, titanates

__all__ = ["published", "titanates"]


@pytest.fixture
def energies(titanates, tmp_path):
    path = tmp_path / "titanates.parquet"
    columns = {"id": titanates.ids, "formula": titanates.formulas, "energy_ev_per_atom": titanates.energies}
    pq.write_table(pa.table({name: column.tolist() for name, column in columns.items()}), path)
    return path


def test_recipes_from_a_file(energies, tmp_path):
    listed = tmp_path / "shelf.txt"
    listed.write_text("BaCO3  # barium\nTiO2\nBaS\n")
    out = tmp_path / "reactions.csv"
    result = run(
        "recipes", "BaTiO3", "--references", energies, "--precursors", listed, "--with", "C",
        "--atmosphere", "air", "--temperature", "1300", "-o", out,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "TiO2 + BaCO3 -> CO2 + BaTiO3" in result.output
    assert "not among the references: BaS" in result.output
    assert "air at 1300 K" in result.output
    assert "TiO2 + BaCO3 -> CO2 + BaTiO3" in out.read_text()


@pytest.mark.usefixtures("aiida_profile")
def test_recipes_of_a_snapshot_are_stored(titanates, published):
    from aiida import orm

    from aiida_mlhull.data import RecipesData, ReferencesData

    known = ReferencesData.from_science(titanates).store()
    literature = RecipesData.from_science(published).store()
    result = run(
        "recipes", "BaTiO3", "--references", known.pk, "--literature", literature.pk, "--with", "C",
        "--atmosphere", "air", "--temperature", "1300", "--ranking", "popularity", "--top", "3",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert "3 for BaTiO3, 1423 K 10 h, 10.1/c" in result.output
    assert "expected" in result.output
    assert "BaTiO3 (0.0)" in result.output
    pk = int(result.output.split("stored: mlhull.reactions ")[1].split()[0])
    assert orm.load_node(pk).creator.inputs.references.pk == known.pk


def test_weights_and_triples(energies):
    ask = ["recipes", "BaTiO3", "--references", energies, "--triples", "--weights", "1", "0", "0"]
    result = run(*ask)
    assert result.exit_code == 0, result.output
    row = next(line.split() for line in result.output.splitlines() if line.startswith("1 "))
    energy, gamma = row[row.index("BaTiO3") + 1], row[-3]
    assert energy == gamma
    assert "weights" in run(*ask[:-3], "-1", "0", "0").output


@pytest.mark.parametrize("suffix", ["html", "png"])
def test_a_slice_and_its_picture(energies, tmp_path, suffix):
    picture = tmp_path / f"slice.{suffix}"
    result = run("slice", "BaO", "TiO2", "--references", energies, "--target", "BaTiO3", "-o", picture)
    assert result.exit_code == 0, result.output
    assert "0.6000    -308.0  BaTiO3   <- target" in result.output
    assert "0.4286" in result.output
    assert picture.stat().st_size > 5000


def test_the_bench_test(energies):
    result = run("air", "BaO", "--references", energies)
    assert result.exit_code == 0, result.output
    assert "BaO + CO2 -> BaCO3" in result.output
    assert "the references hold no H" in result.output


def test_what_is_wrong_is_said(energies, tmp_path):
    assert (
        "unknown atmosphere 'steam'"
        in run("recipes", "BaTiO3", "--references", energies, "--atmosphere", "steam").output
    )
    assert "O2=0.2,CO2=1e-3" in run("slice", "BaO", "TiO2", "--references", energies, "--atmosphere", "O2=x").output
    assert "known are .html" in run("slice", "BaO", "TiO2", "--references", energies, "-o", tmp_path / "a.gif").output
    assert "say which energies to use" in run("air", "BaO").output
    assert "unknown ranking 'luck'" in run("recipes", "BaTiO3", "--references", energies, "--ranking", "luck").output
