"""The page on models of any property is followed on small tables, with few members and epochs."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.tables.export import cif_files
from tests.cli.conftest import run
from tests.docs.following import Reader
from tests.docs.pages import ROOT

PAGE = "docs/how-to/train-on-any-property.md"
AUTHORS = ROOT / "tests" / "science" / "ensembles" / "published" / "formation-energy-per-atom.pth.tar"
QUICK = "{model_settings: {max_epochs: 1}}"
WORDS = {
    "--unit eV --model roost --members 10": "--unit eV --model roost --members 1 --settings quick.yaml",
    "--members 4 --settings short.yaml": "--members 2 --settings quick.yaml",
    "--settings ensemble.yaml": "--members 1 --settings quick.yaml",
    "--settings best.yaml": "--members 1 --settings best.yaml",
    "--sizes 50,100,200,400 --repeats 3": "--sizes 20,40 --repeats 1 --settings quick.yaml",
    "--trials 30": "--trials 1 --members 1",
}
"""What the page says, and what is shorter here."""


def excerpt(name: str) -> pa.Table:
    """What a clone brings of MP-20, or of the perovskites."""
    return pq.read_table(ROOT / "benchmarks" / "data" / f"{name}_excerpt.parquet")


@pytest.fixture
def folder(empty_profile, tmp_path, monkeypatch) -> Path:
    """With the tables that the page speaks of."""
    monkeypatch.chdir(tmp_path)
    Path("benchmarks/data").mkdir(parents=True)
    crystals = excerpt("mp20")
    pq.write_table(crystals.slice(0, 400), "learned.parquet")
    pq.write_table(crystals.slice(400), "others.parquet")
    pq.write_table(crystals.slice(0, 60), "benchmarks/data/mp20_excerpt.parquet")
    gaps = crystals.filter(pc.greater(crystals["band_gap"], 0)).slice(0, 60)
    columns = [gaps["material_id"], gaps["formula"], gaps["band_gap"]]
    pq.write_table(pa.table(columns, ["id", "formula", "band_gap_ev"]), "gaps.parquet")
    pq.write_table(pa.table(columns, ["id", "formula", "gap_ev"]), "measured.parquet")
    pq.write_table(excerpt("perov5").slice(0, 40), "perovskites.parquet")
    for file, content in cif_files(read_candidates(tmp_path / "others.parquet").candidates.take(range(3))):
        Path("crystals", file).parent.mkdir(exist_ok=True)
        Path("crystals", file).write_bytes(content)
    shutil.copy(AUTHORS, tmp_path)
    Path("quick.yaml").write_text(QUICK)
    Path("linear.yaml").write_text("{members: 1, model_settings: {max_epochs: 1, pooling: linear}}")
    assert run("setup").exit_code == 0
    return tmp_path


@pytest.mark.slow
def test_the_page_says_what_its_commands_say(folder):
    words = [
        "--target",
        "formation_energy_per_atom",
        "--unit",
        "eV/atom",
        "--model",
        "cgcnn",
        "--members",
        "2",
        "--settings",
        "quick.yaml",
    ]
    energies = re.search(r"Ensemble (\d+)", run("fit", "learned.parquet", *words).output)
    assert Reader(PAGE, folder, words=WORDS, numbers={"28": energies[1]}).follow()
