"""Candidates from the command line: what is counted, what is written, what is refused."""

from __future__ import annotations

import re
from itertools import pairwise

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.wire import decode_substitutions
from tests.arsenides import DEMO
from tests.cli.conftest import run

OWN = DEMO / "hypothetical_pnictides.parquet"
HULL = ("--references", DEMO / "competing_phases.parquet", "--elements", DEMO / "elements.json")


@pytest.fixture
def settings(tmp_path):
    """Write settings of a generator."""

    def write(**values):
        path = tmp_path / "settings.yaml"
        path.write_text(yaml.safe_dump(values))
        return path

    return write


def counts(said):
    """Numbers by the names that stand before them; of those that are told twice the last."""
    return {
        name.strip(): int(n.replace(",", "")) for name, n in re.findall(r"^  (\S.*?) +([\d,]+)$", said, re.MULTILINE)
    }


def test_substitution_from_own_crystals(tmp_path, settings):
    path, table = tmp_path / "candidates.parquet", tmp_path / "table.json"
    chosen = settings(draws=4, smoothing=0.5)
    result = run("generate", "substitution", OWN, *HULL, "--settings", chosen, "-o", path, "--write-table", table)
    assert result.exit_code == 0, result.output
    assert "354 crystals, 336 with symmetry beyond P1; 8 left out" in result.output
    told = counts(result.output)
    found = read_candidates(path).candidates
    assert len(found) == told["candidates"]
    assert told["draws"] == 4 * told["parents"]
    reasons = set(told) & {"unchanged", "known composition", "two classes one element", "drawn before", "same crystal"}
    assert told["candidates"] + sum(told[reason] for reason in reasons) == told["draws"]
    assert all(re.search(r": .+>.+, draw \d", origin) for origin in found.origins.tolist())
    assert decode_substitutions(table.read_bytes()).smoothing == 0.5
    again = tmp_path / "again.parquet"
    run("generate", "substitution", OWN, *HULL, "--settings", chosen, "--table", table, "-o", again)
    assert again.read_bytes() == path.read_bytes()


def test_the_table_is_drawn(tmp_path):
    picture = tmp_path / "table.png"
    result = run("generate", "substitution", OWN, *HULL, "--dry-run", "--draw-table", picture)
    assert result.exit_code == 0, result.output
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_prototypes_are_those_of_the_other_command(tmp_path):
    run("generate", "prototypes", "Ti", "Zn", "N", "--settings", _small(tmp_path), "-o", tmp_path / "new.parquet")
    run("prototypes", "Ti", "Zn", "N", "--max-sites", 3, "--output", tmp_path / "old.parquet")
    new, old = (read_candidates(tmp_path / name).candidates for name in ("new.parquet", "old.parquet"))
    assert new.ids.tolist() == old.ids.tolist()
    assert (new.crystals.lattices == old.crystals.lattices).all()


def _small(folder):
    (folder / "small.yaml").write_text("largest_cell: 3\n")
    return folder / "small.yaml"


def test_own_prototypes(tmp_path):
    path = tmp_path / "candidates.csv"
    result = run("generate", "prototypes", "Ti", "N", "--crystals", OWN, "--settings", _small(tmp_path), "-o", path)
    assert result.exit_code == 0, result.output
    assert set(read_candidates(path).candidates.formulas.tolist()) <= {"TiN", "Ti2N", "TiN2"}


def test_enumeration(tmp_path, settings):
    path = tmp_path / "labels.parquet"
    limits = settings(max_sites=8, max_positions=2, space_groups=[216, 221, 225])
    result = run("generate", "enumeration", "TiN", "Zn3N2", "--settings", limits, "-o", path)
    assert result.exit_code == 0, result.output
    told = counts(result.output)
    assert told["draws"] == told["representations of TiN"] + told["representations of Zn3N2"] == told["candidates"]
    labels = pq.read_table(path)["protostructure"].to_pylist()
    assert "AB_cF8_225_a_b:N-Ti" in labels
    assert len(set(labels)) == len(labels)


def test_a_dry_run_counts_and_writes_nothing(tmp_path):
    result = run("generate", "enumeration", "TiN", "--dry-run", "-o", tmp_path / "labels.parquet")
    assert counts(result.output)["draws"] > 10_000
    assert "nothing was written" in result.output
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("alchemy", "Pb"), "unknown generator 'alchemy'; known: enumeration"),
        (("enumeration",), "starts from some formulas"),
        (("substitution",), "one file or folder of crystals"),
        (("substitution", "nowhere.parquet"), "no such file or folder"),
        (("substitution", OWN), "how far these crystals are above the hull is not known"),
        (("substitution", OWN, "--crystals", OWN), "--crystals is for prototypes"),
        (("prototypes", "Ti", "Xx"), "unknown elements: Xx"),
        (("enumeration", "Xx"), "unknown elements"),
        (("prototypes", "Ti", "N", "--write-table", "t.json"), "only substitution draws from a substitution table"),
    ],
)
def test_what_makes_no_sense(tmp_path, arguments, said):
    result = run("generate", *arguments, "-o", tmp_path / "candidates.parquet")
    assert result.exit_code != 0
    assert said in result.output
    assert list(tmp_path.iterdir()) == []


def test_settings_that_no_generator_knows(tmp_path, settings):
    result = run("generate", "enumeration", "TiN", "--settings", settings(max_site=3), "--dry-run")
    assert result.exit_code != 0
    assert "max_site: unknown key (known: max_sites" in result.output


def test_output_has_to_be_named():
    assert "--dry-run" in run("generate", "enumeration", "TiN").output


def test_an_empty_result_says_why(tmp_path, settings):
    """All elements that arsenides teach are excluded but arsenic itself."""
    chosen = settings(exclude=["Be", "Cd", "Rb"], draws=2, near_hull=None)
    result = run("generate", "substitution", OWN, "--settings", chosen, "-o", tmp_path / "none.parquet")
    assert result.exit_code != 0
    assert "no candidate came of" in result.output
    assert not (tmp_path / "none.parquet").exists()


# ------------------------------------------------------------------- clean


def test_clean_tells_what_every_filter_has_dropped(tmp_path, settings):
    path, decisions = tmp_path / "clean.parquet", tmp_path / "decisions.csv"
    chosen = settings(positions=8)
    result = run("clean", OWN, "--settings", chosen, "-o", path, "--decisions", decisions)
    assert result.exit_code == 0, result.output
    rows = re.findall(r"^  (\S.*?) +(\d+) +(\d+) +(\d+)$", result.output, re.MULTILINE)
    assert rows[0][0] == "no representation"
    assert int(rows[0][1]) == 354
    assert all(one[3] == other[1] for one, other in pairwise(rows))
    left = read_candidates(path).candidates
    assert len(left) == int(rows[-1][3])
    reasons = decisions.read_text()
    assert reasons.count("too_many_positions") == int(rows[1][2]) > 0
    assert len(np.unique(left.ids)) == len(left)


def test_clean_against_what_is_known(tmp_path):
    """What has been cleaned once is known the next time."""
    run("clean", OWN, "-o", tmp_path / "clean.parquet")
    result = run("clean", OWN, "-o", tmp_path / "none.parquet", "--known", tmp_path / "clean.parquet")
    assert result.exit_code != 0
    assert "known crystal" in result.output
    assert "no candidate is left" in result.output
    assert not (tmp_path / "none.parquet").exists()


def test_clean_writes_tables_only(tmp_path):
    assert "known are .parquet, .csv" in run("clean", OWN, "-o", tmp_path / "clean.cif").output


def test_candidates_go_to_aiida_in_shards(aiida_profile, tmp_path):
    from aiida import orm

    table = tmp_path / "system.parquet"
    assert run("generate", "prototypes", "Ti", "N", "-o", table).exit_code == 0
    result = run("generate", "prototypes", "Ti", "N", "--group", "titanium and nitrogen")
    assert result.exit_code == 0, result.output
    assert "stored: 1 node in group 'titanium and nitrogen'" in result.output
    (node,) = orm.load_group("titanium and nitrogen").nodes
    assert node.to_science().ids.tolist() == sorted(pq.read_table(table)["id"].to_pylist())
    again = run("generate", "prototypes", "Ti", "N", "--group", "titanium and nitrogen")
    assert again.exit_code == 1
    assert "there is a group" in again.output
    both = run("generate", "prototypes", "Ti", "N", "--group", "a", "-o", table)
    assert "--output FILE or --group LABEL" in both.output
