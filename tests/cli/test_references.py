"""Snapshots of known phases: from a file, and from results in the graph."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest

from aiida_mlhull.science.reading import read_references
from aiida_mlhull.science.schemes import KNOWN
from tests.cli.conftest import run
from tests.data.nouns import labels
from tests.data.nouns import references as known_phases
from tests.science.reading.phases.test_entries import elements, entry, write

pytestmark = pytest.mark.usefixtures("aiida_profile")


def loaded(output):
    from aiida import orm

    found = re.match(r"References (\d+)\n", output)
    assert found is not None, output
    return orm.load_node(int(found[1]))


@pytest.fixture
def entries(tmp_path):
    wrong = entry("Zn2O2", -18.0, u={"Zn": 7.5}, run_type="GGA+U", name="wrong")
    return write(tmp_path / "entries.json.gz", [*elements(), entry("Ti2O4", -52.9), entry("Zn2O2", -18.1), wrong])


def test_a_file_of_entries_becomes_a_snapshot_with_the_same_energies(entries):
    result = run("references", "import", entries, "--scheme", "PBE")
    assert result.exit_code == 0, result.output
    node = loaded(result.output)
    stored, read = node.to_science(), read_references(entries, corrections="mp2020", scheme="PBE").references
    assert stored.ids.tolist() == read.ids.tolist()
    assert stored.energies.tolist() == read.energies.tolist()
    assert node.base.attributes.get("scheme") == KNOWN["mp-pbe-2020"].text
    assert "mp-pbe-2020 (PBE(+U)" in result.output
    assert re.search(rf"content hash +{node.base.attributes.get('content_hash')}", result.output)
    assert re.search(r"phases +6\n", result.output)
    assert "Left out: 1 phase" in result.output
    assert re.search(r"1 +refused_by_mp2020 +Invalid U value of 7.5 on Zn, expected 0.0 +wrong", result.output)


def test_the_same_file_gives_the_same_hash(entries, tmp_path):
    first, second = (loaded(run("references", "import", entries).output) for _ in range(2))
    assert first.pk != second.pk
    assert first.base.attributes.get("content_hash") == second.base.attributes.get("content_hash")
    raw = write(tmp_path / "raw.json", [*elements(), entry("Ti2O4", -52.9), entry("Zn2O2", -18.1)])
    other = loaded(run("references", "import", raw, "--corrections", "none").output)
    assert other.n_rows == 6
    assert other.base.attributes.get("scheme") == "PBE, not corrected"
    assert other.base.attributes.get("content_hash") != first.base.attributes.get("content_hash")


def test_several_functionals_and_guesses_are_told(tmp_path):
    mixed = write(tmp_path / "mixed.json", [*elements(), entry("Ti2O4", -80.0, run_type="R2SCAN")])
    refused = run("references", "import", mixed, "--corrections", "none", "--scheme", "PBE")
    assert "4 of PBE (Ti2, O8, Zn2 and 1 more) and 1 of r2SCAN (Ti2O4)" in refused.output
    assert "[mixed_schemes]" in refused.output
    chosen = run("references", "import", mixed, "--only", "PBE")
    assert re.search(r"1 +other_functional +r2SCAN +Ti2O4", chosen.output)
    peroxide = write(tmp_path / "guessed.json", [*elements(), entry("ZnO2", -14.0)])
    assert re.search(r"1 +guessed_anions", run("references", "import", peroxide).output)
    kept = run("references", "import", peroxide, "--guesses", "keep")
    assert "Corrected by a guess: 1 phase" in kept.output
    assert loaded(kept.output).base.extras.get("remarks").keys() == {"ZnO2"}


def test_schemes_are_listed_with_their_ids():
    output = run("references", "schemes").output
    for known in KNOWN.values():
        assert f"{known.name}\n" in output
        assert known.text in output


def test_a_table_with_elements_apart(tmp_path):
    (tmp_path / "phases.csv").write_text("formula,energy_ev_per_atom\nTiO2,-8.9\nFeO,-7.0\n")
    (tmp_path / "elements.json").write_text(json.dumps({"Ti": -7.8, "O": -4.9}))
    result = run("references", "import", tmp_path / "phases.csv", "--elements", tmp_path / "elements.json")
    assert loaded(result.output).n_rows == 3
    assert re.search(r"1 +missing_end_members +Fe +phase:FeO", result.output)


def test_what_is_refused_leaves_nothing_behind(entries, nothing_stored):
    result = run("references", "import", entries, "--corrections", "included")
    assert result.exit_code == 1
    assert "[mixed_schemes]" in result.output


@pytest.fixture
def group(aiida_profile):
    from aiida import orm

    from aiida_mlhull.data import LabelsData, ReferencesData

    def make(label, **changes):
        ids = np.asarray([f"new{i}" for i in range(6)])
        made = [LabelsData.from_science(labels(ids=ids, scheme="PBE")), LabelsData.from_science(labels(**changes))]
        orm.Group(label).store().add_nodes([node.store() for node in made])
        return ReferencesData.from_science(known_phases()).store()

    return make


def test_a_group_of_results_extends_a_snapshot(group):
    known = group("grown", ids=np.asarray([f"more{i}" for i in range(6)]), scheme="PBE")
    result = run("references", "from-group", "grown", "--references", known.pk)
    assert result.exit_code == 0, result.output
    node = loaded(result.output)
    assert node.n_rows == 6 + 2 * 5
    assert "2 results without an energy left out" in result.output
    assert node.to_science().source == "a table + results in group grown"
    assert known.pk in {link.node.pk for link in node.creator.base.links.get_incoming().all()}


@pytest.mark.parametrize(
    ("name", "changes", "said"),
    [
        ("scheme", {"scheme": "r2SCAN", "ids": np.asarray([f"m{i}" for i in range(6)])}, "[mixed_schemes]"),
        ("same", {"scheme": "PBE"}, "duplicate ids: c0"),
        ("stage", {"scheme": "PBE", "stage": "final"}, "results of stages final, volume: choose with --stage"),
    ],
)
def test_results_that_do_not_fit_are_refused_before_a_process_fails(group, name, changes, said):
    from aiida import orm

    known = group(name, **changes)
    before = orm.QueryBuilder().append(orm.ProcessNode).count()
    result = run("references", "from-group", name, "--references", known.pk)
    assert result.exit_code == 1
    assert said in result.output
    assert orm.QueryBuilder().append(orm.ProcessNode).count() == before


def test_groups_and_snapshots_that_are_not_there(group):
    known = group("there", scheme="PBE", ids=np.asarray([f"n{i}" for i in range(6)]))
    assert "there is no group 'nowhere'" in run("references", "from-group", "nowhere", "--references", known.pk).output
    assert "999999999" in run("references", "from-group", "there", "--references", 999999999).output
