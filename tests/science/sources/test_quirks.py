"""Answers that are short, endless, broken in places, or point nowhere: each is told as what it is."""

from __future__ import annotations

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from aiida_mlhull.cli import main
from aiida_mlhull.science.errors import IncompleteAnswerError, InputError, WireError
from aiida_mlhull.science.sources import SOURCES
from aiida_mlhull.science.sources.client import Client
from aiida_mlhull.science.sources.importing import import_from
from tests.science.sources.quirks import Lab, answering

BY = ["page_offset", "page_number"]


def taken(url, tmp_path, **settings):
    source = SOURCES["optimade"](url, client=Client(pause=0.0, tries=2, first_wait=0.01), **settings)
    return import_from(source, tmp_path / "t.parquet")


def imported(lab, tmp_path, **settings):
    with answering(lab) as url:
        return taken(url, tmp_path, **settings)


@pytest.mark.parametrize("by", BY)
def test_links_relative_to_the_page_are_followed(by, tmp_path):
    counts = imported(Lab(by), tmp_path)
    assert (counts.used, counts.total, counts.missing) == (7, 7, 0)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.parquet"]


def without_link(first, answer, query):
    answer["links"] = {}


def link_of_another_name(first, answer, query):
    answer["links"] = {"following": answer["links"]["next"]}


@pytest.mark.parametrize("change", [without_link, link_of_another_name])
def test_an_answer_that_ends_early_says_how_much_is_missing(change, tmp_path):
    with pytest.raises(IncompleteAnswerError, match=r"announced 7 entries, .* end after 3: 4 are missing"):
        imported(Lab("page_offset", change), tmp_path)
    assert not (tmp_path / "t.parquet").exists()


@pytest.mark.parametrize("change", [without_link, link_of_another_name])
def test_a_part_is_marked_as_one(change, tmp_path):
    counts = imported(Lab("page_number", change), tmp_path, partial=True)
    assert (counts.used, counts.missing) == (3, 4)
    assert "announced 7 entries, 4 are missing" in (tmp_path / "t.parquet.missing.txt").read_text()


def test_the_mark_goes_when_the_rest_has_come(tmp_path):
    imported(Lab("page_number", without_link), tmp_path, partial=True)
    imported(Lab("page_number"), tmp_path)
    assert not (tmp_path / "t.parquet.missing.txt").exists()


def test_a_short_answer_is_asked_for_again_where_it_ended(tmp_path):
    lab = Lab("page_offset", lambda first, answer, query: without_link(first, answer, query) if first == 3 else None)
    with answering(lab) as url:
        with pytest.raises(IncompleteAnswerError, match="1 are missing"):
            taken(url, tmp_path)
        lab.change, lab.asked = None, []
        assert taken(url, tmp_path).used == 7
    assert [query.get("page_offset") for query in lab.asked] == ["3", "6"]


def more_without_a_number(first, answer, query):
    answer["meta"].pop("data_returned")
    answer["links"] = None


def test_more_is_said_to_be_there_but_not_where(tmp_path):
    with pytest.raises(IncompleteAnswerError, match="more entries than the 3 that came, but not where"):
        imported(Lab("page_offset", more_without_a_number), tmp_path)


def always_a_link(first, answer, query):
    answer["links"]["next"] = f"?page_offset={first + 3}"
    answer["meta"] = None


def the_same_page(first, answer, query):
    answer["links"]["next"] = f"?page_offset=0&again={int(query.get('again', 0)) + 1}"
    answer["meta"] = {}


@pytest.mark.parametrize(("change", "came"), [(always_a_link, 7), (the_same_page, 3)])
def test_pages_without_end_end(change, came, tmp_path):
    lab = Lab("page_offset", change)
    assert imported(lab, tmp_path).used == came
    assert len(lab.asked) < 6


def back_to_the_first(first, answer, query):
    answer["links"]["next"] = "?page_offset=3" if first == 0 else "?page_offset=6" if first == 3 else "?page_offset=3"


def test_links_in_a_circle(tmp_path):
    def change(first, answer, query):
        back_to_the_first(first, answer, query)
        answer["meta"] = {"more_data_available": True}

    with pytest.raises(WireError, match="leads back to"):
        imported(Lab("page_offset", change), tmp_path)


def test_more_and_more_entries_end_in_words(tmp_path):
    def change(first, answer, query):
        for number, entry in enumerate(answer["data"]):
            entry["id"] = f"new {query.get('page_offset', 0)} {number}"
        answer["links"]["next"] = f"?page_offset={int(query.get('page_offset', 0)) + 3}"
        answer["data"] = answer["data"] * 40
        answer["meta"] = {"data_returned": 3}

    lab = Lab("page_offset", change)
    lab.entries = lab.entries * 60
    with pytest.raises(WireError, match="sends more and more entries"):
        imported(lab, tmp_path)


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "an entry",
        {"id": "x", "attributes": None},
        {"id": "x", "attributes": [1, 2]},
        {"attributes": {}},
        {"id": None, "attributes": {"species": []}},
        {"id": "x", "attributes": {"species": [{"chemical_symbols": ["S"]}], "species_at_sites": ["S"]}},
    ],
)
def test_one_broken_entry_is_one_row_left_out(broken, tmp_path):
    def change(first, answer, query):
        if first == 3:
            answer["data"][1] = broken

    counts = imported(Lab("page_offset", change), tmp_path)
    assert (counts.used, counts.left_out.total()) == (6, 1)
    assert set(counts.left_out) <= {"broken_entry", "no_cell"}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"species": [{"name": "Mg", "concentration": [1.0]}]}, "broken_entry"),
        ({"species": [{"name": "Mg", "chemical_symbols": None, "concentration": None}]}, "broken_entry"),
        ({"species": "MgS"}, "broken_entry"),
        ({"species_at_sites": ["Mg", 16]}, "broken_entry"),
        ({"structure_features": ["site_attachments"]}, "attached_atoms"),
        ({"nsites": 3}, "broken_lists"),
        ({"chemical_formula_reduced": "MgS2"}, "formula_differs"),
        ({"chemical_formula_reduced": None, "elements": ["H", "Mg", "S"]}, "formula_differs"),
        ({"dimension_types": None, "nperiodic_dimensions": 2}, "not_periodic"),
        ({"lattice_vectors": [[10**400, 0, 0], [0, 1, 0], [0, 0, 1]]}, "broken_lists"),
        ({"lattice_vectors": [[1e300, 0, 0], [0, 1e300, 0], [0, 0, 1]]}, "not_finite"),
    ],
)
def test_entries_that_are_not_what_they_say(changes, reason, tmp_path):
    def change(first, answer, query):
        if first == 0:
            answer["data"][0]["attributes"] |= changes

    counts = imported(Lab("page_number", change), tmp_path)
    assert counts.left_out == {reason: 1}
    assert counts.examples[reason][0].startswith("lab/0")


@pytest.mark.parametrize("attached", [(["H"], [1]), (["H", "C"], [3, 1]), (["H"], None)])
def test_hydrogens_without_positions_are_not_dropped(attached, tmp_path):
    symbols, counts = attached
    hydroxyl = {"name": "S", "chemical_symbols": ["S"], "concentration": [1.0], "attached": symbols}

    def change(first, answer, query):
        for entry in answer["data"]:
            species = entry["attributes"]["species"]
            species[1] = {**hydroxyl, "nattached": counts}

    with pytest.raises(InputError, match="none of 7 entries can be used: 7 attached_atoms"):
        imported(Lab("page_offset", change), tmp_path)


def test_an_id_that_comes_twice_on_a_page_is_counted(tmp_path):
    def change(first, answer, query):
        for entry in answer["data"]:
            entry["id"] = answer["data"][0]["id"]

    counts = imported(Lab("page_offset", change), tmp_path)
    assert (counts.used, counts.left_out) == (3, {"repeated": 4})


def failing(first, answer, query):
    return (500, {"errors": [{"detail": "database error: row 4 can't be unpacked"}]}) if first == 3 else None


@pytest.mark.parametrize("by", BY)
def test_a_page_that_always_fails_can_be_skipped_and_is_counted(by, tmp_path):
    with pytest.raises(WireError, match=r"500 .*row 4 can't be unpacked .*--skip-pages.*the same command goes on"):
        imported(Lab(by, failing), tmp_path)
    with answering(Lab(by, failing)) as url:
        other = tmp_path / "skipping"
        other.mkdir()
        counts = taken(url, other, skip_pages=True)
    assert (counts.used, counts.skipped, counts.missing) == (4, 1, 3)
    assert "1 pages were skipped" in (other / "t.parquet.missing.txt").read_text()


def test_a_server_that_is_down_is_not_skipped_page_by_page(tmp_path):
    def change(first, answer, query):
        return (503, {"errors": "maintenance"}) if first >= 3 or query.get("page_offset") else None

    lab = Lab("page_offset", change)
    lab.entries = lab.entries * 10
    with pytest.raises(WireError, match="503"):
        imported(lab, tmp_path, skip_pages=True)
    assert len(lab.asked) < 12


def test_a_server_that_forgets_what_was_asked_is_reminded(tmp_path):
    def change(first, answer, query):
        if first < 6:
            answer["links"]["next"] = {"href": f"?page_offset={first + 3}"}
        if "response_fields" not in query:
            for entry in answer["data"]:
                del entry["attributes"]["species"]

    lab = Lab("page_offset", change)
    assert imported(lab, tmp_path, query='elements HAS "S"').used == 7
    assert {query["filter"] for query in lab.asked} == {'elements HAS "S"'}


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"data": None, "errors": [{"title": "no backend"}]}, "an answer without structures: no backend"),
        ({"data": "x"}, "an answer without structures"),
        ({"data": [], "errors": [{"detail": "backend timed out"}]}, "without structures: backend timed out"),
        ({"data": [{"id": "a", "attributes": {}}], "links": {"next": 7}}, "not a link"),
        ({"data": [{"id": "a", "attributes": {}}], "links": {"next": "http://[x"}}, "can't be followed"),
        ({"data": [{"id": "a", "attributes": {}}], "links": {"next": "file:///etc/passwd"}}, "not followed"),
    ],
)
def test_answers_that_make_no_sense_are_not_kept(changed, message, tmp_path):
    lab = Lab("page_offset", lambda first, answer, query: changed if first == 3 else None)
    with answering(lab) as url:
        with pytest.raises(WireError, match=message):
            taken(url, tmp_path)
        lab.change = None
        assert taken(url, tmp_path).used in {7, 6}
    assert len(pq.read_table(tmp_path / "t.parquet")) in {7, 6}


def test_the_command_says_what_is_missing(tmp_path):
    with answering(Lab("page_offset", without_link)) as url:
        arguments = ["import", "optimade", url, "--pause", "0", "-o", str(tmp_path / "t.csv")]
        short = CliRunner().invoke(main, arguments)
        part = CliRunner().invoke(main, [*arguments, "--partial"])
    assert short.exit_code == 1
    assert "4 are missing; --partial takes what came" in short.output
    assert "[incomplete_answer]" in short.output
    assert part.exit_code == 0, part.output
    assert "4 of 7 announced: this table is a part" in part.output
