"""The Materials Project's own client against its answers, recorded; and what is made of its documents."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pyarrow.parquet as pq
import pytest
from pymatgen.core import Lattice, Structure

from aiida_mlhull.science.errors import InputError, MissingExtraError
from aiida_mlhull.science.reading import read_candidates
from aiida_mlhull.science.sources import SOURCES
from aiida_mlhull.science.sources.importing import import_from

RECORDED = Path(__file__).parent / "data" / "materials_project.json"
KEY = "0123456789abcdef0123456789abcdef"
with_client = pytest.mark.skipif(find_spec("mp_api") is None, reason="needs mp-api, the extra 'mp'")


@pytest.fixture
def documents():
    return json.loads(RECORDED.read_text())


@pytest.fixture
def endpoint(documents, monkeypatch):
    """An address that answers as the project did; ``asked`` holds the queries that came."""
    asked = []

    class Recorded(BaseHTTPRequestHandler):
        def do_GET(self):
            parts = urlsplit(self.path)
            query = {key: values[0] for key, values in parse_qs(parts.query).items()}
            found = []
            if parts.path.rstrip("/").endswith("summary"):
                asked.append(query)
                wanted = set(query["material_ids"].split(",")) if "material_ids" in query else None
                systems = query.get("chemsys", "").split(",")
                highest = float(query.get("energy_above_hull_max", "inf"))
                found = [
                    document
                    for document in documents
                    if (document["material_id"] in wanted if wanted is not None else document["chemsys"] in systems)
                    and document["energy_above_hull"] <= highest
                ]
            skip, limit = int(query.get("_skip", 0)), int(query.get("_limit", 100))
            data = [_fields(document, query.get("_fields", "")) for document in found[skip : skip + limit]]
            answer = {
                "data": data,
                "meta": {"total_doc": len(found)},
                "db_version": "2025.09.25",
                "version": "0.87.1",
                "access_controlled_batch_ids": [],
            }
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        def log_message(self, *arguments):
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Recorded)
    server.asked = asked
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("MP_API_KEY", KEY[:32])
    yield f"http://127.0.0.1:{server.server_port}/", asked
    server.shutdown()
    server.server_close()


def _fields(document, wanted):
    return {key: value for key, value in document.items() if key in wanted.split(",")} if wanted else document


@with_client
def test_a_system_comes_in_portions_with_the_projects_energies(endpoint, documents, tmp_path):
    url, _ = endpoint
    source = SOURCES["materials-project"](("Mg", "Cd"), page_size=5, endpoint=url)
    seen = []
    counts = import_from(source, tmp_path / "mgcd.parquet", progress=lambda so_far: seen.append(so_far.read))
    assert seen == [5, 10, 12]
    assert (counts.used, counts.total) == (12, 12)
    rows = pq.read_table(tmp_path / "mgcd.parquet").to_pylist()
    assert {row["id"]: row["energy_above_hull"] for row in rows} == {
        document["material_id"]: document["energy_above_hull"] for document in documents
    }
    assert KEY not in (tmp_path / "mgcd.parquet").read_bytes().decode("latin-1")
    read = read_candidates(tmp_path / "mgcd.parquet").candidates
    assert read.origins[0].endswith(f"Materials Project {read.ids[0]}")


@with_client
def test_an_interrupted_import_asks_only_for_what_is_missing(endpoint, tmp_path):
    url, asked = endpoint

    def after_the_first(so_far):
        raise KeyboardInterrupt

    def source():
        return SOURCES["materials-project"](("Cd", "Mg"), page_size=5, endpoint=url)

    with pytest.raises(KeyboardInterrupt):
        import_from(source(), tmp_path / "t.parquet", progress=after_the_first)
    asked.clear()
    assert import_from(source(), tmp_path / "t.parquet").used == 12
    wanted = [len(query["material_ids"].split(",")) for query in asked if "material_ids" in query]
    assert sum(wanted) == 7


LETTERS = {"mp-b": "mp-1", "mp-bc": "mp-28", "mp-lxf": "mp-8039", "mp-chdhk": "mp-1039204"}
"""Ids of letters as the project's own package spells them, and their numbers."""


@with_client
@pytest.mark.parametrize("find_by", ["numbers", "letters"])
def test_ids_of_letters_are_found_though_the_client_sends_numbers(endpoint, documents, tmp_path, find_by):
    url, asked = endpoint
    del documents[4:]
    for document, (letters, number) in zip(documents, LETTERS.items(), strict=True):
        document["material_id"] = letters if find_by == "letters" else number
    energies = dict(zip(LETTERS, (document["energy_above_hull"] for document in documents), strict=True))
    source = SOURCES["materials-project"](("Mg", "Cd"), endpoint=url)
    if find_by == "numbers":  # a list in letters of documents in numbers
        (page,) = [[{"material_id": name} for name in LETTERS]]
        search, source._search = source._search, lambda **query: page if len(query["fields"]) == 1 else search(**query)
    assert import_from(source, tmp_path / "t.parquet").used == 4
    rows = pq.read_table(tmp_path / "t.parquet").to_pylist()
    assert {row["id"]: row["energy_above_hull"] for row in rows} == energies
    assert sum("chemsys" in query for query in asked) == (2 if find_by == "letters" else 0)


@with_client
def test_only_what_lies_near_the_hull(endpoint, documents, tmp_path):
    url, _ = endpoint
    near = [document for document in documents if document["energy_above_hull"] <= 0.005]
    source = SOURCES["materials-project"](("Cd", "Mg"), highest=0.005, endpoint=url)
    assert import_from(source, tmp_path / "t.parquet").used == len(near) < 12


@with_client
def test_without_a_key_it_is_said_where_to_put_it(monkeypatch, tmp_path):
    monkeypatch.delenv("MP_API_KEY", raising=False)
    with pytest.raises(InputError, match=r"put yours .* into MP_API_KEY"):
        import_from(SOURCES["materials-project"](("Cd", "Mg")), tmp_path / "t.parquet")


@pytest.mark.skipif(find_spec("mp_api") is not None, reason="mp-api is installed")
def test_without_the_client_the_extra_is_named(tmp_path):
    with pytest.raises(MissingExtraError, match=r"aiida-mlhull\[mp\]"):
        import_from(SOURCES["materials-project"](("Cd", "Mg")), tmp_path / "t.parquet")


def test_documents_become_rows(documents):
    source = SOURCES["materials-project"](("Cd", "Mg"))
    row = source.row(documents[0])
    assert row.structure.composition.reduced_formula == documents[0]["formula_pretty"]
    assert row.values["energy_above_hull"] == documents[0]["energy_above_hull"]
    mixed = Structure(Lattice.cubic(4.0), [{"Cd": 0.5, "Mg": 0.5}], [[0, 0, 0]])
    refused = source.row({"material_id": "mp-0", "structure": mixed.as_dict()})
    assert (refused.structure, refused.refused) == (None, "disordered")
    assert source.row({"material_id": "mp-1", "structure": None}).refused == "no_cell"


def test_systems_that_are_none():
    with pytest.raises(InputError, match="unknown elements: Xx"):
        SOURCES["materials-project"](("Cd", "Xx"))
