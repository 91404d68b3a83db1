"""Candidates of a chemical system from the command line, read again as a campaign reads them."""

from __future__ import annotations

import re

import pytest

from aiida_mlhull.science.generators.decoration import decorate
from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.types import concatenate
from tests.cli.conftest import run

SMALL = ("Ti", "Zn", "N", "--max-sites", 3)


@pytest.mark.parametrize("name", ["candidates.parquet", "candidates.csv"])
def test_what_is_written_is_what_a_campaign_reads(tmp_path, name):
    path = tmp_path / name
    result = run("prototypes", *SMALL, "--output", path)
    assert result.exit_code == 0, result.output
    intake = read_candidates(path)
    made = concatenate(list(decorate(["Ti", "Zn", "N"], largest_cell=3)))
    assert intake.candidates.ids.tolist() == made.ids.tolist()
    assert intake.candidates.formulas.tolist() == made.formulas.tolist()
    assert intake.candidates.crystals is not None
    assert made.crystals is not None
    assert (intake.candidates.crystals.lattices == made.crystals.lattices).all()
    assert (intake.candidates.crystals.frac_coords == made.crystals.frac_coords).all()
    assert len(intake.left_out) == 0


def test_rock_salt_tin_is_there_once_and_says_where_it_came_from(tmp_path):
    path = tmp_path / "candidates.parquet"
    run("prototypes", *SMALL, "--output", path)
    found = read_candidates(path).candidates
    salts = [origin for origin in found.origins.tolist() if "AB_cF8_225_a_b" in origin]
    assert len(salts) == 3  # swapping the elements of rock salt changes nothing
    (origin,) = [origin for origin in salts if "Zn" not in origin.rpartition(":")[2].replace("Zn>", "")]
    assert re.fullmatch(r"candidates\.parquet row \d+: AB_cF8_225_a_b Halite, Rock Salt: \w+>\w+ \w+>\w+", origin)


def test_every_decoration_is_accounted_for(tmp_path):
    path = tmp_path / "candidates.parquet"
    printed = run("prototypes", *SMALL, "--output", path).output
    library, *over = (number(printed, line) for line in PASSED_OVER)
    assert library == 288
    assert sum(over) < library
    draws, same, left = (
        number(printed.rpartition("draws")[1] + printed.rpartition("draws")[2], line) for line in LINES
    )
    assert number(printed, "decorations") == draws == same + left
    assert len(read_candidates(path).candidates) == left


def test_it_is_short_for_the_generator(tmp_path):
    """Same draws, same crystals, in the same words."""
    settings = tmp_path / "settings.yaml"
    settings.write_text("largest_cell: 3\nsample: 40\n")
    short, whole = tmp_path / "short.parquet", tmp_path / "whole.parquet"
    one = run("prototypes", *SMALL, "--limit", 40, "--seed", 2, "--output", short).output
    other = run(
        "generate", "prototypes", "Ti", "Zn", "N", "--settings", settings, "--seed", 2, "--output", whole
    ).output
    assert one.replace("short.parquet", "whole.parquet") == other
    assert short.read_bytes() == whole.read_bytes()


def test_a_sample_is_drawn_by_the_seed(tmp_path):
    def drawn(seed):
        path = tmp_path / f"{seed}.parquet"
        printed = run("prototypes", *SMALL, "--limit", 5, "--seed", seed, "--output", path).output
        assert number(printed, "draws") == 5
        return set(read_candidates(path).candidates.ids.tolist())

    assert drawn(1) == drawn(1)
    assert drawn(1) != drawn(2)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("Ti", "Xx"), "unknown elements: Xx"),
        (("Ti", "Ti"), "twice"),
        (("Ti",), "no prototype"),
        (("Ti", "N", "--max-sites", 1), "at most 1 sites"),
    ],
)
def test_systems_that_make_no_sense(tmp_path, arguments, said):
    result = run("prototypes", *arguments, "--output", tmp_path / "candidates.parquet")
    assert result.exit_code != 0
    assert said in result.output
    assert not (tmp_path / "candidates.parquet").exists()


def test_where_nothing_can_be_written(tmp_path):
    assert "no folder" in run("prototypes", *SMALL, "--output", tmp_path / "none" / "candidates.parquet").output
    assert ".parquet or .csv" in run("prototypes", *SMALL, "--output", tmp_path / "candidates.cif").output


PASSED_OVER = ("prototypes", "with fewer than 2 elements", "with more than 3 sites", "with more than 3 elements")
LINES = ("draws", "same crystal", "candidates")


def number(printed, line):
    """The number that stands behind a line's name."""
    found = re.search(rf"^ *{line} +([\d,]+)", printed, re.MULTILINE)
    assert found is not None, printed
    return int(found[1].replace(",", ""))
