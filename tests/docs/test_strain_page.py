"""The page on strain is followed with fewer points, from crystals as they are described in textbooks."""

from __future__ import annotations

import pytest
from pymatgen.core import Lattice, Structure

from tests.cli.conftest import run
from tests.docs.following import Reader

pytest.importorskip("chgnet", reason="the extra 'potential' is not installed")

PAGE = "docs/how-to/strain.md"
GRID = "-0.04,-0.03,-0.02,-0.01,0,0.01,0.02,0.03,0.04"
WORDS = {
    f"--ab={GRID} --c={GRID}": "--ab=0,0.02 --c=0",
    "--ab=-0.07,-0.05,-0.03,-0.01,0,0.01,0.03": "--ab=0,0.01",
}
"""What the page says, and what is less here."""

PLACES = {
    "T": ([0, 0, 0], [0, 0, 0.361], [0, 0.5, 0], [0, 0, 0.182]),
    "T-prime": ([0, 0, 0], [0, 0, 0.352], [0, 0.5, 0], [0, 0.5, 0.25]),
}
"""Of copper, lanthanum and both oxygens in La2CuO4 (I4/mmm), in the structures of K2NiF4 and of Nd2CuO4."""

KNOWN = {"La": -4.9, "Cu": -4.1, "O": -4.9, "La2O3": -8.7, "CuO": -5.0, "Cu2O": -4.8}
"""eV/atom; near those of the Materials Project, whose scheme the page names."""


@pytest.mark.slow
def test_the_page_says_what_its_commands_say(empty_profile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "crystals").mkdir()
    for name, places in PLACES.items():
        film = Structure.from_spacegroup(139, Lattice.tetragonal(3.81, 13.2), ["Cu", "La", "O", "O"], places)
        film.to(f"crystals/POSCAR.{name}", fmt="poscar")
    (tmp_path / "POSCAR.T").symlink_to("crystals/POSCAR.T")
    lines = [f"{name},{formula},{energy}" for name, (formula, energy) in enumerate(KNOWN.items())]
    (tmp_path / "references.csv").write_text("\n".join(["id,formula,energy_per_atom_ev", *lines]) + "\n")
    assert run("setup").exit_code == 0
    assert Reader(PAGE, tmp_path, words=WORDS, part="tests/docs/test_strain_page.py").follow() == 2
    for picture in ("strain-bonds.png", "strain-hull.png"):
        assert (tmp_path / picture).read_bytes().startswith(b"\x89PNG")
