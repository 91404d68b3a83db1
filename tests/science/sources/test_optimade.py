"""Import from a real OPTIMADE server, which the tests start on this machine."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from aiida_mlhull.cli import main
from aiida_mlhull.science.errors import InputError, WireError
from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.sources import SOURCES
from aiida_mlhull.science.sources.client import Client
from aiida_mlhull.science.sources.importing import import_from
from tests.science.sources.optimade_server import entry, serving

pytestmark = pytest.mark.skipif(find_spec("optimade") is None, reason="needs optimade[server], of the extra 'tests'")

SALTS = [(metal, halogen) for metal in ("Li", "Na", "K", "Rb", "Cs") for halogen in ("F", "Cl", "Br", "I")]


def salt(number, metal, halogen, **changes):
    """Rock salt in its primitive cell."""
    a = 2.0 + 0.1 * number
    cell = [[0, a, a], [a, 0, a], [a, a, 0]]
    return entry(f"salt-{number:02d}", [metal, halogen], cell, [[0, 0, 0], [a, a, a]], **changes)


@pytest.fixture(scope="module")
def entries():
    energies = np.random.default_rng(0).uniform(0, 0.2, len(SALTS)).round(6)
    sound = [
        salt(number, *pair, _mlt_energy_above_hull=energy, _mlt_stability_by={"code": "VASP"}, _mlt_color="white")
        for number, (pair, energy) in enumerate(zip(SALTS, energies.tolist(), strict=True), start=10)
    ]
    mixed = [{"name": "Na", "chemical_symbols": ["Na", "K"], "concentration": [0.5, 0.5]}]
    chloride = [{"name": "Cl", "chemical_symbols": ["Cl"], "concentration": [1.0]}]
    vacant = [{"name": "Na", "chemical_symbols": ["Na"], "concentration": [0.9]}]
    broken = [
        salt(50, "Na", "Cl", species=mixed + chloride, structure_features=["disorder"]),
        salt(51, "Na", "Cl", species=vacant + chloride, structure_features=["disorder"]),
        salt(52, "Na", "Cl", dimension_types=[1, 1, 0], nperiodic_dimensions=2),
        salt(53, "Na", "Cl", cartesian_site_positions=[[0, 0, 0], [0.01, 0, 0]]),
    ]
    return sound + broken


@pytest.fixture(scope="module")
def url(entries, tmp_path_factory):
    with serving(entries, tmp_path_factory.mktemp("optimade")) as address:
        yield address


class Counting(Client):
    """A client that remembers what it has asked."""

    def get(self, url):
        self.__dict__.setdefault("asked", []).append(url)
        return super().get(url)


def source(url, **settings):
    return SOURCES["optimade"](url, **{"client": Counting(pause=0.0), "page_size": 6, **settings})


def test_everything_comes_page_by_page_with_the_providers_energies(url, entries, tmp_path):
    seen = []
    path = tmp_path / "salts.parquet"
    counts = import_from(source(url), path, progress=lambda so_far: seen.append(so_far.read))
    assert seen == [6, 12, 18, 24]
    assert (counts.read, counts.used, counts.total) == (24, 20, 24)
    assert counts.left_out == {"disordered": 2, "not_periodic": 1, "overlapping_atoms": 1}
    table = pq.read_table(path).to_pylist()
    sent = {line["id"]: line["attributes"] for line in entries}
    assert {row["id"]: row["_mlt_energy_above_hull"] for row in table} == {
        row["id"]: sent[row["id"]]["energy_above_hull"] for row in table
    }
    assert {row["_mlt_stability_by"] for row in table} == {'{"code": "VASP"}'}
    assert "_mlt_color" not in table[0]
    assert {row["protostructure"].partition(":")[0] for row in table} == {"AB_cF8_225_a_b"}
    again = read_candidates(path).candidates
    assert again.crystals.volumes[0] == pytest.approx(2 * 3.0**3)
    assert again.origins[0].endswith(f"{url.removeprefix('http://')} salt-10")
    assert sorted(found.name for found in tmp_path.iterdir()) == ["salts.parquet"]


def test_a_filter_and_columns_of_choice(url, tmp_path):
    chosen = source(url, query='elements HAS "Li"', keep=("_mlt_color",))
    counts = import_from(chosen, tmp_path / "lithium.csv")
    assert counts.used == 4
    assert counts.columns == ("_mlt_color",)
    assert read_candidates(tmp_path / "lithium.csv").candidates.formulas.tolist() == ["LiF", "LiCl", "LiBr", "LiI"]


def test_an_interrupted_import_goes_on_where_it_stopped(url, tmp_path):
    path = tmp_path / "salts.parquet"

    def after_two_pages(so_far):
        if so_far.read == 12:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_from(source(url), path, progress=after_two_pages)
    assert not path.exists()
    journal = tmp_path / "salts.parquet.journal"
    # Cut off in the midst of a line, as a machine that goes down may leave it.
    with journal.open("a") as stream:
        stream.write('{"after": "http')
    with pytest.raises(InputError, match=r"begun for something else \(filter differ\)"):
        import_from(source(url, query="nelements=2"), path)
    second = source(url)
    assert import_from(second, path).used == 20
    asked = second._client.asked
    assert len(asked) == 2
    assert all("page_offset=12" in link or "page_offset=18" in link for link in asked)
    whole = tmp_path / "whole.parquet"
    import_from(source(url), whole)
    assert pq.read_table(path).equals(pq.read_table(whole))
    assert not journal.exists()


def test_what_the_server_refuses_is_told_in_its_words(url, tmp_path):
    with pytest.raises(InputError, match="refuses the request"):
        import_from(source(url, query="elements HAS"), tmp_path / "t.parquet")
    with pytest.raises(InputError, match=r"has no columns _mlt_price; its own are: _mlt_color, _mlt_energy_above_hull"):
        import_from(source(url, keep=("_mlt_price",)), tmp_path / "u.parquet")


def test_nothing_found_and_nothing_usable_are_told_apart(url, tmp_path):
    with pytest.raises(InputError, match="nothing was found"):
        import_from(source(url, query='elements HAS "Pu"'), tmp_path / "none.parquet")
    query = 'id = "salt-50" OR id = "salt-51" OR id = "salt-52"'
    with pytest.raises(InputError, match="none of 3 entries can be used: 2 disordered, 1 not_periodic"):
        import_from(source(url, query=query), tmp_path / "none.parquet")
    assert list(tmp_path.glob("*.parquet")) == []


def test_the_command(url, tmp_path):
    arguments = ["import", "optimade", url, "--filter", 'elements HAS "Cs"', "--pause", "0", "--page", "2"]
    result = CliRunner().invoke(main, [*arguments, "-o", str(tmp_path / "cesium.parquet")])
    assert result.exit_code == 0, result.output
    said = " ".join(result.output.split())
    assert "2 of 4 read" in said
    assert (
        "read 4 candidates 4 left out 0 kept beside the cells _mlt_energy_above_hull, _mlt_formation_energy_per_atom, _mlt_stability_by"
        in said
    )


def test_a_server_that_is_down(tmp_path):
    down = SOURCES["optimade"]("http://127.0.0.1:9", client=Client(tries=2, first_wait=0.01))
    with pytest.raises(WireError, match=r"127.0.0.1:9 can't be reached: .*tried 2 times"):
        import_from(down, tmp_path / "t.parquet")
