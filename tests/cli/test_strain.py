"""Strain from the command line: a film of one crystal, and what is refused before anything is stored."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice, Structure

from tests.cli.conftest import run

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")


@pytest.fixture
def salt(tmp_path):
    path = tmp_path / "POSCAR.salt"
    Structure.from_spacegroup(225, Lattice.cubic(4.25), ["Mg", "O"], [[0, 0, 0], [0.5, 0.5, 0.5]]).to(
        path, fmt="poscar"
    )
    return path


@pytest.mark.slow
@pytest.mark.usefixtures("registered")
def test_a_film_of_a_single_crystal(salt, tmp_path):
    result = run("strain", salt, "--film", "--ab=0,0.02", "--pairs", "Mg-O", "-o", tmp_path / "film.png")
    assert result.exit_code == 0, result.output
    bonds = [line.split() for line in result.output.splitlines() if line.strip().startswith("Mg-O")]
    assert [line[3] for line in bonds] == ["0°", "90°"]
    plane, normal = (float(line[-2]) for line in bonds)
    assert plane == pytest.approx(float(bonds[0][1]), abs=2e-3)  # half the lattice parameter, by definition
    assert normal < -0.1  # a film that is stretched in its plane is thinner
    assert (tmp_path / "film.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.usefixtures("registered", "nothing_stored")
def test_what_cannot_be_strained_is_refused_first(salt):
    assert "0 among them" in run("strain", salt, "--ab=0.01").output
    assert "fractions with commas" in run("strain", salt, "--ab=2%").output
    assert "no crystal has bonds Mg-N" in run("strain", salt, "--pairs", "Mg-N").output
